"""Python's numbers in a program, of sizes and of data, are as large as in Python, or refused: on every engine."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda, batch

ENGINES = ("auto", "openvino", "aten")
K = torch.tensor(2)

OF_SIZES: dict[str, Callable[[torch.Tensor], object]] = {
    "divided": lambda x: x / (x.shape[0] * 1000) ** 2,
    "multiplied": lambda x: x * (x.shape[0] ** 9),
    "power": lambda x: x * 2 ** x.shape[0],
    "shifted": lambda x: x * (1 << x.shape[0]),
    "added": lambda x: x + (x.shape[0] + 2**31),
    "a tensor": lambda x: torch.full((2,), x.shape[0] ** 7),
    "modulo": lambda x: x * (x.shape[0] * 2654435761 % 1024),
}
OF_DATA: dict[str, Callable[[torch.Tensor, int], object]] = {
    "squared": lambda x, k: x * (k * k % 7),
    "result": lambda x, k: (x, k * k),
    "max": lambda x, k: x * max(k, 2**40),
    "sum": lambda x, k: x * (k + 2**31 - 5),
    "power": lambda x, k: x * k**3,
    "few": lambda x, k: x * (k * 3 + 1),
}


def outcome(run: Callable[..., object], *args: torch.Tensor) -> object:
    try:
        return run(*args)
    except tracejet.InvalidInput as refusal:
        return refusal


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", OF_SIZES)
def test_numbers_of_sizes_have_all_their_bits(name: str, engine: str) -> None:
    model = Lambda(OF_SIZES[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tracejet.EngineWarning)
        compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[batch(3, high=40)]), engine=engine)
    for size in (1, 4, 33, 40):
        x = torch.rand(size, 3)
        got = outcome(compiled, x)
        if isinstance(got, Exception):
            assert engine == "openvino" and "32 bits" in str(got), got
        else:
            assert_equal(model(x), got)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", OF_DATA)
def test_numbers_of_data_have_all_their_bits_or_are_refused(name: str, engine: str) -> None:
    model = Lambda(lambda x, n: OF_DATA[name](x, n.item()))
    x = torch.rand(2, 3)
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[batch(3), K]), engine=engine)
    for number in (0, 3, 1000, 100_000):
        got = outcome(compiled, x, torch.tensor(number))
        if isinstance(got, Exception):
            assert engine != "aten" and "2147483648" in str(got), got
        else:
            assert_equal(model(x, torch.tensor(number)), got)


NEGATIVE: dict[str, Callable[[torch.Tensor, int], object]] = {
    "ones": lambda x, k: torch.ones(k - 1, 3),
    "repeat": lambda x, k: x.repeat(k, 1),
    "full": lambda x, k: torch.full((k, 3), 1.0),
    "expand": lambda x, k: x[:1].expand(k, 3),
    "padded": lambda x, k: torch.cat([x, x.new_zeros(5 - k, 3)]),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NEGATIVE)
def test_negative_sizes_of_data_are_refused(name: str, engine: str) -> None:
    model = Lambda(lambda x, n: NEGATIVE[name](x, n.item()))
    x, number = torch.rand(2, 3), torch.tensor(9 if name == "padded" else -2)
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[batch(3), K]), engine=engine)
    assert_equal(model(x, K), compiled(x, K))
    with pytest.raises(RuntimeError):
        model(x, number)
    with pytest.raises((tracejet.InvalidInput, RuntimeError)) as raised:
        compiled(x, number)
    assert engine == "aten" or isinstance(raised.value, tracejet.InvalidInput)


DIVIDED: dict[str, Callable[[torch.Tensor, int], object]] = {
    "floor": lambda x, k: x * (x.shape[0] // k),
    "modulo": lambda x, k: x * (x.shape[0] % k),
    "true": lambda x, k: x * (x.shape[0] / k),
    "reciprocal": lambda x, k: x * (1 / k),
    "a slice": lambda x, k: x[: x.shape[0] // k],
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", DIVIDED)
def test_pythons_division_by_zero_is_refused(name: str, engine: str) -> None:
    model = Lambda(lambda x, n: DIVIDED[name](x, n.item()))
    x = torch.rand(4, 3)
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[batch(3), K]), engine=engine)
    assert_equal(model(x, K), compiled(x, K))
    with pytest.raises((tracejet.Error, RuntimeError, ZeroDivisionError)):
        compiled(x, torch.tensor(0))
