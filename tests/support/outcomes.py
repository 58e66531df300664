"""Compares what an engine made of a call with what eager made of it, and says what may be said for a difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch.utils import _pytree as pytree

from tests.support import rounding
from tests.support.differences import excuses
from tests.support.random_programs import EAGER_REFUSES, Program

#: The greatest difference allowed, relative to a tensor's greatest value, or to 1 where all of its values are smaller.
TOLERANCE = {torch.float32: 3e-4, torch.float64: 1e-5}
#: What rounding does to eager is allowed so many times, as far as it is no jump.
ROUNDING, JUMP = 32.0, 1e-2
#: So many numbers of which rounding chooses are no choice between two or three.
FEW = 5


class Different(Exception):
    def __init__(self, verdict: str, reason: str):
        super().__init__(reason)
        self.verdict, self.reason = verdict, reason


@dataclass
class Doubts:
    """What may be said for an engine that gives something else than eager. Looked up where it does only."""

    program: Program
    traced: torch.export.ExportedProgram
    engine: str
    make: Callable[[], tuple[torch.Tensor, ...]]
    state: dict[str, torch.Tensor]

    @cached_property
    def excuses(self) -> dict[int, str]:
        engine = "openvino" if self.engine == "split" else self.engine
        return excuses(self.traced, engine, self.make(), self.state)

    @cached_property
    def twins(self) -> list[Any]:
        twin = _twin(self.program, self.make(), self.state)
        return [] if isinstance(twin, Exception) else pytree.tree_leaves(twin)

    def undecided(self, i: int, want: torch.Tensor, have: torch.Tensor) -> torch.Tensor:
        """Where leaf `i` differs and rounding doesn't decide."""
        left = _differences(want, have)
        other = self.twins[i] if self.twins else None
        if isinstance(other, torch.Tensor) and other.shape == want.shape:
            left = left & ~_rounding_decides(want, have, other)
        if not left.any():
            return left
        noise = torch.zeros(want.shape, dtype=torch.float64)
        met = [want]
        for outcome in rounding.outcomes(self.program.model, self.make(), self.state):
            other = pytree.tree_leaves(outcome)[i]
            if other.shape == have.shape:
                met.append(other)
                noise = torch.maximum(noise, _noise(want, other))
                left = left & _differences(other, have) & ~_is_within(want, have, ROUNDING * noise)
            if not left.any():
                return left
        return left & ~_is_among(met, have)


def compare(here: str, expected: Any, got: Any, doubts: Doubts) -> None:
    wanted, spec = pytree.tree_flatten_with_path(expected)
    leaves, got_spec = pytree.tree_flatten(got)
    if spec != got_spec:
        raise Different("wrong", f"{here}expected the tree {spec}, got {got_spec}")
    doubtful = None
    for i, ((path, want), have) in enumerate(zip(wanted, leaves, strict=True)):
        problem, verdict = _problem(i, want, have, doubts)
        if not problem:
            continue
        where = f"{here}{_named(path)}: {problem}"
        if verdict == "wrong" and i in doubts.excuses:
            verdict, where = "excused", f"{doubts.excuses[i]}: {where}"
        if verdict == "wrong":
            raise Different(verdict, where)
        if doubtful is None or verdict == "excused":
            doubtful = Different(verdict, where)
    if doubtful is not None:
        raise doubtful


def _problem(i: int, want: Any, have: Any, doubts: Doubts) -> tuple[str, str]:
    """How a leaf differs, if it does, and what to think of it."""
    if not isinstance(want, torch.Tensor) or not isinstance(have, torch.Tensor):
        is_same = type(want) is type(have) and want == have
        return ("" if is_same else f"expected {want!r}, got {have!r}"), "wrong"
    if want.dtype != have.dtype or want.shape != have.shape:
        return f"expected {want.dtype}{list(want.shape)}, got {have.dtype}{list(have.shape)}", "wrong"
    differs = _differences(want, have)
    if not differs.any():
        return "", "right"
    left = doubts.undecided(i, want, have)
    return (_first(left, want, have), "wrong") if left.any() else (_first(differs, want, have), "unclear")


def _is_among(met: list[torch.Tensor], have: torch.Tensor) -> torch.Tensor:
    """Where what rounding makes of a number is many numbers, and this is between them: a count of what rounding
    decides, or nothing but rounding (the norm of what is all but constant). Of few, it must be one."""
    if have.dtype is not torch.int64 and not have.is_floating_point():
        return torch.zeros(have.shape, dtype=torch.bool)
    numbers = torch.stack([tensor.double() for tensor in met]).sort(0).values
    between = (have.double() >= numbers[0]) & (have.double() <= numbers[-1])
    if not have.is_floating_point():
        return between
    return between & ((numbers.diff(dim=0) > _allowed(met[0])).sum(0) + 1 >= FEW)


def _named(path: Any) -> str:
    part, *rest = (getattr(key, "idx", getattr(key, "key", key)) for key in path)
    return f"{('output', 'argument', 'buffer')[part]} {'.'.join(map(str, rest))}"


def _allowed(want: torch.Tensor) -> float:
    finite = want[torch.isfinite(want)].abs()
    scale = finite.max().item() if finite.numel() else 1.0
    return TOLERANCE[want.dtype] * max(scale, 1.0)


def _differences(want: torch.Tensor, have: torch.Tensor) -> torch.Tensor:
    if not want.is_floating_point():
        return want != have
    return ~torch.isclose(have.double(), want.double(), rtol=0, atol=_allowed(want), equal_nan=True)


def _noise(want: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """How far rounding moves a result, where that is no jump."""
    if not want.is_floating_point():
        return torch.zeros(want.shape, dtype=torch.float64)
    moved = (other.double() - want.double()).abs().nan_to_num(0, 0, 0)
    return torch.where(moved <= JUMP * (_allowed(want) / TOLERANCE[torch.float32]), moved, 0)


def _is_within(want: torch.Tensor, have: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
    return (have.double() - want.double()).abs() <= distance


def _rounding_decides(want: torch.Tensor, have: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Where eager gives something else in the other precision, or nearly what the engine gives."""
    if not want.is_floating_point():
        return want != other.to(want.dtype)
    allowed = _allowed(want)
    noise = _noise(want, other).max().item() if want.numel() else 0.0
    want, have, other = want.double(), have.double(), other.double()
    jumps = ~torch.isclose(other, want, rtol=0, atol=allowed, equal_nan=True)
    return jumps | torch.isclose(have, want, rtol=0, atol=allowed + ROUNDING * noise, equal_nan=True)


def _first(differs: torch.Tensor, want: torch.Tensor, have: torch.Tensor) -> str:
    at = differs.nonzero()[0].tolist()
    return (
        f"{int(differs.sum())} of {differs.numel()} elements differ, at {at} expected {want[tuple(at)].item()}, "
        f"got {have[tuple(at)].item()}"
    )


def _twin(program: Program, args: tuple[torch.Tensor, ...], state: dict[str, torch.Tensor]) -> Any:
    try:
        with torch.no_grad():
            return program.twin()(args, state)
    except EAGER_REFUSES as error:
        return error
