"""Numbers that a dtype doesn't hold: refused by a trace where eager's kernel refuses them, and only there."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda, batch

REFUSALS = (RuntimeError, ValueError, TypeError, OverflowError)
FIRST = torch.tensor([0])

#: Functions of a tensor and of a number that the tensor's dtype may not hold.
TAKING: dict[str, Callable[..., object]] = {
    "where": lambda x, n: torch.where(x > 1, n, x),
    "clamp": lambda x, n: x.clamp(max=n),
    "clamp_min": lambda x, n: x.clamp_min(n),
    "full": lambda x, n: torch.full((2,), n, dtype=x.dtype) + x[:2],
    "full_like": lambda x, n: torch.full_like(x, n),
    "new_full": lambda x, n: x.new_full((3,), n),
    "scalar_tensor": lambda x, n: torch.scalar_tensor(n, dtype=x.dtype) + x,
    "fill": lambda x, n: x.clone().fill_(n),
    "masked_fill": lambda x, n: x.masked_fill(x > 0, n),
    "masked_fill_": lambda x, n: x.clone().masked_fill_(x > 0, n),
    "pad": lambda x, n: F.pad(x, (1, 1), value=n),
    "index_fill": lambda x, n: x.index_fill(0, FIRST, n),
    "scatter": lambda x, n: x.scatter(0, FIRST, n),
    "threshold": lambda x, n: F.threshold(x, 2, n),
    "hardtanh": lambda x, n: F.hardtanh(x, 0, n),
    "pow": lambda x, n: x**n,
    "alpha": lambda x, n: torch.add(x, x, alpha=n),
    "addcmul": lambda x, n: torch.addcmul(x, x, x, value=n),
    "addcdiv": lambda x, n: torch.addcdiv(x, x, x, value=n),
    "lerp": lambda x, n: x.lerp(x * 0, n),
    "add": lambda x, n: x + n,
    "rsub": lambda x, n: n - x,
    "compared": lambda x, n: x > n,
    "remainder": lambda x, n: x % n,
    "leaky_relu": lambda x, n: F.leaky_relu(x, n),
    "elu": lambda x, n: F.elu(x, n),
    "nan_to_num": lambda x, n: x.nan_to_num(n),
    "relu": lambda x, n: F.relu(x + 1),
}
NUMBERS = {
    torch.uint8: (300, -1, -300, 255, 2.5, 1e6),
    torch.int8: (200, -128, -129),
    torch.int32: (2**31, -(2**31), float("nan")),
    torch.float16: (1e6, -1e9, 65504.0, float("inf"), float("nan")),
    torch.bfloat16: (1e39, 1e6),
    torch.float32: (1e39, -1e39, 1e37),
}


def takes(name: str, dtype: torch.dtype) -> bool:
    """Whether eager has a kernel for the dtype at all."""
    try:
        TAKING[name](torch.ones(4, dtype=dtype), 1)
    except RuntimeError:
        return False
    return True


CASES = [
    (name, dtype, number)
    for name, (dtype, numbers) in itertools.product(TAKING, NUMBERS.items())
    if takes(name, dtype)
    for number in numbers
]


@pytest.mark.parametrize(("name", "dtype", "number"), CASES, ids=str)
def test_a_trace_takes_the_numbers_that_eager_takes(name: str, dtype: torch.dtype, number: float) -> None:
    model = Lambda(lambda x: TAKING[name](x, number))
    x = torch.tensor([1, 2, 3, 4]).to(dtype)
    try:
        expected = model(x)
    except REFUSALS:
        with pytest.raises(REFUSALS):
            tracejet.trace(model, arg_inputs=[x])
        return
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[x]), engine="aten")
    assert_equal(expected, compiled(x))


def test_a_refused_number_is_named_with_operator_and_line() -> None:
    x = batch(4, dtype=torch.float16)
    program = Lambda(lambda x: x.masked_fill(x > 0, -1e9))
    with pytest.raises(tracejet.Error, match=r"aten::masked_fill.*the number value(.|\n)*test_held_numbers") as raised:
        tracejet.trace(program, arg_inputs=[x])
    assert raised.value.code == tracejet.ErrorCode.PYTORCH_REFUSAL
