"""`len(tensor)` of a dynamic axis is dynamic, wherever the model's code asks for it."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import pytest
import torch

import tracejet
from tests.support.compare import assert_same_as_eager
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
