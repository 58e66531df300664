"""Kernels that Triton compiles, where it is installed: refused by name when a model calls them as they are, and run by
the program where an operator calls them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda, batch

triton = pytest.importorskip("triton", reason="needs Triton")
tl = pytest.importorskip("triton.language")


@triton.jit
def add_kernel(x, y, out, count, SIZE: tl.constexpr):  # type: ignore[no-untyped-def]
    at = tl.program_id(0) * SIZE + tl.arange(0, SIZE)
    inside = at < count
    tl.store(out + at, tl.load(x + at, mask=inside) + tl.load(y + at, mask=inside), mask=inside)


@triton.autotune(configs=[triton.Config({"SIZE": 16}), triton.Config({"SIZE": 32})], key=["count"])
@triton.jit
def tuned_kernel(x, y, out, count, SIZE: tl.constexpr):  # type: ignore[no-untyped-def]
    at = tl.program_id(0) * SIZE + tl.arange(0, SIZE)
    inside = at < count
    tl.store(out + at, tl.load(x + at, mask=inside) + tl.load(y + at, mask=inside), mask=inside)


@torch.library.triton_op("tracejet_test_kernels::add", mutates_args=())
def add(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    out = torch.empty_like(x)
    count = out.numel()
    torch.library.wrap_triton(add_kernel)[(triton.cdiv(count, 16),)](x, y, out, count, 16)
    return out


@torch.library.triton_op("tracejet_test_kernels::add_", mutates_args=("x",))
def add_(x: torch.Tensor, y: torch.Tensor) -> None:
    count = x.numel()
    torch.library.wrap_triton(add_kernel)[(triton.cdiv(count, 16),)](x, y, x, count, 16)


def written(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    add_(y, x)
    return y


OPERATORS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"gives": lambda x: add(x, x * 2) + 1, "writes": written}


@pytest.mark.parametrize("function", OPERATORS.values(), ids=OPERATORS)
def test_an_operator_of_kernels_is_a_node(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    program = tracejet.trace(Lambda(function), arg_inputs=[batch(4)], device="cuda")
    assert "tracejet_test_kernels" in str(program.graph)


@pytest.mark.gpu
@pytest.mark.parametrize("function", OPERATORS.values(), ids=OPERATORS)
def test_programs_run_kernels(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    assert_same_as_eager(Lambda(function), [batch(4, device="cuda")])


def launched(x: torch.Tensor) -> torch.Tensor:
    out = torch.empty_like(x)
    add_kernel[(1,)](x, x, out, x.numel(), 16)
    return out


def launched_with_a_tuner(x: torch.Tensor) -> torch.Tensor:
    out = torch.empty_like(x)
    tuned_kernel[lambda meta: (triton.cdiv(x.numel(), meta["SIZE"]),)](x, x, out, x.numel())
    return out


def wrapped(x: torch.Tensor) -> torch.Tensor:
    out = torch.empty_like(x)
    torch.library.wrap_triton(add_kernel)[(1,)](x, x, out, x.numel(), 16)
    return out


REFUSED = {"launched": launched, "tuned": launched_with_a_tuner, "wrapped": wrapped}


@pytest.mark.parametrize("function", REFUSED.values(), ids=REFUSED)
def test_kernels_outside_of_operators_are_refused(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    getitem = type(add_kernel).__getitem__
    message = r"\[triton::\w+_kernel\].*triton_op[\s\S]*test_triton_kernels\.py:\d+ in \w+"
    with pytest.raises(tracejet.UnsupportedOperator, match=message):
        tracejet.trace(Lambda(function), arg_inputs=[batch(4)], device="cuda")
    assert type(add_kernel).__getitem__ is getitem
