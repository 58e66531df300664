"""Loops over a dynamic size (`for i in range(n)`) are recorded as control flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda
from tests.support.symbolic_loops import STEPS, known_loop_inside


def recurrence(x: torch.Tensor) -> Any:
    state = x.new_zeros(3, 4)
    states = []
    for step in range(x.shape[0]):
        gate = torch.sigmoid(x[step])
        state = gate * state + (1 - gate) * x[step]
        states.append(state)
    return torch.stack(states, dim=1), state


def two_lists_and_an_offset(x: torch.Tensor) -> Any:
    first, second = [], []
    for i in range(1, x.shape[0] + 1):
        first.append(x[i - 1] * i)
        second.append(x[: x.shape[0] - i].sum(0))
    return torch.cat(first), torch.stack(second), first[-1], second[0]


def nothing_carried(x: torch.Tensor) -> torch.Tensor:
    rows = []
    for i in range(len(x)):
        rows.append(x[i] @ x[i].T)
    return torch.stack(rows, -1)


def two_loops(x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(3, 4)
    for i in range(x.shape[0]):
        total = torch.maximum(total, x[i])
    for i in range(x.shape[0]):
        total = total - x[i]
    return total * i


def the_same_names_twice(x: torch.Tensor) -> torch.Tensor:
    first, second = [], []
    for i in range(x.shape[0]):
        row = x[i] * 2
        first.append(row)
    for i in range(x.shape[0]):
        row = x[i].sum(0)
        second.append(row)
    return torch.stack(first) + torch.stack(second)[:, None]


def comprehension(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.index_select(x[i], 0, torch.tensor([2, 0])).unsqueeze(0) for i in range(x.shape[0])], dim=0)


def comprehension_over_columns(x: torch.Tensor) -> torch.Tensor:
    return torch.stack([x[:i].sum(0) for i in range(1, len(x))] if len(x) > 20 else [x[i] + 1 for i in range(len(x))])


def nested_comprehension(x: torch.Tensor) -> torch.Tensor:
    return torch.stack([torch.stack([x[i, j] * j for j in range(3)]) for i in range(x.shape[0])], dim=-1)


def number_of_data(x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(3, 4)
    for i in range(x.shape[0]):
        total = total + x[i] * x[i].sum().item()
    return total


def function_that_appends(x: torch.Tensor) -> torch.Tensor:
    rows: list[torch.Tensor] = []

    def both() -> torch.Tensor:
        return torch.stack(rows)

    for i in range(x.shape[0]):
        rows.append(x[i] * i)
    return both()


SCALES: list[torch.Tensor] = []


def keeps_what_is_always_the_same(x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(3, 4)
    for i in range(x.shape[0]):
        SCALES[:] = [torch.full((4,), 2.0)]
        total = total + x[i] * SCALES[0]
    return total


LOOPS: list[Callable[[torch.Tensor], Any]] = [
    *(recurrence, two_lists_and_an_offset, nothing_carried, known_loop_inside, two_loops, the_same_names_twice),
    *(comprehension, comprehension_over_columns, nested_comprehension, number_of_data, function_that_appends),
    keeps_what_is_always_the_same,
]


@pytest.mark.parametrize("model", LOOPS, ids=lambda model: model.__name__)
def test_a_loop_over_a_dynamic_size(model: Callable[[torch.Tensor], Any]) -> None:
    assert_same_as_eager(Lambda(model), [STEPS])


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(4, 5)
        self.head = nn.Linear(5, 2)

    def forward(self, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        outputs = []
        for t in range(x.size(1)):
            state = self.cell(x[:, t], state)
            outputs.append(self.head(state))
        return torch.stack(outputs, 1), state


def test_a_recurrent_model_over_dynamic_time_is_a_scan() -> None:
    x = tracejet.Input(min_shape=(2, 1, 4), opt_shape=(2, 5, 4), max_shape=(2, 9, 4), name="x")
    program = assert_same_as_eager(Recurrent(), [x, torch.randn(2, 5)])
    assert sum(node.target is torch.ops.higher_order.scan for node in program.graph.nodes) == 1


def test_random_numbers_in_a_loop_are_no_trace_of_the_run_before() -> None:
    def noisy(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x[i] + torch.rand(3, 4) for i in range(x.shape[0])])

    compiled = tracejet.compile(tracejet.trace(Lambda(noisy), arg_inputs=[STEPS]), engine="aten")
    noise = compiled(torch.zeros(5, 3, 4))
    assert noise.unique().numel() > 50
    assert 0 <= noise.min() < noise.max() <= 1


def test_a_static_size_is_unrolled() -> None:
    program = tracejet.trace(Recurrent(), arg_inputs=[torch.randn(2, 3, 4), torch.randn(2, 5)])
    assert not any(node.target is torch.ops.higher_order.scan for node in program.graph.nodes)


def test_the_models_code_is_as_before() -> None:
    code = recurrence.__code__
    assert_same_as_eager(Lambda(recurrence), [STEPS])
    assert recurrence.__code__ is code
    assert not [name for name in globals() if name.startswith("_tracejet")]
