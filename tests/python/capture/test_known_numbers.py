"""`.item()` and `if tensor:` of what follows from constants alone, however many elements sizes give it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda, batch


def global_attention(x: torch.Tensor) -> torch.Tensor:
    mask = F.pad(torch.ones(x.shape[0], 4), (0, 2))
    extended = torch.where((mask[:, None, :] != 0).expand(-1, 3, -1), 0.0, torch.finfo(torch.float32).min)[:, 0]
    extended[mask == 2] = 1.0
    is_global = (extended > 0).flatten().any().item()
    return x * 3 if is_global else x + extended[:, :1]


def padding(x: torch.Tensor) -> torch.Tensor:
    mask = torch.zeros_like(x, dtype=torch.bool)
    return x.masked_fill(mask, 0.0) if mask.any() else x + 1


def all_true(x: torch.Tensor) -> torch.Tensor:
    return x * 2 if (x.new_ones(x.shape[0], 3).long() > 0).all() else x


def one_of_two_values(x: torch.Tensor) -> torch.Tensor:
    signs = torch.cat([torch.full_like(x, -1.0), torch.ones_like(x)]).abs()
    return x * signs[0, 0].item()


def float_scale(x: torch.Tensor) -> torch.Tensor:
    return x * torch.full((x.shape[0],), 0.5)[0].item()


def positions(x: torch.Tensor) -> torch.Tensor:
    kept = torch.arange(6).unsqueeze(0).expand(x.shape[0], -1) >= 0
    return x if bool((~kept).any()) else x - 1


def bytes_wrap(x: torch.Tensor) -> torch.Tensor:
    counts = torch.full((x.shape[0], 2), 200, dtype=torch.uint8)
    return x + float((counts + counts).amax())


MODELS = [global_attention, padding, all_true, one_of_two_values, float_scale, positions, bytes_wrap]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("low", [1, 2])
def test_a_number_that_no_input_changes(model: Callable[[torch.Tensor], Any], low: int) -> None:
    assert_same_as_eager(Lambda(model), [batch(4, low=low)])


def test_of_nothing_any_is_false() -> None:
    def model(x: torch.Tensor) -> torch.Tensor:
        return x + 1 if torch.ones(x.shape[0]).any() else x

    with pytest.raises(tracejet.Error):  # the two ways differ at size 0
        tracejet.trace(Lambda(model), arg_inputs=[batch(4, low=0)])
    assert_same_as_eager(Lambda(model), [batch(4)])


OPEN = {
    "of an input": lambda x: x * 2 if (x.new_ones(x.shape[0]) * x[:, 0] > 0).any() else x,
    "either": lambda x: x * 2 if (torch.cat([torch.zeros_like(x), torch.ones_like(x)])[1, 0] > 0) else x,
    "random": lambda x: x * 2 if (torch.rand_like(x) > 2).any() else x,
    "the bits of a constant": lambda x: x * 2 if (torch.ones(x.shape[0]).view(torch.int32) == 1).any() else x,
    "uninitialized": lambda x: x * 2 if (torch.empty_like(x) != torch.empty_like(x)).any() else x,
}


@pytest.mark.parametrize("model", OPEN.values(), ids=list(OPEN))
def test_a_number_that_may_vary_is_refused(model: Callable[[torch.Tensor], Any]) -> None:
    with pytest.raises(tracejet.DataDependent):
        tracejet.trace(Lambda(model), arg_inputs=[batch(4)])


def test_a_buffer_is_no_constant() -> None:
    class Flagged(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("flags", torch.zeros(3, dtype=torch.bool))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 2 if self.flags.any() else x

    with pytest.raises(tracejet.DataDependent):
        tracejet.trace(Flagged(), arg_inputs=[batch(4)])


@pytest.mark.parametrize("constant", [True, False])
def test_a_number_at_the_end_of_twenty_thousand_calls(constant: bool) -> None:
    def model(x: torch.Tensor) -> torch.Tensor:
        y = torch.zeros(3) if constant else x
        for _ in range(20_000):
            y = y + 1
        return x * y.sum().item()

    inputs = [torch.ones(3)]
    expected = 60_000.0 if constant else 60_003.0
    assert tracejet.trace(Lambda(model), arg_inputs=inputs).module()(*inputs).tolist() == [expected] * 3
