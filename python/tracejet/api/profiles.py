"""`optimization_profile`: which of the ranges of `Input(profiles=...)` calls belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import torch
from torch import nn

from tracejet._C import ErrorCode, InvalidInput
from tracejet.frontend.binding import Dim, Leaf
from tracejet.frontend.call_spec import CallSpec

#: By compiled module.
_chosen: ContextVar[Mapping[int, int]] = ContextVar("chosen_profiles", default={})  # noqa: B039 - never changed
_of_this_call: ContextVar[int | None] = ContextVar("profile_of_this_call", default=None)


def profile_of_this_call() -> int | None:
    """For engines that tune by profile, while a program runs: the one that was chosen, or None to find one."""
    return _of_this_call.get()


def number_of_profiles(spec: CallSpec) -> int:
    """At least one: the whole range, where no Input has profiles."""
    sizes = (size for leaf in spec.inputs for size in leaf.shape or () if isinstance(size, Dim))
    return max((len(size.profiles) for size in sizes), default=0) or 1


@contextmanager
def chosen_profile(module: nn.Module, spec: CallSpec, profile: int | Literal["auto"]) -> Iterator[None]:
    """Calls of `module` belong to this profile until the end."""
    count = number_of_profiles(spec)
    is_index = isinstance(profile, int) and not isinstance(profile, bool)
    if profile != "auto" and not (is_index and 0 <= profile < count):
        indices = ", ".join(map(str, range(count)))
        raise InvalidInput(
            f'profile: this program has {count}; expected "auto" or {indices}, got {profile!r}',
            ErrorCode.CALL_ARGUMENTS,
        )
    others = {key: index for key, index in _chosen.get().items() if key != id(module)}
    token = _chosen.set(others if profile == "auto" else {**others, id(module): int(profile)})
    try:
        yield
    finally:
        _chosen.reset(token)


@contextmanager
def call_in_profile(module: nn.Module, spec: CallSpec, leaves: Sequence[object]) -> Iterator[None]:
    """A call of `module`, with these inputs: in the profile that was chosen, if one was.

    Raises InvalidInput, naming input and axis, where an input isn't in that profile.
    """
    profile = _chosen.get().get(id(module))
    if profile is not None:
        for leaf, traced in zip(leaves, spec.inputs, strict=True):
            if isinstance(leaf, torch.Tensor):
                _check(leaf, traced, profile)
    token = _of_this_call.set(profile)
    try:
        yield
    finally:
        _of_this_call.reset(token)


def is_any_chosen() -> bool:
    """Whether any calls of anything belong to a profile: most programs never have one."""
    return bool(_chosen.get())


def _check(tensor: torch.Tensor, traced: Leaf, profile: int) -> None:
    for axis, (size, declared) in enumerate(zip(tensor.shape, traced.shape or (), strict=False)):
        if not isinstance(declared, Dim) or not declared.profiles:
            continue
        low, _, high = declared.profiles[profile]
        if not low <= size <= high:
            raise InvalidInput(
                f"{traced.path}: axis {axis} is {size}, but profile {profile} is for {low} to {high}; "
                'optimization_profile(module, "auto") takes all that was traced',
                ErrorCode.CALL_ARGUMENTS,
            )
