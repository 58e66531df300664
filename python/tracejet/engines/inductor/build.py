"""Has AOTInductor compile a program. Its private ways are `compat.inductor`'s."""

from __future__ import annotations

import re
import tempfile
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.fx import GraphModule, Interpreter, Node

from tracejet._C import CompileSettings, UnsupportedOperator
from tracejet.engines.inductor.assumptions import assumptions
from tracejet.engines.inductor.code import Code
from tracejet.export.compat.inductor import (
    aot_compile,
    output_of_compiler,
    package,
    sizes_told_apart_by_the_program_alone,
)
from tracejet.export.engine_view import EngineView

#: Inductor keeps what it is at in variables of the process.
_LOCK = threading.RLock()

#: How weights stay outside of the code: none is inlined, folded or written into the file, so that they exist once, and
#: the code is good for others.
_WEIGHTS_OUTSIDE = {
    "aot_inductor.package_constants_in_so": False,
    "aot_inductor.package_constants_on_disk_format": "pickle_weights",
    "always_keep_tensor_constants": True,
    "joint_graph_constant_folding": False,
}

#: What torch.compile's mode="max-autotune" looks for on GPUs. On CPUs there is nothing to choose from: Inductor's own
#: products of matrices want weights in the code.
_AUTOTUNED = {"max_autotune": True, "coordinate_descent_tuning": True}


class Failure(Exception):
    """Inductor fails at these nodes."""

    def __init__(self, nodes: dict[Node, str]):
        super().__init__()
        self.nodes = nodes


def build(view: EngineView, settings: CompileSettings, sizes: Mapping[int, torch.SymInt]) -> Code:
    """Raises Failure, or UnsupportedOperator where nobody knows at which call it fails."""
    with _LOCK, _for_a_compilation(), tempfile.TemporaryDirectory(prefix="tracejet-") as folder:
        options = {**_WEIGHTS_OUTSIDE, **_options(view.module, settings), "aot_inductor.output_path": f"{folder}/"}
        try:
            files = _compile(view.module, options)
        except Exception as error:
            raise _failure(view.module, error) from error
        constants = {name: tensor for each in files if isinstance(each, dict) for name, (tensor, _) in each.items()}
        code = _packaged([each for each in files if isinstance(each, str)], Path(folder))
    return Code(
        code,
        [(name, view.weights[name]) for name in constants if name in view.weights],
        [(name, tensor) for name, tensor in constants.items() if name not in view.weights],
        assumptions(view, sizes),
    )


def _options(module: GraphModule, settings: CompileSettings) -> dict[str, Any]:
    options: dict[str, Any] = {"aot_inductor.package": True}
    if settings.threads:
        options["cpp.threads"] = settings.threads
    if settings.effort == "max" and _runs_on_gpu(module):
        options.update(_AUTOTUNED)
    return options


def _runs_on_gpu(module: GraphModule) -> bool:
    values = (node.meta.get("val") for node in module.graph.nodes)
    return any(isinstance(value, torch.Tensor) and value.is_cuda for value in values)


def _compile(module: GraphModule, options: dict[str, Any]) -> list[Any]:
    inputs = tuple(node.meta["val"] for node in module.graph.find_nodes(op="placeholder"))
    return aot_compile(module, inputs, options)


def _packaged(files: list[str], folder: Path) -> bytes:
    path = folder / "code.pt2"
    package(path, files)
    return path.read_bytes()


@contextmanager
def _for_a_compilation() -> Iterator[None]:
    """Sizes of 0 and 1 aren't told from others, unless the program itself does. PyTorch's warnings of its own code
    aren't for users."""
    with sizes_told_apart_by_the_program_alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _failure(module: GraphModule, error: Exception) -> Exception:
    reason = f"can't be compiled by Inductor: {_essence(error)}"
    at = _lowered_node(error)
    nodes = {node: reason for node in module.graph.nodes if at is not None and node.target == at.target}
    return Failure(nodes) if nodes else UnsupportedOperator(f"inductor: the program {reason}")


def _lowered_node(error: Exception) -> Node | None:
    """The call that Inductor was at, in a graph of its own; None where it had been through them all."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if isinstance(frame.f_locals.get("self"), Interpreter) and frame.f_code.co_name == "run_node":
            node = frame.f_locals.get("n")
            return node if isinstance(node, Node) else None
    return None


def _essence(error: Exception) -> str:
    """What went wrong, without the command that ran and the text of the code."""
    if said := re.search(r"error: .*", output_of_compiler(error)):
        return said[0]
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
