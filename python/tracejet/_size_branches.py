"""Branches of a model that only sizes of 0 and 1 take (`if x.shape[0] == 1:`): which of them make a difference.

A trace goes the way of all other sizes. That is right at 0 and 1 too where the model, traced at that very size, does
the same; so it is traced there once more, without data, and the two programs are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tracejet import _C


@dataclass
class Budget:
    """How many more traces may be made for proofs. What they would have shown counts as a difference."""

    traces: int = 8


class Capture(Protocol):
    """A finished trace; see `tracejet._capture`."""

    graph: _C.Graph

    def result_structure(self) -> Any:
        """What forward returned, without what the graph knows of it."""

    def violated_conditions(self, harmless: set[int] | None = None) -> set[str]:
        """What keeps sizes from varying as declared. `harmless`: the branches that count as such, else it finds out."""


def branches(capture: Capture) -> set[int]:
    """The guards on sizes of 0 and 1 that the model's code asked for, as indices."""
    return {guard for guard, _, _ in _C.small_sizes(capture.graph)}


def harmless_branches(capture: Capture, trace_at: Callable[[str, int], Capture], budget: Budget) -> set[int]:
    """Those of `branches` that make no difference at any size that was declared.

    `trace_at` traces the model with a dimension, by name, static at a size.
    """
    agrees: dict[tuple[str, int], bool] = {}
    small_sizes = _C.small_sizes(capture.graph)
    harmless = {guard for guard, _, _ in small_sizes}
    for guard, name, size in small_sizes:
        if (name, size) not in agrees:
            agrees[name, size] = _agrees(capture, name, size, trace_at, budget)
        if not agrees[name, size]:
            harmless.discard(guard)
    return harmless


def _agrees(general: Capture, name: str, size: int, trace_at: Callable[[str, int], Capture], budget: Budget) -> bool:
    """Whether `general` is right where the dimension `name` has this size."""
    if budget.traces == 0:
        return False
    budget.traces -= 1
    try:
        special = trace_at(name, size)
    except _C.ShapeError:
        return True  # eager PyTorch refuses this size
    except (_C.Error, RuntimeError):
        return False
    except Exception:
        return True  # so does the model itself
    return (
        special.result_structure() == general.result_structure()
        and _C.computes_the_same(general.graph, {name: size}, special.graph)
        and special.violated_conditions() <= general.violated_conditions(branches(general))
    )
