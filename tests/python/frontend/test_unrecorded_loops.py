"""Loops over a dynamic size that no operator stands for fix the size with their line."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from tests.support.lambda_module import Lambda, batch
from tests.support.symbolic_loops import STEPS, known_loop_inside


def leaves_early(x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(3, 4)
    for i in range(x.shape[0]):
        if i == 3:
            break
        total = total + x[i]
    return total


def counts(x: torch.Tensor) -> torch.Tensor:
    total, count = torch.zeros(3, 4), 0
    for i in range(x.shape[0]):
        count = 2 * count + 1
        total = total + x[i] * count
    return total


def asks_how_long_a_list_is(x: torch.Tensor) -> torch.Tensor:
    rows = []
    for i in range(x.shape[0]):
        rows.append(x[i])
    return torch.stack(rows) * len(rows)


def iterates_over_a_list(x: torch.Tensor) -> torch.Tensor:
    rows = [x[i] for i in range(x.shape[0])]
    return sum(row.exp() for row in rows)


def appends_to_what_is_there(x: torch.Tensor) -> torch.Tensor:
    rows = [torch.ones(3, 4)]
    for i in range(x.shape[0]):
        rows.append(rows[-1] + x[i])
    return torch.stack(rows)


def has_another_name_for_a_list(x: torch.Tensor) -> torch.Tensor:
    rows: list[torch.Tensor] = []
    same = rows
    for i in range(x.shape[0]):
        rows.append(x[i])
    return torch.stack(rows) * len(same)


def appends_now_and_then(x: torch.Tensor) -> torch.Tensor:
    rows = []
    for i in range(x.shape[0]):
        rows += [x[i], x[i]]
    return torch.stack(rows)


def reads_the_last_value(x: torch.Tensor) -> torch.Tensor:
    rows = []
    for i in range(x.shape[0]):
        last = x[i] * 2
        rows.append(last)
    return torch.stack(rows) if last is None else last


def grows(x: torch.Tensor) -> torch.Tensor:
    rows = x[:1]
    for i in range(x.shape[0]):
        rows = torch.cat([rows, x[i : i + 1]])
    return rows


def writes_in_place(x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(3, 4)
    same = total
    for i in range(x.shape[0]):
        total += x[i]
    return same


def fills_a_dictionary(x: torch.Tensor) -> torch.Tensor:
    rows = {}
    for i in range(x.shape[0]):
        rows["last"] = x[i]
    return rows["last"]


def takes_every_other(x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(3, 4)
    for i in range(0, x.shape[0], 2):
        total = total + x[i]
    return total


def looks_into_its_list(x: torch.Tensor) -> torch.Tensor:
    rows: list[torch.Tensor] = []
    for i in range(x.shape[0]):
        before = rows[-1] if rows else torch.zeros(3, 4)
        rows.append(before * 0.5 + x[i])
    return torch.stack(rows)


def begins_otherwise(x: torch.Tensor) -> torch.Tensor:
    state = torch.zeros(3, 4)
    for i in range(x.shape[0]):
        if i == 0:
            state = x[i]
        state = state * 0.5 + x[i]
    return state


def first_is_none(x: torch.Tensor) -> Any:
    state = None
    for i in range(x.shape[0]):
        state = x[i] if state is None else state * 0.5 + x[i]
    return state


def takes_odd_and_even_apart(x: torch.Tensor) -> torch.Tensor:
    rows = []
    for i in range(x.shape[0]):
        rows.append(x[i] if i % 2 == 0 else -x[i])
    return torch.stack(rows)


class Cache:
    def __init__(self) -> None:
        self.keys = [torch.zeros(1, 4)]

    def update(self, key: torch.Tensor) -> torch.Tensor:
        self.keys[0] = torch.cat([self.keys[0], key])
        return self.keys[0]


def keeps_a_cache(x: torch.Tensor) -> torch.Tensor:
    cache, rows = Cache(), []
    for i in range(x.shape[0]):
        rows.append(cache.update(x[i]).sum(0))
    return torch.stack(rows)


def fills_a_list_in_a_tuple(x: torch.Tensor) -> torch.Tensor:
    nested: tuple[list[torch.Tensor], ...] = ([], [])
    for i in range(x.shape[0]):
        nested[0].append(x[i] * len(nested[0]))
    return torch.stack(nested[0])


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x * self.calls


class CallsACounter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.counting = Counting()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.counting(x[i]) for i in range(x.shape[0])])


# ---- what outlives a run in other places than variables

LOG: list[torch.Tensor] = []


COUNTS = {"runs": 0}


runs = 0


def numbered(x: torch.Tensor) -> torch.Tensor:
    global runs
    runs += 1
    return x * runs


def counts_in_a_global(x: torch.Tensor) -> torch.Tensor:
    global runs
    runs = 0
    total = torch.zeros(3, 4)
    for i in range(x.shape[0]):
        total = total + numbered(x[i])
    return total


def counts_and_asks_afterwards(x: torch.Tensor) -> torch.Tensor:
    COUNTS["runs"] = 0
    total = torch.zeros(3, 4)
    for i in range(x.shape[0]):
        COUNTS["runs"] += 1
        total = total + x[i]
    return total * COUNTS["runs"]


def keeps_a_log(x: torch.Tensor) -> torch.Tensor:
    LOG.clear()
    total = torch.zeros(3, 4)
    for i in range(x.shape[0]):
        LOG.append(x[i])
        total = total + LOG[-1] * len(LOG)
    return total


def keeps_a_log_for_later(x: torch.Tensor) -> torch.Tensor:
    LOG.clear()
    for i in range(x.shape[0]):
        LOG.append(x[i])
    return sum(LOG, torch.zeros(3, 4))


class Numbering:
    calls = 0

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        Numbering.calls += 1
        return x * Numbering.calls


def counts_in_a_class(x: torch.Tensor) -> torch.Tensor:
    Numbering.calls = 0
    number = Numbering()
    return torch.stack([number(x[i]) for i in range(x.shape[0])])


def counts_in_a_default(x: torch.Tensor) -> torch.Tensor:
    def number(row: torch.Tensor, calls: list[int] = [0]) -> torch.Tensor:  # noqa: B006
        calls[0] += 1
        return row * calls[0]

    total = torch.zeros(3, 4)
    for i in range(x.shape[0]):
        total = total + number(x[i])
    return total


def counts_in_a_closure(x: torch.Tensor) -> torch.Tensor:
    calls = 0

    def number() -> int:
        nonlocal calls
        calls += 1
        return calls

    return torch.stack([x[i] * number() for i in range(x.shape[0])])


def takes_from_an_iterator(x: torch.Tensor) -> torch.Tensor:
    numbers = iter(range(100))
    total = torch.zeros(3, 4)
    for i in range(x.shape[0]):
        total = total + x[i] * next(numbers)
    return total


def takes_from_a_generator(x: torch.Tensor) -> torch.Tensor:
    numbers = (2**k for k in range(100))
    return torch.stack([x[i] * next(numbers) for i in range(x.shape[0])])


def closure_reads_the_list(x: torch.Tensor) -> torch.Tensor:
    rows: list[torch.Tensor] = []

    def last() -> torch.Tensor:
        return rows[-1] if rows else torch.zeros(3, 4)

    for i in range(x.shape[0]):
        rows.append(x[i] + last())
    return torch.stack(rows)


def closure_in_a_table_measures_the_list(x: torch.Tensor) -> torch.Tensor:
    rows: list[torch.Tensor] = []
    table = {"length": lambda: len(rows)}
    for i in range(x.shape[0]):
        rows.append(x[i] * table["length"]())
    return torch.stack(rows)


def closure_sums_the_list(x: torch.Tensor) -> torch.Tensor:
    rows: list[torch.Tensor] = []

    def total() -> torch.Tensor:
        return torch.stack([torch.zeros(3, 4), *rows]).sum(0)

    for i in range(x.shape[0]):
        rows.append(x[i] + total())
    return torch.stack(rows)


def closure_appends(x: torch.Tensor) -> torch.Tensor:
    rows: list[torch.Tensor] = []

    def length_with(row: torch.Tensor) -> int:
        rows.append(row)
        return len(rows)

    total = torch.zeros(3, 4)
    for i in range(x.shape[0]):
        total = total + x[i] * length_with(x[i])
    return total


OUTLIVES_A_RUN = (
    *(counts_in_a_global, counts_and_asks_afterwards, keeps_a_log, keeps_a_log_for_later, counts_in_a_class),
    *(counts_in_a_default, counts_in_a_closure, takes_from_an_iterator, takes_from_a_generator),
    *(closure_reads_the_list, closure_in_a_table_measures_the_list, closure_sums_the_list, closure_appends),
)


NO_OPERATOR: list[Any] = [
    *(leaves_early, counts, asks_how_long_a_list_is, iterates_over_a_list, appends_to_what_is_there, grows),
    *(has_another_name_for_a_list, appends_now_and_then, reads_the_last_value, writes_in_place, fills_a_dictionary),
    *(takes_every_other, CallsACounter, looks_into_its_list, begins_otherwise, first_is_none, keeps_a_cache),
    *(takes_odd_and_even_apart, fills_a_list_in_a_tuple, *OUTLIVES_A_RUN),
]


@pytest.mark.filterwarnings("ignore:forward leaves")
@pytest.mark.parametrize("model", NO_OPERATOR, ids=lambda model: model.__name__)
def test_a_loop_that_no_operator_stands_for_fixes_the_size(model: Any) -> None:
    module = model() if isinstance(model, type) else Lambda(model)
    with pytest.raises(tracejet.ConstraintViolation, match=r"\[0\], declared as 1 to 9, must be 4[\s\S]*range"):
        tracejet.trace(module, arg_inputs=[STEPS])


def test_a_loop_that_may_not_run_at_all_narrows_the_range() -> None:
    with pytest.raises(
        tracejet.ConstraintViolation, match=r"declared as 0 to 9, takes another way [\s\S]*outside of 1 to 9"
    ):
        tracejet.trace(Lambda(known_loop_inside), arg_inputs=[batch(3, 4, low=0)])
