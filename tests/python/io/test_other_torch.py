"""`.pt2` files between this torch and another version of it, both ways.

TRACEJET_OTHER_TORCH in the environment is the Python of the other one, which needs torch and numpy alone.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

import tracejet
from tests.support.other_torch import EXPORTED_SIZES, assert_close, computed, said_of
from tests.support.plain_models import MODELS, SIZES
from tracejet import Input
from tracejet.frontend.input_shapes import UNBOUNDED

ROOT = Path(__file__).parents[3]
TOOL = ROOT / "build/tools/tracejet/tracejet-cpp"
PYTHON = os.environ.get("TRACEJET_OTHER_TORCH", "")

pytestmark = pytest.mark.skipif(not PYTHON, reason="TRACEJET_OTHER_TORCH names no Python")


def traced(name: str) -> torch.export.ExportedProgram:
    case = MODELS[name]
    low, opt, high = (case.shapes(rows) for rows in (SIZES[0], SIZES[2], SIZES[-1]))
    inputs = [
        Input(
            min_shape=low[index],
            opt_shape=opt[index],
            max_shape=high[index],
            name=f"x{index}",
            shared_dims={axis: "n" for axis, size in enumerate(axes) if size == "n"},
        )
        for index, axes in enumerate(case.axes)
    ]
    return tracejet.trace(case.module(), arg_inputs=inputs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With our files, and what the other torch made of them."""
    place = tmp_path_factory.mktemp("other_torch")
    for name in MODELS:
        tracejet.save(traced(name), place / f"{name}.ours.pt2")
    own = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    subprocess.run([PYTHON, "-m", "tests.support.other_torch", place], cwd=ROOT, env=own, check=True)
    return place


def check_problems(name: str, folder: Path) -> None:
    problems = json.loads((folder / "problems.json").read_text())
    if f"{name}, export" in problems:
        pytest.skip(f"that torch's own files can't hold it: {problems[f'{name}, export']}")
    assert f"{name}, read" not in problems


@pytest.mark.parametrize("name", MODELS)
def test_the_other_torch_opens_ours(name: str, folder: Path) -> None:
    check_problems(name, folder)
    said = json.loads((folder / f"{name}.said.json").read_text())
    expected = json.loads(json.dumps(said_of(torch.export.load(folder / f"{name}.ours.pt2"))))
    for key in expected:
        assert said[key] == expected[key]
    case = MODELS[name]
    assert_close(torch.load(folder / f"{name}.computed.pt", weights_only=False), computed(case.module(), case))


@pytest.mark.parametrize("kind", ["again", "exported", "decomposed"])
@pytest.mark.parametrize("name", MODELS)
def test_we_open_what_the_other_torch_wrote(name: str, kind: str, folder: Path) -> None:
    check_problems(name, folder)
    case, path = MODELS[name], folder / f"{name}.{kind}.pt2"
    sizes = SIZES if kind == "again" else EXPORTED_SIZES
    expected = (
        computed(case.module(), case, sizes)
        if kind == "again"
        else torch.load(folder / f"{name}.eager.pt", weights_only=False)
    )
    said, said_there = said_of(tracejet.load(path)), said_of(torch.export.load(path))
    for key in ("weights", "structure"):
        assert said[key] == said_there[key]
    assert ranges_in(said) == ranges_in(said_there)
    assert_close(computed(tracejet.load(path).module(), case, sizes), expected)
    assert_close(computed(tracejet.compile(tracejet.load(path), engine="aten"), case, sizes), expected)
    first = [value for value in expected[0][: -len(case.axes)] if isinstance(value, torch.Tensor)]
    if not {value.dtype for value in first} & {torch.uint16, torch.uint32}:  # of these C++ can't write tensors
        assert_close([in_cpp(path, case.inputs(sizes[0]), folder)], [first])


def ranges_in(said: dict[str, Any]) -> list[str]:
    """Without the symbols, which we name anew. What is traced anew has no sizes that engines can't count."""
    return sorted(text.replace("int_oo", str(UNBOUNDED)) for text in said["ranges"].values())


def in_cpp(path: Path, inputs: list[torch.Tensor], folder: Path) -> list[Any]:
    """What the first call of tracejet-cpp gives."""
    torch.save(inputs, folder / "inputs.pt")
    files = ["--load-inputs", folder / "inputs.pt", "--save-outputs", folder / "outputs.pt"]
    subprocess.run([TOOL, "run", path, "--engine", "aten", *files], check=True, capture_output=True)
    return torch.load(folder / "outputs.pt", weights_only=False)
