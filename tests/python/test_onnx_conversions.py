"""Every conversion to ONNX, on two runtimes that share no code, against eager PyTorch."""

from __future__ import annotations

import pytest
import torch
from torch.utils import _pytree as pytree

import tracejet
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
    assert_same(tracejet.compile(program)(*inputs), expected, case.tolerance)
    assert_same(OnnxRuntime(program, str(tmp_path / "model.onnx"))(*inputs), expected, case.tolerance)


@pytest.mark.parametrize("case", [case for case in CASES if case.dynamic], ids=str)
def test_dynamic_programs_give_what_eager_gives_at_every_size(case: Case, tmp_path):
    program = tracejet.trace(case.model, arg_inputs=dynamic_inputs(case))
    runs = {"openvino": tracejet.compile(program), "onnxruntime": OnnxRuntime(program, str(tmp_path / "model.onnx"))}
    for batch in (2, 3, 9):
        inputs = case.inputs(batch)
        for name, run in runs.items():
            try:
                assert_same(run(*inputs), case.model(*inputs), case.tolerance)
            except AssertionError as error:
                raise AssertionError(f"{name}, batch {batch}: {error}") from None
