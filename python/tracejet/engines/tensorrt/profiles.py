"""The sizes that an engine is built and tuned for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tracejet._C import OnnxInput, OnnxProgram
from tracejet.engines.profiles import Declared, profiles_to_build

Sizes = tuple[int, ...]


def add_profiles(builder: Any, config: Any, program: OnnxProgram) -> None:
    """Tells what the inputs that vary are at least, as a rule and at most, in each profile."""
    declared = profiles_to_build()
    count = max((len(profiles) for profiles in declared.values()), default=0)
    shapes = [{given.name: shapes_of(given, declared, i) for given in program.inputs} for i in range(count or 1)]
    varying = [
        given.name for given in program.inputs if given.is_used and any(low != high for low, _, high in given.sizes)
    ]
    for profile_shapes in _distinct(shapes) if varying else []:
        profile = builder.create_optimization_profile()
        for name in varying:
            profile.set_shape(name, *profile_shapes[name])
        config.add_optimization_profile(profile)


def shapes_of(given: OnnxInput, declared: Declared, profile: int) -> tuple[Sizes, Sizes, Sizes]:
    """(min, opt, max) of an input. A size that depends on data is at its largest as a rule."""
    least, usual, most = [], [], []
    for axis, (low, opt, high) in zip(given.axes, given.sizes, strict=True):
        assert high is not None  # refused before
        best = high if opt is None else min(max(opt, low), high)
        if profiles := declared.get(axis):
            low, best, high = profiles[profile]
        least.append(low)
        usual.append(best)
        most.append(high)
    return tuple(least), tuple(usual), tuple(most)


def _distinct(shapes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A part of a program may not depend on what its profiles differ in."""
    return [each for i, each in enumerate(shapes) if each not in shapes[:i]]


def fitting_profile(
    profiles: Sequence[Mapping[str, Sequence[Sizes]]], shapes: Mapping[str, Sizes], chosen: int | None
) -> int:
    """The chosen profile, or the first that takes these shapes. Where none does, the first: TensorRT then says why."""
    fitting = [index for index, profile in enumerate(profiles) if _takes(profile, shapes)]
    return chosen if chosen in fitting else next(iter(fitting), 0)


def _takes(profile: Mapping[str, Sequence[Sizes]], shapes: Mapping[str, Sizes]) -> bool:
    ranges = ((profile[name][0], shape, profile[name][2]) for name, shape in shapes.items() if name in profile)
    return all(low <= size <= high for each in ranges for low, size, high in zip(*each, strict=True))
