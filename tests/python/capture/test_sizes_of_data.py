"""Sizes and positions that come from data: caches, masks, detection heads."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tracejet import Input

ENGINES = ["module", "aten", "openvino"]


def runnable(program: Any, engine: str) -> Any:
    return program.module() if engine == "module" else tracejet.compile(program, engine=engine)


class Cache(nn.Module):
    """Writes at a position; with `is_checked`, it says that the written rows fit."""

    def __init__(self, is_checked: bool):
        super().__init__()
        self.register_buffer("rows", torch.zeros(2, 12))
        self.is_checked = is_checked

    def forward(self, x: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        start = position.item()
        torch._check(start >= 0)
        if self.is_checked:
            torch._check(start + x.shape[1] <= 12)
        self.rows[:, start : start + x.shape[1]] = x
        return self.rows + 1


CACHE_INPUTS = [Input(min_shape=(2, 1), opt_shape=(2, 4), max_shape=(2, 12)), Input((), dtype=torch.int64)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("is_checked", [True, False])
def test_a_cache_is_written_at_a_position_of_data(is_checked: bool, engine: str) -> None:
    eager = Cache(is_checked)
    run = runnable(tracejet.trace(Cache(is_checked), arg_inputs=CACHE_INPUTS), engine)
    for count, position in ((4, 0), (1, 4), (2, 5), (1, 11), (12, 0), (3, 9)):
        x = torch.randn(2, count)
        assert_equal(eager(x, torch.tensor(position)), run(x, torch.tensor(position)), 1e-6, f"{count} at {position}: ")


@pytest.mark.parametrize("engine", ["module", "aten"])
@pytest.mark.parametrize("is_checked", [True, False])
def test_a_cache_refuses_what_does_not_fit(is_checked: bool, engine: str) -> None:
    run = runnable(tracejet.trace(Cache(is_checked), arg_inputs=CACHE_INPUTS), engine)
    with pytest.raises(Exception, match="doesn't hold"):
        run(torch.randn(2, 4), torch.tensor(10))


def filtered(boxes: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor) -> Any:
    keep = scores > 0.5
    b, s, n = boxes[keep], scores[keep], labels[keep]
    return torch.cat([b + n.to(b)[:, None] * 2, s[:, None]], 1), n


def boxes_inputs() -> list[Input]:
    shared = {0: "n"}
    return [
        Input(min_shape=(2, 4), opt_shape=(12, 4), max_shape=(50, 4), shared_dims=shared),
        Input(min_shape=(2,), opt_shape=(12,), max_shape=(50,), shared_dims=shared),
        Input(min_shape=(2,), opt_shape=(12,), max_shape=(50,), dtype=torch.int64, shared_dims=shared),
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_tensors_selected_by_one_mask_fit_together(engine: str) -> None:
    run = runnable(tracejet.trace(Lambda(filtered), arg_inputs=boxes_inputs()), engine)
    for count in (2, 12, 50):
        given = (torch.rand(count, 4), torch.rand(count), torch.randint(0, 3, (count,)))
        assert_equal(filtered(*given), run(*given), 1e-6, f"{count}: ")


def test_sizes_of_two_masks_are_checked_when_the_program_runs() -> None:
    both = Lambda(lambda x, y: x[x > 0] + y[y > 0])
    inputs = [Input(min_shape=(2,), opt_shape=(5,), max_shape=(9,), name=name) for name in ("x", "y")]
    run = tracejet.trace(both, arg_inputs=inputs).module()
    x, y = torch.tensor([1.0, -1, 2]), torch.tensor([-3.0, 4, 5, -6])
    assert_equal(both(x, y), run(x, y))
    with pytest.raises(Exception, match="doesn't hold"):
        run(x, y.abs())


def places_and_rows(x: torch.Tensor) -> Any:
    kept = x[:, 0] > 0
    return kept.nonzero() + x[torch.where(kept)[0]].long(), x[kept.nonzero().squeeze(1)] * 2


def test_the_places_of_one_mask_are_looked_for_once() -> None:
    inputs = [Input(min_shape=(2, 3), opt_shape=(5, 3), max_shape=(9, 3))]
    program = tracejet.trace(Lambda(places_and_rows), arg_inputs=inputs)
    assert sum("nonzero" in str(node.target) for node in program.graph.nodes) == 1
    for count in (2, 5, 9):
        x = torch.randn(count, 3)
        assert_equal(places_and_rows(x), program.module()(x), 0, f"{count}: ")


class Highest(nn.Module):
    def forward(self, boxes: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor) -> Any:
        places = torch.where(scores > 0.5)[0]
        best, order = scores[places].topk(min(3, places.shape[0]))
        return boxes[places][order], best


@pytest.mark.parametrize("engine", ["module", "aten"])
def test_at_most_so_many_are_taken_of_what_a_mask_leaves(engine: str) -> None:
    run = runnable(tracejet.trace(Highest(), arg_inputs=boxes_inputs()), engine)
    for scores in (torch.zeros(4), torch.tensor([0.6, 0.1, 0.9]), torch.rand(50)):
        given = (torch.rand(len(scores), 4), scores, torch.zeros(len(scores), dtype=torch.int64))
        assert_equal(Highest()(*given), run(*given), 1e-6)


class Checked(nn.Module):
    """A branch that says what it relies on, which needn't be so elsewhere."""

    def __init__(self, asks_again: bool = False):
        super().__init__()
        self.asks_again = asks_again

    def forward(self, x: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
        n = count.item()

        def first(x: torch.Tensor) -> torch.Tensor:
            torch._check(n >= 0)
            torch._check(n <= x.shape[0])
            return x[:n].sum(0) if n >= 0 else x[0]

        result = torch.cond(count < 4, first, lambda x: x.amax(0) * n, (x,))
        return result + (1 if self.asks_again and n >= 0 else 0)


CHECKED_INPUTS = [Input(min_shape=(2, 3), opt_shape=(5, 3), max_shape=(9, 3)), Input((), dtype=torch.int64)]


@pytest.mark.parametrize("engine", ["module", "aten"])
def test_a_check_in_a_branch_holds_there(engine: str) -> None:
    run = runnable(tracejet.trace(Checked(), arg_inputs=CHECKED_INPUTS), engine)
    for rows, count in ((5, 3), (2, 0), (2, 2), (2, 9), (9, 4)):
        x = torch.randn(rows, 3)
        want = x[:count].sum(0) if count < 4 else x.amax(0) * count
        assert_equal(want, run(x, torch.tensor(count)), 1e-6, f"{count} of {rows}: ")
    with pytest.raises(Exception, match=r"doesn't hold.*\n.*first"):
        run(torch.randn(2, 3), torch.tensor(3))


def test_a_check_in_a_branch_holds_nowhere_else() -> None:
    with pytest.raises(tracejet.DataDependent, match=r"the condition .* >= 0 depends on data"):
        tracejet.trace(Checked(asks_again=True), arg_inputs=CHECKED_INPUTS)


@pytest.mark.parametrize("engine", ENGINES)
def test_slices_end_at_tensors_of_one_integer(engine: str) -> None:
    def forward(x: torch.Tensor, ends: torch.Tensor) -> Any:
        first, last = ends[0], ends[1]
        y = x * 1
        y[:first] = 2.0
        return x[first:last].sum(0), x[:, -1][:last].sum(), y

    inputs = [Input(min_shape=(2, 3), opt_shape=(5, 3), max_shape=(9, 3)), torch.tensor([1, 4])]
    run = runnable(tracejet.trace(Lambda(forward), arg_inputs=inputs), engine)
    for rows, first, last in ((5, 1, 4), (2, 0, 9), (9, -3, 9), (5, 3, 1)):
        given = torch.randn(rows, 3), torch.tensor([first, last])
        assert_equal(forward(*given), run(*given), 1e-5, f"{first}:{last} of {rows}: ")


def masked(x: torch.Tensor, y: torch.Tensor) -> Any:
    """Without a check: whatever one mask selects has one size."""
    kept = x > 0
    return x[kept] + y[kept] * x.masked_select(kept) + kept.nonzero()[:, 0], torch.where(kept)[0].topk(
        min(2, int(x[kept].shape[0]))
    )[0]


@pytest.mark.parametrize("given", ["static", "dynamic"])
def test_one_mask_gives_one_size(given: str) -> None:
    size = {"min_shape": (2,), "opt_shape": (6,), "max_shape": (9,), "shared_dims": {0: "n"}}
    inputs = [Input(**size), Input(**size)] if given == "dynamic" else [torch.randn(6), torch.randn(6)]
    program = tracejet.trace(Lambda(masked), arg_inputs=inputs)
    assert "_assert_scalar" not in str(program.graph)
    for run in (program.module(), tracejet.compile(program, engine="aten")):
        for x in (torch.randn(6), torch.zeros(6), torch.ones(6)):
            assert_equal(masked(x, x * 2), run(x, x * 2), 1e-6)
