"""Branches of a model on its data (`if not mask.any(): mask = None`): which of them one program can serve.

A trace has no data to go by. But often one way is right for all data, and the other merely spares work: masking with a
mask of which nothing is true changes nothing. So the model is traced both ways, and where the program of one computes
what the other does for data that go there, it is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from tracejet import _C

#: For each question about data, in the order in which they are asked: the answer, and whether the program asserts it.
DataAnswers = tuple[tuple[bool, bool], ...]


class Capture(Protocol):
    """A trace; see `tracejet.frontend.capture`."""

    graph: _C.Graph

    def run(self) -> None:
        """Traces."""

    @property
    def has_open_data_branch(self) -> bool:
        """Whether the model branches on data without having been told which way to go."""

    def gives_like(self, other: Any) -> bool:
        """Whether forward returned the same, without what the graphs know of it."""


Trace = TypeVar("Trace", bound=Capture)


def capture_for_all_data(
    capture: Trace, trace_for_data: Callable[[DataAnswers], Trace], budget: _C.ProofBudget
) -> Trace | None:
    """A trace that is right whichever way the data go at the model's branches; None where none is known to be.

    `capture` has failed because of such a branch, or of something else. `trace_for_data` gives a trace, to be run, with
    the answers that the branches are given.
    """
    if not capture.has_open_data_branch:
        return None
    ways = _ways(trace_for_data, budget, ())
    if ways is None:
        return None
    for answers in ways:
        general = _run(trace_for_data(tuple((answer, False) for answer, _ in answers)), budget)
        if general is not None and all(_serves(general, way) for way in ways.values()):
            return general
    return None


def _ways(
    trace_for_data: Callable[[DataAnswers], Trace], budget: _C.ProofBudget, answers: DataAnswers
) -> dict[DataAnswers, Trace] | None:
    """A trace for each way that data can go after these answers; None where one of them fails."""
    ways: dict[DataAnswers, Trace] = {}
    for answer in (True, False):
        told = (*answers, (answer, True))
        capture = trace_for_data(told)
        way = _run(capture, budget)
        if way is not None:
            ways[told] = way
            continue
        further = _ways(trace_for_data, budget, told) if capture.has_open_data_branch else None
        if further is None:
            return None
        ways.update(further)
    return ways


def _run(capture: Trace, budget: _C.ProofBudget) -> Trace | None:
    if budget.branches == 0:
        return None
    budget.branches -= 1
    try:
        capture.run()
    except Exception:  # the model's own among them: it doesn't take data that go this way
        return None
    return capture


def _serves(general: Capture, special: Capture) -> bool:
    return special.gives_like(general) and bool(_C.computes_the_same_for_data(general.graph, special.graph))
