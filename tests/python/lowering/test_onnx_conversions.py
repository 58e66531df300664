"""Every conversion to ONNX, on two runtimes that share no code, against eager PyTorch."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.utils import _pytree as pytree

import tracejet
from tests.support.lambda_module import Lambda
from tests.support.onnx_cases import CASES, Case
from tests.support.onnx_runtime import OnnxRuntime


def dynamic_inputs(case: Case) -> list[tracejet.Input]:
    """The case's inputs with a batch from 2 to 9."""
    shapes = [[tensor.shape for tensor in case.inputs(batch)] for batch in (2, 4, 9)]
    example = case.inputs(4)
    return [
        tracejet.Input(min_shape=low, opt_shape=opt, max_shape=high, dtype=tensor.dtype, shared_dims={0: "batch"})
        for low, opt, high, tensor in zip(*shapes, example, strict=True)
    ]


def assert_same(actual: object, expected: object, tolerance: float) -> None:
    expected = [torch.as_tensor(leaf) for leaf in pytree.tree_leaves(expected)]
    actual = [torch.as_tensor(leaf) for leaf in pytree.tree_leaves(actual)]
    assert [(leaf.shape, leaf.dtype) for leaf in actual] == [(leaf.shape, leaf.dtype) for leaf in expected]
    for index, (left, right) in enumerate(zip(actual, expected, strict=True)):
        torch.testing.assert_close(
            left, right, rtol=tolerance, atol=tolerance, equal_nan=True, msg=lambda text, i=index: f"output {i}: {text}"
        )


def test_cases_have_names_of_their_own():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_static_programs_give_what_eager_gives(case: Case, tmp_path):
    inputs = case.inputs(4)
    program = tracejet.trace(case.model, arg_inputs=inputs)
    expected = case.model(*inputs)
    assert_same(tracejet.compile(program, engine="openvino")(*inputs), expected, case.tolerance)
    assert_same(OnnxRuntime(program, str(tmp_path / "model.onnx"))(*inputs), expected, case.tolerance)


@pytest.mark.parametrize("case", [case for case in CASES if case.dynamic], ids=str)
def test_dynamic_programs_give_what_eager_gives_at_every_size(case: Case, tmp_path):
    program = tracejet.trace(case.model, arg_inputs=dynamic_inputs(case))
    runs = {
        "openvino": tracejet.compile(program, engine="openvino"),
        "onnxruntime": OnnxRuntime(program, str(tmp_path / "model.onnx")),
    }
    for batch in (2, 3, 9):
        inputs = case.inputs(batch)
        for name, run in runs.items():
            try:
                assert_same(run(*inputs), case.model(*inputs), case.tolerance)
            except AssertionError as error:
                raise AssertionError(f"{name}, batch {batch}: {error}") from None


PADDED = {
    "maximum": lambda x: F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 2),  # of what is below 0
    "average": lambda x: F.avg_pool2d(F.pad(x, (1, 1, 1, 1)), 2),
    "a result that is convolved, too": lambda x: (y := x * 2, F.conv2d(F.pad(y, (1, 0, 1, 0)), torch.ones(3, 4, 2, 2))),
}


@pytest.mark.parametrize("function", PADDED.values(), ids=PADDED)
def test_runtimes_leave_padding_where_it_is(function, tmp_path):
    x = -torch.rand(2, 4, 7, 5) - 1
    program = tracejet.trace(Lambda(function), arg_inputs=[x])
    for run in (tracejet.compile(program, engine="openvino"), OnnxRuntime(program, str(tmp_path / "model.onnx"))):
        assert_same(run(x), function(x), 1e-5)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_transposed_convolution_may_leave_nothing(length: int, tmp_path):
    def model(x: torch.Tensor) -> torch.Tensor:
        return F.conv_transpose1d(x.mT, torch.arange(8.0).view(2, 2, 2), torch.ones(2), padding=1, stride=2)

    x = torch.randn(3, length, 2)
    axes = tracejet.Input(min_shape=(3, 1, 2), opt_shape=(3, 4, 2), max_shape=(3, 9, 2))
    program = tracejet.trace(Lambda(model), arg_inputs=[axes])
    for run in (tracejet.compile(program, engine="openvino"), OnnxRuntime(program, str(tmp_path / "model.onnx"))):
        assert_same(run(x), model(x), 1e-5)


@pytest.mark.parametrize("stack", [(), (2,)], ids=str)
def test_a_transposed_matrix_is_multiplied_with_a_vector(stack: tuple[int, ...], tmp_path):
    def model(x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return (x * 2).mT @ v

    x, v = torch.randn(*stack, 4, 4), torch.randn(4)
    program = tracejet.trace(Lambda(model), arg_inputs=[x, v])
    for run in (tracejet.compile(program, engine="openvino"), OnnxRuntime(program, str(tmp_path / "model.onnx"))):
        assert_same(run(x, v), model(x, v), 1e-5)
