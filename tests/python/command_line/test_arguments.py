"""What the command `tracejet` takes: shapes, inputs and models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
