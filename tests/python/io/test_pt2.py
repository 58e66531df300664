"""Programs as .pt2 files: what the writer in C++ writes says what torch.export.save says of the same program."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch.utils import _pytree as pytree

import tracejet
from testing.models import SMALL_MODELS
from tests.support.program_cases import Case, cases, dynamic_inputs

TESTS = Path("build/tests/cpp/tracejet_tests")


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def sympified(text: str) -> Any:
    import sympy
    from torch.utils._sympy import functions

    names = {name: getattr(functions, name) for name in functions.__all__ if hasattr(functions, name)}
    return sympy.sympify(text, locals=names)


def comparable(value: Any) -> Any:
    """The order of a sum's terms doesn't matter."""
    if isinstance(value, dict):
        return {
            key: sympified(item) if key == "expr_str" else comparable(item)
            for key, item in value.items()
            if key != "torch_version"
        }
    return [comparable(item) for item in value] if isinstance(value, list) else value


def assert_same_files(ours: Path, theirs: Path) -> None:
    written, expected = entries(ours), entries(theirs)
    left_out = {".data/serialization_id", "data/sample_inputs/model.pt"}
    assert written.keys() == expected.keys()
    for name in written.keys() - left_out:
        if name.endswith(".json"):
            assert comparable(json.loads(written[name])) == comparable(json.loads(expected[name])), name
        else:
            assert written[name] == expected[name], name


def save_both(program: torch.export.ExportedProgram, folder: Path) -> tuple[Path, Path]:
    ours, theirs = folder / "ours.pt2", folder / "theirs.pt2"
    tracejet.save(program, ours)
    torch.export.save(program, theirs)
    return ours, theirs


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_file_says_what_torch_export_writes(case: Case, tmp_path: Path) -> None:
    program = tracejet.trace(case.model, arg_inputs=case.args, kwarg_inputs=case.kwargs)
    assert_same_files(*save_both(program, tmp_path))


@pytest.mark.parametrize("case", [case for case in cases() if case.dynamic], ids=str)
def test_a_dynamic_program_says_what_torch_export_writes(case: Case, tmp_path: Path) -> None:
    program = tracejet.trace(case.model, arg_inputs=dynamic_inputs(case))
    ours, theirs = save_both(program, tmp_path)
    assert_same_files(ours, theirs)
    loaded, expected = torch.export.load(ours), torch.export.load(theirs)
    assert loaded.range_constraints == expected.range_constraints
    assert loaded.graph_signature == expected.graph_signature
    assert loaded.graph_module.code == expected.graph_module.code


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_models_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    case = SMALL_MODELS[name]
    args, kwargs = case.tracejet_inputs()
    program = tracejet.trace(case.module(), arg_inputs=args, kwarg_inputs=kwargs)
    assert_same_files(*save_both(program, tmp_path))
    loaded = torch.export.load(tmp_path / "ours.pt2").module()
    for which in ("min", "opt", "max"):
        args, kwargs = case.example(which)
        with torch.no_grad():
            results, expected = loaded(*args, **kwargs), case.module()(*args, **kwargs)
        for a, b in zip(pytree.tree_leaves(results), pytree.tree_leaves(expected), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_a_program_traced_in_cpp_opens_in_python(tmp_path: Path) -> None:
    subprocess.run(
        [TESTS, "--gtest_filter=Pt2.HoldsADynamicProgram"],
        env={**os.environ, "TRACEJET_KEEP_PT2": str(tmp_path)},
        check=True,
        capture_output=True,
    )
    program = torch.export.load(tmp_path / "HoldsADynamicProgram.pt2")
    assert list(program.state_dict) == ["layer.weight", "layer.bias"]
    assert [(int(r.lower), int(r.upper)) for r in program.range_constraints.values()] == [(1, 8), (0, 8)]
    module = program.module()
    weight, bias = program.state_dict["layer.weight"], program.state_dict["layer.bias"]
    torch.testing.assert_close(weight, torch.arange(20.0).reshape(5, 4) / 10)
    for rows in ((1, 0), (1, 8), (2, 2), (8, 8), (5, 1)):
        x, y = (torch.randn(n, 4) for n in rows)
        hidden = torch.relu(torch.nn.functional.linear(torch.cat([x, y]), weight, bias))
        values, indices = torch.topk(hidden, 2)
        for result, expected in zip(module(x, y), (hidden.view(-1), values, indices), strict=True):
            torch.testing.assert_close(result, expected)


class Named(NamedTuple):
    doubled: torch.Tensor
    tripled: torch.Tensor


@pytest.mark.parametrize(
    ("forward", "named"),
    [
        (lambda x: torch.max(x, 1), "torch.return_types.max"),
        (lambda x: {"both": [Named(x * 2, x * 3)]}, "Named"),
    ],
)
def test_a_container_without_a_name_is_refused(forward: Any, named: str, tmp_path: Path) -> None:
    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return forward(x)

    program = tracejet.trace(Model(), arg_inputs=[torch.ones(2, 3)])
    with pytest.raises(
        tracejet.UnsupportedOperator, match=f"results hold a .*{named}, which .pt2 files have no name for"
    ):
        tracejet.save(program, tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())
