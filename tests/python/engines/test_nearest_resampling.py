"""Nearest neighbours are the ones that eager takes, where two are equally near too: on every engine."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tests.support.onnx_runtime import OnnxRuntime
from tracejet import Input

MODES = ["nearest", "nearest-exact"]
each_runtime = pytest.mark.parametrize("runtime", ["aten", "openvino", "onnxruntime"])


def compiled(runtime: str, program, folder):
    if runtime == "onnxruntime":
        run = OnnxRuntime(program, str(folder / "model.onnx"))
        return lambda x: run(x)[0]
    return tracejet.compile(program, engine=runtime)


@each_runtime
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_plain_sizes(runtime: str, mode: str, axes: int, tmp_path):
    """14 to 4 and 6 to 37 are such that float32's quotients decide."""
    for size, into in [(14, 4), (14, 16), (14, 1), (6, 37), (12, 37), (20, 46), (24, 37), (2, 82), (14, 23), (5, 5)]:
        x = torch.arange(2.0 * size**axes).view(1, 2, *[size] * axes)
        model = Lambda(lambda x, into=into: F.interpolate(x, size=(into,) * axes, mode=mode))
        run = compiled(runtime, tracejet.trace(model, arg_inputs=[x]), tmp_path)
        assert_equal(model(x), run(x), 0, f"{size} to {into}: ")
        if axes == 3 and size > 6:
            break


@each_runtime
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "options",
    [
        {"scale_factor": 1.7, "recompute_scale_factor": True},
        {"scale_factor": 1.7},
        {"scale_factor": (0.6, 2.5)},
        {"scale_factor": 0.5},
        {"scale_factor": 2},
        {"scale_factor": 3.0},
        {"scale_factor": (2, 1)},
        {"size": (16, 4)},
        {"size": (5, 37)},
    ],
    ids=str,
)
def test_dynamic_sizes(runtime: str, mode: str, options: dict, tmp_path):
    model = Lambda(lambda x: F.interpolate(x, mode=mode, **options))
    declared = Input(min_shape=(1, 1, 2, 2), opt_shape=(2, 1, 6, 14), max_shape=(3, 1, 40, 41))
    run = compiled(runtime, tracejet.trace(model, arg_inputs=[declared]), tmp_path)
    for height, width in [(6, 14), (2, 2), (40, 41), (14, 14), (17, 34), (28, 21), (13, 24), (37, 3)]:
        x = torch.arange(2.0 * height * width).view(2, 1, height, width)
        assert_equal(model(x), run(x), 0, f"at {height}, {width}: ")


def test_a_size_of_another_tensor():
    model = Lambda(lambda x, y: F.interpolate(x, size=y.shape[2:], mode="nearest"))
    small = Input(min_shape=(1, 2, 1, 1), opt_shape=(1, 2, 7, 14), max_shape=(1, 2, 30, 30))
    large = Input(min_shape=(1, 1, 1, 1), opt_shape=(1, 1, 16, 4), max_shape=(1, 1, 90, 90))
    run = tracejet.compile(model, arg_inputs=[small, large], engine="openvino")
    for (h, w), into in [((7, 14), (16, 4)), ((1, 1), (1, 1)), ((30, 29), (90, 82)), ((14, 21), (4, 12))]:
        x, y = torch.randn(1, 2, h, w), torch.randn(1, 1, *into)
        assert_equal(model(x, y), run(x, y), 0, f"{h}, {w} to {into}: ")


def test_bytes_and_a_constant_line_are_resampled():
    table = torch.linspace(-1, 1, 14).view(1, 2, 7)
    model = Lambda(lambda x: (F.interpolate(x, size=(5, 9), mode="nearest"), F.interpolate(table, size=5) + x.sum()))
    x = torch.randint(0, 255, (1, 3, 14, 14), dtype=torch.uint8)
    assert_equal(model(x), tracejet.compile(model, arg_inputs=[x], engine="openvino")(x), 1e-5)
