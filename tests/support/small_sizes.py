"""Samples of PyTorch's databases at sizes 0 and 1: where eager takes a call, the program gives the same or refuses it
in our words; where eager refuses it, so does the program."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

import tracejet
from testing.compare import Arguments, assert_equal, outcome
from tests.support.database_samples import SEED, Dynamic, Sample, draws_random_numbers, without_sizes


@dataclass(frozen=True)
class Finding:
    size: int
    what: str


class OfTheLast(nn.Module):
    """Calls a model with the last `count` elements of its dynamic axes, or with all where there are fewer."""

    def __init__(self, model: nn.Module, axes: frozenset[tuple[int, int]], count: int):
        super().__init__()
        self.model, self.axes, self.count = model, sorted(axes), count

    def forward(self, *tensors: torch.Tensor) -> Any:
        cut = list(tensors)
        for i, axis in self.axes:
            cut[i] = cut[i][(slice(None),) * axis + (slice(-self.count, None),)]
        return self.model(*cut)


def findings(sample: Sample, choices: int) -> Iterator[Finding]:
    """With each of the first choices of axes dynamic from 0 on, whole and cut to sizes of min(n, count)."""
    for dynamic in sample.dynamic_choices()[:choices]:
        from_nothing = replace(dynamic, least=0)
        yield from _compared(sample.model, sample, from_nothing, sizes=(1, 0))
        cut = OfTheLast(sample.model, dynamic.axes, dynamic.size)
        yield from _compared(cut, sample, from_nothing, sizes=(dynamic.size + 1, 1, 0))


def _compared(model: nn.Module, sample: Sample, dynamic: Dynamic, sizes: tuple[int, ...]) -> Iterator[Finding]:
    if isinstance(_outcome(model, sample.arguments(dynamic, dynamic.size)), Exception):
        return
    args, kwargs = sample.inputs(dynamic)
    try:
        program = tracejet.trace(model, arg_inputs=args, kwarg_inputs=kwargs)
    except tracejet.Error:
        return
    runner = program.module()
    ignores_values = sample.has_arbitrary_values or draws_random_numbers(program)
    for size in sizes:
        want = _outcome(model, sample.arguments(dynamic, size))
        got = _outcome(runner, sample.arguments(dynamic, size))
        what = _difference(want, got, ignores_values)
        if what is not None:
            yield Finding(size, f"with {sorted(dynamic.axes)} of {size}, traced with {dynamic.size}: {what}")


def _outcome(model: nn.Module, arguments: Arguments) -> dict[str, Any] | Exception:
    try:
        return outcome(copy.deepcopy(model), arguments, seed=SEED)
    except Exception as error:
        return error


def _difference(want: dict[str, Any] | Exception, got: dict[str, Any] | Exception, ignores_values: bool) -> str | None:
    if isinstance(want, Exception):
        return None if isinstance(got, Exception) else f"eager refuses it: {want}"
    if isinstance(got, Exception):
        return None if "which this program relies on" in str(got) else f"the program fails: {got}"
    if ignores_values:
        return None
    try:
        assert_equal(without_sizes(want), without_sizes(got), tolerance=1e-3)
    except AssertionError as difference:
        return str(difference)
    return None
