"""What the command `tracejet` takes: shapes, inputs and models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tracejet
from tests.support.command_line import RANGE, found, tracejet_command
from tracejet.command_line.shapes import read_shapes, read_spec

# ---- shapes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("x:1x3x224x224", {"x": (1, 3, 224, 224)}),
        ("x:1x3,y:7", {"x": (1, 3), "y": (7,)}),
        ("box:0x3, 'max':2", {"box": (0, 3), "max": (2,)}),
        ("1x3", {"": (1, 3)}),
        ("x:scalar,y:", {"x": (), "y": ()}),
    ],
)
def test_shapes_as_trtexec_writes_them(text: str, shapes: dict[str, Any]) -> None:
    assert read_shapes(text) == shapes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(1,3,224,224)", ("", ((1, 3, 224, 224),), None, torch.contiguous_format)),
        ("(1,)", ("", ((1,),), None, torch.contiguous_format)),
        ("[(1,3);(2,3);(4,3)]@f16", ("", ((1, 3), (2, 3), (4, 3)), torch.float16, torch.contiguous_format)),
        ("x: (1, 3, 8, 8)@i64%NHWC", ("x", ((1, 3, 8, 8),), torch.int64, torch.channels_last)),
        ("mask:()@bool", ("mask", ((),), torch.bool, torch.contiguous_format)),
    ],
)
def test_inputs_as_torchtrtc_writes_them(text: str, expected: tuple[Any, ...]) -> None:
    spec = read_spec(text)
    assert (spec.name, spec.shapes, spec.dtype, spec.format) == expected


@pytest.mark.parametrize("text", ["x:1x-3", "x:axb", "x:1xx3", "x:1x", "x:1,x:2", "x:1.5"])
def test_what_is_no_shape_is_an_error(text: str) -> None:
    with pytest.raises(tracejet.InvalidInput):
        read_shapes(text)


@pytest.mark.parametrize("text", ["1x3", "[(1,3);(2,3)]", "(1,3)@f17", "(1,3)%CHWN", "(a,b)", "x:(1,3", ""])
def test_what_is_no_input_is_an_error(text: str) -> None:
    with pytest.raises(tracejet.InvalidInput):
        read_spec(text)


# ---- models and inputs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["cli_models:Net", "cli_models:build", "cli_models:net", "cli_models.py:Net"])
def test_a_model_is_a_class_a_function_an_instance_or_in_a_file(folder: Path, model: str) -> None:
    assert found("trace", model, "--shapes", "x:2x8")["inputs"] == {"x": "float32[2, 8]"}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("nowhere:Net", "no module 'nowhere'"),
        ("nowhere.py:Net", "no file nowhere.py"),
        ("cli_models:Nett", "no 'Nett'"),
        ("cli_models:number", "gives a int"),
        ("cli_models", "names no model"),
        ("nowhere.pt2", "no file nowhere.pt2"),
    ],
)
def test_what_is_no_model_is_a_usage_error(folder: Path, model: str, message: str) -> None:
    result = tracejet_command("trace", model, "--shapes", "x:2x8")
    assert result.exit_code == 2 and message in result.stderr
    assert message in found("trace", model, "--shapes", "x:2x8", status=2)["error"]["message"]


def test_a_module_that_misses_another_one_is_not_a_missing_module(folder: Path) -> None:
    (folder / "broken_models.py").write_text("import nowhere_at_all")
    assert "nowhere_at_all" in found("trace", "broken_models:Net", status=3)["error"]["message"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--shapes x:1x3x224x224"),
        (["--shapes", "y:2x8"], "no input 'y'; it takes x, scale"),
        (["--min-shapes", "x:1x8"], "--opt-shapes"),
        (["--shapes", "x:2xa"], "isn't a shape"),
        (["-i", "(1,8);(2,8)"], "isn't an input"),
        (["--shapes", "x:2x8", "--dtypes", "x:int65"], "isn't a dtype"),
        (["--shapes", "x:2x8", "--shared-dims", "batch"], "batch=x:0,y:0"),
        ([*RANGE, "--opt-shapes", "x:40x8"], "x"),
    ],
)
def test_inputs_that_make_no_sense_are_usage_errors(folder: Path, options: list[str], message: str) -> None:
    assert message in found("trace", "cli_models:Net", *options, status=2)["error"]["message"]


def test_inputs_of_every_kind(folder: Path) -> None:
    options = ["-i", "ids:[(1,3);(2,4);(8,9)]@i64", "-i", "mask:[(1,3);(2,4);(8,9)]@i64"]
    shared = ["--shared-dims", "batch=ids:0,mask:0", "--shared-dims", "length=ids:1,mask:1"]
    traced = found("trace", "cli_models:Words", *options, *shared)
    assert traced["inputs"] == {"ids": "int64[batch, length]", "mask": "int64[batch, length]"}
    assert traced["dimensions"]["batch"] == {"min": 1, "opt": 2, "max": 8}
    traced = found("trace", "cli_models:Net", "--shapes", "x:2x8,scale:scalar")
    assert traced["inputs"] == {"x": "float32[2, 8]", "scale": "float32[]"}
    assert found("trace", "cli_models:Net", "--shapes", "2x8")["inputs"] == {"x": "float32[2, 8]"}


# ---- what can't be done --------------------------------------------------------------------------------------------


class AddOne(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program, a compiled one, arrays and files that are none."""
    place = tmp_path_factory.mktemp("files")
    x = tracejet.Input(min_shape=(1, 4), opt_shape=(2, 4), max_shape=(8, 4), name="x")
    program = tracejet.trace(AddOne(), arg_inputs=[x])
    tracejet.save(program, place / "net.pt2")
    tracejet.compile(program).save(place / "compiled.pt2")
    np.save(place / "x.npy", np.ones((3, 4), np.float32))
    np.save(place / "integers.npy", np.ones((3, 4), np.int64))
    np.save(place / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    torch.save("text", place / "text.pt")
    (place / "broken.npy").write_text("hello")
    (place / "broken.pt").write_text("hello")
    (place / "empty.pt").write_text("")
    (place / "folder").mkdir()
    return place


ODD = {
    "an array": ("run net.pt2 --load-inputs x.npy", 0, "float32[3, 4]"),
    "an array by name": ("run net.pt2 --load-inputs x=x.npy", 0, "float32[3, 4]"),
    "sizes to run at": ("run net.pt2 --shapes x:5x4", 0, "float32[5, 4]"),
    "an array of the shape": ("run net.pt2 --load-inputs x.npy --shapes x:3x4", 0, "float32[3, 4]"),
    "an array of another shape": ("run net.pt2 --load-inputs x.npy --shapes 5x4", 2, "--shapes says that x is [5, 4]"),
    "a name beside an array": ("run net.pt2 --load-inputs x.npy --shapes y:3x4", 2, "no input 'y'; it takes x"),
    "a shape measured": ("bench net.pt2 --load-inputs x.npy --shapes x:5x4", 2, "has for it is [3, 4]"),
    "another dtype": ("run net.pt2 --load-inputs integers.npy", 2, "its dtype is Long"),
    "objects": ("run net.pt2 --load-inputs objects.npy", 3, "can't load objects.npy: it holds no tensors"),
    "no array": ("run net.pt2 --load-inputs broken.npy", 3, "can't load broken.npy"),
    "no tensors": ("run net.pt2 --load-inputs broken.pt", 3, "can't load broken.pt"),
    "nothing": ("run net.pt2 --load-inputs empty.pt", 3, "can't load empty.pt"),
    "a text": ("run net.pt2 --load-inputs text.pt", 2, "text.pt holds a str"),
    "too many arrays": ("run net.pt2 --load-inputs x.npy --load-inputs x.npy", 2, "takes 1 arguments, got 2"),
    "one name twice": ("run net.pt2 --load-inputs x=x.npy --load-inputs x=x.npy", 2, "two files for x"),
    "two kinds of files": ("run net.pt2 --load-inputs x.npy --load-inputs text.pt", 2, "text.pt: expected one file"),
    "a folder to write to": ("run net.pt2 --save-outputs nowhere/y.pt", 3, "can't write nowhere/y.pt"),
    "an unknown input": ("run net.pt2 --shapes y:2x4", 2, "no input 'y'; it takes x"),
    "sizes out of range": ("run net.pt2 --shapes x:9x4", 2, "x"),
    "sizes of a program": ("check net.pt2 --shapes x:2x4", 2, "--shapes: a program has been traced"),
    "dtypes of a program": ("run net.pt2 --dtypes x:int64", 2, "--dtypes: a program has been traced"),
    "a range of a program": ("run net.pt2 --min-shapes x:1x4", 2, "--min-shapes: a program has been traced"),
    "an engine of what is compiled": ("report compiled.pt2 -o r.html --engine aten", 2, "compiled already"),
    "a setting of what is compiled": ("report compiled.pt2 -o r.html --threads 1", 2, "threads: compiled.pt2 is"),
    "a report nowhere": ("report net.pt2 -o nowhere/r.html --no-verify --duration 0", 3, "can't write nowhere/r.html"),
    "a duration that is none": ("report net.pt2 -o r.html --duration nan", 2, "--duration"),
    "a cache that is a file": ("cache ls --dir x.npy", 2, "something else than a folder"),
    "a file to clear": ("cache clear --dir x.npy", 2, "something else than a folder"),
    "kernels in a file": ("run net.pt2 --cache-dir x.npy", 2, "something else than a folder"),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_arguments_are_answered_in_words_of_ours(files: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    command, status, message = ODD[case]
    monkeypatch.chdir(files)
    result = tracejet_command(*command.split())
    assert result.exit_code == status, result.output
    assert message in result.output and "Traceback" not in result.output


def test_a_range_a_shape_and_an_array_of_a_model_must_agree(folder: Path) -> None:
    np.save(folder / "x.npy", np.ones((3, 8), np.float32))
    command = ("run", "cli_models:net", *RANGE, "--load-inputs", "x.npy", "--shapes")
    assert found(*command, "x:3x8")["outputs"][0]["shape"] == [3, 3]
    assert "--shapes says that x is [2, 8]" in found(*command, "x:2x8", status=2)["error"]["message"]
