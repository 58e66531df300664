"""Quantised models for TensorRT: Q/DQ over weights that stay integers.

The fake of its bindings refuses what TensorRT-RTX 1.7.1 refuses: integers that are read by anything but
DequantizeLinear, and zero points.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
import pytest
import torch

import tracejet
from testing.compare import assert_equal
from tests.support import fake_tensorrt
from tests.support.faked_tensorrt import fake_library
from tests.support.lambda_module import Lambda, batch
from tests.support.quantized_models import (
    CONFIGS,
    ENGINE_TOLERANCE,
    ONE_STEP,
    WEIGHTS_ONLY,
    Symmetric,
    converted,
    convolutions,
    quantized,
)
from tracejet.engines.tensorrt.library import Library


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    with fake_library(monkeypatch) as library:
        yield library


def network() -> onnx.GraphProto:
    """What was built last."""
    return fake_tensorrt.sessions[-1].engine.model.graph


def bytes_of_weights(dtype: int) -> int:
    return sum(len(weight.raw_data) for weight in network().initializer if weight.data_type == dtype)


def test_symmetric_models_are_built_as_q_and_dq() -> None:
    model = Symmetric()
    compiled = tracejet.compile(model, arg_inputs=[batch(64)], engine="tensorrt")
    for rows in (1, 2, 9):
        x = torch.randn(rows, 64)
        assert_equal([model(x)], [compiled(x)], ONE_STEP)
    operators = [node.op_type for node in network().node]
    assert operators.count("QuantizeLinear") == 2 and operators.count("DequantizeLinear") == 4
    assert bytes_of_weights(onnx.TensorProto.INT8) >= 2 * 64 * 64
    assert bytes_of_weights(onnx.TensorProto.FLOAT) < 64 * 64


def test_zero_points_stay_with_pytorch() -> None:
    model = converted(convolutions(), torch.randn(6, 3, 8, 8))
    compiled = tracejet.compile(model, arg_inputs=[batch(3, 8, 8, low=2)], engine=["tensorrt"], min_block_size=1)
    left = {call.operator.split("::")[1] for call in compiled.report.fallbacks}
    assert left == {"quantize_per_tensor", "dequantize_per_tensor"}
    for rows in (2, 5, 9):
        x = torch.randn(rows, 3, 8, 8)
        assert_equal([model(x)], [compiled(x)], ONE_STEP)


@pytest.mark.parametrize("name", WEIGHTS_ONLY)
def test_models_of_torchao_keep_their_integers(name: str) -> None:
    model = quantized(CONFIGS[name]())
    compiled = tracejet.compile(model, arg_inputs=[batch(64)], engine="tensorrt")
    for rows in (1, 2, 9):
        x = torch.randn(rows, 64)
        assert_equal([model(x)], [compiled(x)], ENGINE_TOLERANCE.get(name, 1e-5))
    integers = bytes_of_weights(onnx.TensorProto.INT8) + bytes_of_weights(onnx.TensorProto.UINT8)
    assert integers >= 64 * 64 and bytes_of_weights(onnx.TensorProto.FLOAT) < 64 * 64


def test_integers_that_are_seen_as_such_stay_integers() -> None:
    """Dequantized, they would be given as floats."""
    table = torch.randint(-127, 128, (9, 4), dtype=torch.int8)
    model = Lambda(lambda x: (x + table[1].float(), table.t()))
    compiled = tracejet.compile(model, arg_inputs=[batch(4)], engine=["tensorrt"], min_block_size=1)
    for rows in (1, 9):
        x = torch.randn(rows, 4)
        assert_equal(model(x), compiled(x))
