"""Integers that only exist when the program runs: as indices, as results, and in saved programs."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

import tracejet
from tests.support.compare import assert_equal, assert_same_as_eager
from tests.support.lambda_module import Lambda, batch

INPUT = batch(3, 5, low=3)


def writes(x: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    y, i = x * 2, position.item()
    y.select(0, i).fill_(1)
    y.select(1, i).add_(2)
    y.select(0, i).select(1, i).copy_(x[0, :, 0])
    return y


SELECTED: dict[str, Callable[[torch.Tensor, torch.Tensor], Any]] = {
    "one axis": lambda x, i: x.select(0, i.item()),
    "two axes": lambda x, i: torch.select(x.select(2, i.item()), 1, i.item()),
    "the last one": lambda x, i: x.select(0, x.shape[0] - 1 - i.item() % 2),
    "writes": writes,
}


@pytest.mark.parametrize("function", SELECTED.values(), ids=SELECTED)
def test_an_integer_of_data_selects(function: Callable[..., Any]) -> None:
    model = Lambda(function)
    program = assert_same_as_eager(model, [INPUT, torch.tensor(-2)])
    compiled = tracejet.compile(program, engine="aten")
    for position in (-3, -1, 0, 2):
        x, i = torch.randn(4, 3, 5), torch.tensor(position)
        assert_equal(model(x, i), compiled(x, i))
        assert_equal(model(x, i), program.module()(x, i))


def test_an_integer_of_data_has_to_fit() -> None:
    program = tracejet.trace(Lambda(SELECTED["one axis"]), arg_inputs=[INPUT, torch.tensor(1)])
    with pytest.raises(tracejet.Error, match="doesn't hold"):
        tracejet.compile(program, engine="aten")(torch.randn(4, 3, 5), torch.tensor(-5))
    with pytest.raises(RuntimeError, match="doesn't hold"):
        program.module()(torch.randn(4, 3, 5), torch.tensor(4))


def test_an_integer_of_data_that_has_to_be_a_plain_number_is_refused() -> None:
    with pytest.raises(tracejet.DataDependent, match=r"the number u0 depends on data"):
        tracejet.trace(Lambda(lambda x, i: x * [1, 2, 3][i]), arg_inputs=[INPUT, torch.tensor(1)])


def split(x: torch.Tensor, sizes: torch.Tensor) -> Any:
    first, second = sizes.tolist()
    return torch.split(x, [first, second])


def positive(x: torch.Tensor, sizes: torch.Tensor) -> Any:
    found = x[x > 0]
    torch._check(found.shape[0] == sizes.sum().item())
    return found * 2


def halves(x: torch.Tensor, sizes: torch.Tensor) -> Any:
    size = x.shape[0] / 2
    return x[: math.ceil(size)], x[math.floor(size) :]


@pytest.mark.parametrize("function", [split, positive, halves])
def test_programs_with_such_sizes_are_saved(function: Callable[..., Any]) -> None:
    x, sizes = torch.tensor([1.0, -1.0]).repeat(8, 1), torch.tensor([3, 5])
    given = batch(2) if function is halves else x
    program = tracejet.trace(Lambda(function), arg_inputs=[given, sizes])
    assert_equal(function(x, sizes), program.module()(x, sizes))
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    assert_equal(function(x, sizes), torch.export.load(file).module()(x, sizes))


RESULTS: dict[str, Callable[[torch.Tensor], Any]] = {
    "a sum": lambda x: ((x > 0).sum().item() + 1, x),
    "with a size": lambda x: (x, (x > 0).sum().item() * 2 + x.shape[0], x.shape[0] / 2),
    "a quotient": lambda x: (x > 0).sum().item() / 4,
    "a comparison": lambda x: ((x > 0).sum().item() > 3, x * 2),
}


@pytest.mark.parametrize("function", RESULTS.values(), ids=RESULTS)
def test_numbers_computed_from_data_are_results(function: Callable[[torch.Tensor], Any]) -> None:
    program = assert_same_as_eager(Lambda(function), [batch(6)])
    compiled = tracejet.compile(program, engine="aten")
    for rows in (1, 4):
        x = torch.randn(rows, 6)
        assert_equal(function(x), compiled(x))


@pytest.mark.parametrize("engine", ["aten", "openvino"])
def test_every_engine_gives_numbers_computed_from_data(engine: str) -> None:
    forward = Lambda(lambda x: (x.nonzero().shape[0] + 1, x * 2))
    compiled, x = tracejet.compile(forward, arg_inputs=[batch(3)], engine=engine), torch.ones(2, 3)
    number, doubled = compiled(x)
    assert number == 7
    torch.testing.assert_close(doubled, x * 2)
