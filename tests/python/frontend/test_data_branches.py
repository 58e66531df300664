"""Branches of a model on its data: one program for both ways where one of them is right for all data, else refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal
from tracejet import Input


def inputs() -> list[Input]:
    shared = {0: "batch"}
    return [
        Input(min_shape=(1, 3, 4), opt_shape=(2, 3, 4), max_shape=(5, 3, 4), shared_dims=shared),
        Input(min_shape=(1, 4), opt_shape=(2, 4), max_shape=(5, 4), dtype=torch.int64, shared_dims=shared),
    ]


def padding(ids: torch.Tensor) -> torch.Tensor | None:
    mask = ids.eq(1)
    if not mask.any():
        return None
    return mask


def mask_if_any(x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    mask = padding(ids)
    return x if mask is None else x.masked_fill(mask[:, None].expand(-1, 3, -1), -1.0)


def keep_if_all(x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    kept = ids.ne(1)
    return x * 2 if kept.all() else torch.where(kept.unsqueeze(1), x * 2, x.new_zeros(()))


def inverted(x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    mask = ids == 1
    return torch.where(~mask[:, None, :], x.exp(), 0.0) if mask.any() else x.exp()


def two_masks(x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    first, second = padding(ids), padding(ids - 1)
    if first is not None:
        x = x.masked_fill(first[:, None], 0.5)
    return x if second is None else x.masked_fill(second[:, None], -0.5)


def mask_if_none(x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Masks only where nothing is masked."""
    mask = ids.eq(1)
    return x if mask.any() else x.masked_fill(mask[:, None], -1.0)


class Counting(nn.Module):
    """Branches, and keeps state whichever way it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return mask_if_any(x, ids) * self.calls


class Function(nn.Module):
    def __init__(self, function: Callable[..., Any]):
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor, ids: torch.Tensor) -> Any:
        return self.function(x, ids)


SERVED = {function.__name__: function for function in (mask_if_any, keep_if_all, inverted, two_masks, mask_if_none)}


@pytest.mark.parametrize("engine", ["module", "aten", "openvino"])
@pytest.mark.parametrize("model", [*(Function(function) for function in SERVED.values()), Counting()],
                         ids=[*SERVED, "state"])  # fmt: skip
def test_one_way_is_right_for_all_data(model: nn.Module, engine: str) -> None:
    program = tracejet.trace(copy.deepcopy(model), arg_inputs=inputs())
    model = copy.deepcopy(model)
    run = program.module() if engine == "module" else tracejet.compile(program, engine=engine)
    for size in (1, 2, 5):
        # None is 1; none is 1 or 2; all are 1; some are.
        for low, high in ((2, 9), (3, 9), (1, 2), (0, 3)):
            arguments = torch.randn(size, 3, 4), torch.randint(low, high, (size, 4))
            assert_equal(model(*arguments), run(*arguments), 1e-6, f"{size}, {low} to {high}: ")


def other_values(x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    return x * 2 if ids.eq(1).any() else x


def other_mask(x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """What is known of one mask says nothing of another."""
    return x.masked_fill(ids.eq(2)[:, None], -1.0) if ids.eq(1).any() else x


def all_of_some(x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """That not all are true doesn't mean that none is."""
    mask = ids.eq(1)
    return x.masked_fill(mask[:, None], -1.0) if mask.all() else x


def other_result(x: torch.Tensor, ids: torch.Tensor) -> Any:
    mask = padding(ids)
    return (x,) if mask is None else (x, mask)


def both_write(x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    if ids.eq(1).any():
        x.add_(1)
    return x * 2


DIFFERENT = (other_values, other_mask, all_of_some, other_result, both_write)


@pytest.mark.parametrize("function", DIFFERENT, ids=lambda function: function.__name__)
def test_ways_that_differ_are_refused_with_the_line(function: Callable[..., Any]) -> None:
    with pytest.raises(tracejet.DataDependent, match=r"test_data_branches\.py:\d+ in "):
        tracejet.trace(Function(function), arg_inputs=inputs())
    assert not tracejet.diagnose(Function(function), arg_inputs=inputs()).ok
