"""Built-in functions of sizes (`len(tensor)`, `int(h * 1.5)`, `min(k, n)`) are dynamic wherever a model calls them."""

from __future__ import annotations

import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda, batch


def helpers(code: str) -> types.ModuleType:
    """A module of its own, as a model's helper functions are."""
    module = types.ModuleType("helpers")
    module.torch = torch
    exec(code, vars(module))
    return module


LENGTHS: dict[str, Callable[[torch.Tensor], Any]] = {
    "new tensor": lambda x: x.new_ones(len(x), 2) + x[:, :2],
    "scaled": lambda x: x * len(x),
    "twice": lambda x: x[: len(x) // 2] * len(x[1:]),
    "result": lambda x: (x + 1, len(x)),
    "of a matrix of heads": lambda x: x.view(len(x), 2, -1).sum(1),
}


@pytest.mark.parametrize("model", LENGTHS.values(), ids=list(LENGTHS))
def test_a_length_is_dynamic(model: Callable[[torch.Tensor], Any]) -> None:
    assert_same_as_eager(Lambda(model), [batch(6, low=2)])


def test_a_length_is_dynamic_in_modules_that_call_each_other() -> None:
    inner = helpers("def first(x):\n    return torch.arange(len(x))")
    outer = helpers("def both(x, first):\n    return x.sum(-1) * len(x) + first(x)")
    assert_same_as_eager(Lambda(lambda x: outer.both(x, inner.first)), [batch(6)])
    assert "len" not in vars(inner)
    assert "len" not in vars(outer)


def test_a_length_that_has_to_be_a_plain_number_is_a_violation_with_its_line() -> None:
    module = helpers("def rows(x):\n    return sum(x[i] * 0.5**i for i in range(len(x)))")
    with pytest.raises(tracejet.ConstraintViolation, match=r"\[0\], declared as 1 to 9, must be 4"):
        tracejet.trace(Lambda(module.rows), arg_inputs=[batch(6)])
    assert "len" not in vars(module)


def test_a_modules_own_len_is_left_alone() -> None:
    module = helpers("def len(x):\n    return 3\ndef scaled(x):\n    return x * len(x)")
    own = module.len
    assert_same_as_eager(Lambda(module.scaled), [batch(6)])
    assert module.len is own


def test_lengths_of_lists_and_known_sizes_are_plain_numbers() -> None:
    def model(x: torch.Tensor) -> torch.Tensor:
        assert type(len(x[0])) is int
        return x * len([x, x]) * len(x[0]) * len(x)

    assert_same_as_eager(Lambda(model), [batch(6)])


def either(x: torch.Tensor) -> torch.Tensor:
    kept = min(len(x), 5)
    return x[:kept] if isinstance(kept, int) else x[:kept] * 1


NUMBERS: dict[str, Callable[[torch.Tensor], Any]] = {
    "int of a product": lambda x: F.interpolate(x[None, None], size=(int(x.shape[0] * 1.5), 3)),
    "int of a quotient": lambda x: x[: int(x.shape[0] / 2)],
    "int of a size": lambda x: x.new_zeros(int(x.shape[0]), 2),
    "negative int": lambda x: x[: -int(x.shape[0] / -3)],
    "float": lambda x: torch.full((2,), float(x.shape[0])) * float(x.shape[0] / 3),
    "min": lambda x: x[len(x) - min(3, len(x)) :],
    "max": lambda x: x.new_zeros(max(x.shape[0], 4)) + max(1, x.shape[0] - 5),
    "of a list": lambda x: x[: min([x.shape[0], 5, x.shape[1] + 1])],
    "of a generator": lambda x: x * max(size for size in x.shape),
    "nested": lambda x: x[: max(1, min(int(x.shape[0] * 0.7), 6))],
    "plain numbers": lambda x: x[: min(1, 2)] * max([3.0, 1.0]) * int("2") * float("3") * max("ab", key=ord).count("b"),
    "beside other uses of the names": lambda x: x * float(x.shape[0]) if isinstance(2, int) else x.float().int(),
}


@pytest.mark.parametrize("model", [*NUMBERS.values(), either], ids=[*NUMBERS, "type asked"])
def test_numbers_of_sizes_are_dynamic(model: Callable[[torch.Tensor], Any]) -> None:
    assert_same_as_eager(Lambda(model), [batch(6, low=2)])


def test_the_smaller_of_different_types_is_the_one_it_was() -> None:
    """`min(2, 2.0)` is an int, so one of both types can't be symbolic; the program holds where the answer does."""
    program = tracejet.trace(Lambda(lambda x: x * min(x.shape[0], 40.0)), arg_inputs=[batch(6)])
    assert torch.equal(program.module()(torch.ones(7, 6)), torch.full((7, 6), 7.0))


def test_code_is_as_it_was_afterwards() -> None:
    module = helpers(
        "def cut(x):\n    return x[:int(x.shape[0] * 0.5)]\ndef fixed(x):\n    return range(int(x.shape[0]))"
    )
    before = {name: value.__code__ for name, value in vars(module).items() if callable(value)}
    names = set(vars(module))
    tracejet.trace(Lambda(module.cut), arg_inputs=[batch(6)])
    with pytest.raises(tracejet.ConstraintViolation):
        tracejet.trace(Lambda(lambda x: x * len(module.fixed(x))), arg_inputs=[batch(6)])
    assert {name: value.__code__ for name, value in vars(module).items() if callable(value)} == before
    assert set(vars(module)) == names


def test_traces_beside_each_other_see_the_same() -> None:
    module = helpers("def cut(x):\n    return x[:int(x.shape[0] * 0.5)] * float(x.shape[0])")
    with ThreadPoolExecutor(4) as threads:
        traced = list(threads.map(lambda _: tracejet.trace(Lambda(module.cut), arg_inputs=[batch(6)]), range(8)))
    for program in traced:
        assert torch.equal(program.module()(torch.ones(9, 6)), torch.full((4, 6), 9.0))
