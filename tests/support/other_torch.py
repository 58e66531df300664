"""What another version of torch makes of our files, and files of its own for us to open.

It runs in that torch's Python, without tracejet: python -m tests.support.other_torch FOLDER

Reads NAME.ours.pt2, and writes what it found there as NAME.said.json and what it computes as NAME.computed.pt; then
NAME.again.pt2 (what it read, saved), and NAME.exported.pt2 and NAME.decomposed.pt2 (the model, exported), with what the
model gives there as NAME.eager.pt.
"""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch.utils import _pytree as pytree

from tests.support.plain_models import MODELS, SIZES, Case

EXPORTED_SIZES = (4, *SIZES[2:])  #: torch.export's programs aren't for sizes of 1, wherever they have them


def said_of(program: torch.export.ExportedProgram) -> dict[str, Any]:
    """Everything that a program says, in words."""
    return {
        "nodes": graph_in_words(program.graph_module),
        "ranges": {str(symbol): str(values) for symbol, values in program.range_constraints.items()},
        "signature": str(program.graph_signature),
        "weights": {name: bytes_of(tensor) for name, tensor in {**program.state_dict, **program.constants}.items()},
        "structure": [str(program.call_spec.in_spec), str(program.call_spec.out_spec)],
    }


def graph_in_words(module: torch.fx.GraphModule) -> list[Any]:
    bodies = [graph_in_words(child) for child in module.children() if isinstance(child, torch.fx.GraphModule)]
    return [in_words(node) for node in module.graph.nodes] + bodies


def in_words(node: torch.fx.Node) -> list[str]:
    call = [node.op, node.name, str(node.target), str(node.args), str(node.kwargs)]
    return call + [str(node.meta.get(key)) for key in ("val", "stack_trace", "nn_module_stack")]


def bytes_of(tensor: torch.Tensor) -> list[str]:
    content = tensor.detach().contiguous().view(-1).view(torch.uint8) if tensor.numel() else torch.empty(0)
    digest = hashlib.sha256(bytes(content.tolist())).hexdigest()
    return [str(tensor.dtype), str(tuple(tensor.shape)), str(tensor.stride()), digest]


def computed(call: Any, case: Case, sizes: tuple[int, ...] = SIZES) -> list[list[Any]]:
    """For each size, what it gives and its arguments afterwards: one call after the other, with its state."""
    found = []
    for rows in sizes:
        inputs = case.inputs(rows)
        with torch.no_grad():
            results = pytree.tree_leaves(call(*inputs))
        found.append(pytree.tree_map_only(torch.Tensor, torch.clone, [*results, *inputs]))
    return found


def assert_close(found: list[list[Any]], expected: list[list[Any]]) -> None:
    for got, wanted in zip(found, expected, strict=True):
        for a, b in zip(got, wanted, strict=True):
            if isinstance(b, torch.Tensor):
                assert a.dtype == b.dtype
                torch.testing.assert_close(as_numbers(a), as_numbers(b), rtol=1e-4, atol=1e-5, equal_nan=True)
            else:
                assert type(a) is type(b) and a == b


def as_numbers(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if "float8" in str(tensor.dtype) else tensor


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    problems = {}
    for name, case in MODELS.items():
        for step in (read, export):
            try:
                step(folder, name, case)
            except Exception as error:
                problems[f"{name}, {step.__name__}"] = f"{type(error).__name__}: {error}"
    (folder / "problems.json").write_text(json.dumps(problems))


def read(folder: Path, name: str, case: Case) -> None:
    path = folder / f"{name}.ours.pt2"
    if not path.exists():
        return
    program = torch.export.load(path)
    (folder / f"{name}.said.json").write_text(json.dumps(said_of(program)))
    torch.save(computed(program.module(), case), folder / f"{name}.computed.pt")
    torch.export.save(torch.export.load(path), folder / f"{name}.again.pt2")


def export(folder: Path, name: str, case: Case) -> None:
    torch.save(computed(case.module(), case, EXPORTED_SIZES), folder / f"{name}.eager.pt")
    dynamic = [{axis: torch.export.Dim.DYNAMIC for axis, size in enumerate(axes) if size == "n"} for axes in case.axes]
    program = torch.export.export(case.module(), tuple(case.inputs(5)), dynamic_shapes=tuple(dynamic) or None)
    torch.export.save(program, folder / f"{name}.exported.pt2")
    torch.export.save(program.run_decompositions({}), folder / f"{name}.decomposed.pt2")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
