"""Branches of a model that its sizes decide either way (`if padding > 0:`): which of them one program can serve.

A trace goes the way of the opt sizes, and its program would have to refuse all sizes that go the other way. But often
the way that was taken is right for them too, or theirs for all: slicing off a padding of nothing changes nothing, and a
warning isn't part of a program. So the model is traced the other ways, without data, and where one of these programs
computes what each of the others does at the sizes that go there, it is taken, and nothing needs to be checked.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from tracejet import _C
from tracejet._size_branches import Budget


class Capture(Protocol):
    """A finished trace; see `tracejet._capture`."""

    graph: _C.Graph

    def open_branches(self) -> list[_C.Branch]:
        """Those that the declared ranges leave open, which the program asserts or which are violations."""

    def result_structure(self) -> Any:
        """What forward returned, without what the graph knows of it."""


Trace = TypeVar("Trace", bound=Capture)
Answers = dict[str, bool]  #: by the text of a branch's condition


def capture_for_all_branches(capture: Trace, trace_with: Callable[[Answers], Trace], budget: Budget) -> Trace:
    """A trace of the same model that relies on as few branches as can be shown to make no difference.

    `trace_with` traces the model with the answers that some branches are given, whatever the sizes.
    """
    harmless: list[_C.Branch] = []
    tried: set[str] = set()
    best = capture
    while True:  # what one branch has settled may be open without it
        branch = next((branch for branch in best.open_branches() if branch.condition not in tried), None)
        if branch is None:
            return best
        tried.add(branch.condition)
        together = [*harmless, branch]
        if 2 ** len(together) - 1 > budget.traces:
            return best
        general = _general(capture, together, trace_with, budget)
        if general is not None:
            best, harmless = general, together


def _general(
    capture: Trace, branches: Sequence[_C.Branch], trace_with: Callable[[Answers], Trace], budget: Budget
) -> Trace | None:
    """A trace that is right whichever way each of the branches goes."""
    taken = tuple(branch.answer for branch in branches)
    ways = {taken: capture}
    for answers in itertools.product((False, True), repeat=len(branches)):
        if answers == taken:
            continue
        traced = _trace(branches, answers, trace_with, budget)
        if traced is None:
            return None
        ways[answers] = traced
    for answers, candidate in ways.items():
        if answers != taken and _is_general(candidate, ways, branches):
            return candidate
    # The way that was taken, without what was concluded from having taken it.
    unconcluded = _trace(branches, taken, trace_with, budget)
    return unconcluded if unconcluded is not None and _is_general(unconcluded, ways, branches) else None


def _trace(
    branches: Sequence[_C.Branch], answers: Sequence[bool], trace_with: Callable[[Answers], Trace], budget: Budget
) -> Trace | None:
    if budget.traces == 0:
        return None
    budget.traces -= 1
    try:
        return trace_with({branch.condition: answer for branch, answer in zip(branches, answers)})
    except Exception:  # the model's own among them: it doesn't take sizes that go this way
        return None


def _is_general(candidate: Trace, ways: dict[tuple[bool, ...], Trace], branches: Sequence[_C.Branch]) -> bool:
    return all(
        special is candidate
        or (
            special.result_structure() == candidate.result_structure()
            and _C.is_right_where(candidate.graph, special.graph, list(zip(branches, answers)))
        )
        for answers, special in ways.items()
    )
