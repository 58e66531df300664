"""What an Input's arguments say of its shape: one range or several (optimization profiles), checked."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from tracejet import _C
from tracejet._C import ErrorCode, InvalidInput
from tracejet.frontend import dynamic_specs

MODES = ("min", "opt", "max")
_KEYS = tuple(f"{mode}_shape" for mode in MODES)

Shape = tuple[int, ...]

#: For an axis without an upper bound: the largest size that every engine can count.
UNBOUNDED = 2**31 - 1


class Range(NamedTuple):
    """The sizes from min to max, axis by axis."""

    min: Shape
    opt: Shape
    max: Shape

    def as_dict(self) -> dict[str, Shape]:
        return dict(zip(_KEYS, self, strict=True))


@dataclass(frozen=True)
class Ranges:
    """All that an Input may be, and the profiles that engines tune for: at least one."""

    envelope: Range  #: takes in every profile; its opt is the first one's
    profiles: list[Range]
    axis_names: dict[int, str]  #: of dynamic axes, where the shapes are named tuples


def read_ranges(here: str, shape: Any, shapes: Sequence[Any], profiles: Any, example: torch.Tensor | None) -> Ranges:
    """The ranges that Input's arguments say: `shape`, or `shapes` (min, opt and max), or `profiles`, or an example.

    Raises InvalidInput, whose message starts with `here`.
    """
    given = [key for key, value in zip(_KEYS, shapes, strict=True) if value is not None]
    if profiles is not None:
        others = [*(["shape"] if shape is not None else []), *given]
        if others:
            raise InvalidInput(
                f"{here}: got both profiles and {', '.join(others)}; each profile has all three shapes",
                ErrorCode.INPUT_DECLARATION,
            )
        return _read_profiles(here, profiles)
    shape = dynamic_specs.plain(shape, None)
    if isinstance(shape, (tuple, list)) and any(is_dim(size) for size in shape):
        return _read_dims(here, shape, shapes, example)
    if shape is not None and given:
        raise InvalidInput(
            f"{here}: got both shape and {', '.join(given)}; pass shape, or all of min/opt/max_shape",
            ErrorCode.INPUT_DECLARATION,
        )
    if given:
        return _combined(here, [shapes])
    if shape is None:
        if example is None:
            raise InvalidInput(
                f"{here}: no shape; pass shape, or all of min_shape, opt_shape and max_shape",
                ErrorCode.INPUT_DECLARATION,
            )
        shape = example.shape
    static = _checked_shape(here, "shape", shape)
    return Ranges(Range(static, static, static), [Range(static, static, static)], {})


def _read_profiles(here: str, profiles: Any) -> Ranges:
    if not isinstance(profiles, (list, tuple)) or not profiles:
        raise InvalidInput(
            f"{here}: profiles must be a list of dicts with the keys {_listed(_KEYS)}, got {shown(profiles)}",
            ErrorCode.INPUT_DECLARATION,
        )
    shapes = []
    for index, profile in enumerate(profiles):
        if not isinstance(profile, Mapping) or set(profile) != set(_KEYS):
            raise InvalidInput(
                f"{here}: profiles[{index}] must be a dict with the keys {_listed(_KEYS)}, got {shown(profile)}",
                ErrorCode.INPUT_DECLARATION,
            )
        shapes.append([profile[key] for key in _KEYS])
    return _combined(here, shapes, [f"{here}: profiles[{index}]" for index in range(len(shapes))])


def _read_dims(here: str, shape: Sequence[Any], shapes: Sequence[Any], example: torch.Tensor | None) -> Ranges:
    """A shape with Dims of torch.export, or ShapeVars; its usual sizes are opt_shape's, a ShapeVar's own, those of the
    example, or the greatest."""
    least, usual, greatest = shapes
    if least is not None or greatest is not None:
        raise InvalidInput(
            f"{here}: the Dims of shape say the range; leave out min_shape and max_shape", ErrorCode.INPUT_DECLARATION
        )
    ranges, names = [], {}
    for axis, size in enumerate(shape):
        if not is_dim(size):
            size = example.shape[axis] if size is None and example is not None and axis < example.dim() else size
            ranges.append((size, size))
            continue
        low, high, name = range_of_dim(size)
        if high == UNBOUNDED:
            raise InvalidInput(
                f"{here}: axis {axis} is {size}, which has no max; an Input needs one", ErrorCode.INPUT_DECLARATION
            )
        ranges.append((low, high))
        if name:
            names[axis] = name
    if usual is None:
        usual = [high for _, high in ranges] if example is None else list(example.shape)
        if len(usual) == len(shape):
            usual = [dynamic_specs.usual_size(size) or known for size, known in zip(shape, usual, strict=True)]
    found = _read_range(here, ([low for low, _ in ranges], usual, [high for _, high in ranges]))
    envelope = Range(*map(tuple, _C.envelope(here, [found], [here])))
    return Ranges(envelope, [envelope], names)


def is_dim(size: Any) -> bool:
    return isinstance(size, torch.export.Dim) or dynamic_specs.is_size(size)


def range_of_dim(dim: Any) -> tuple[int, int, str]:
    """The least and the greatest size of a Dim or ShapeVar, and its name; one that is computed (`2 * batch`) has none.

    A least size of 0 is what a Dim has that says none, so it counts as 1: an Input can say 0.
    """
    if dynamic_specs.is_size(dim):
        return dynamic_specs.range_of_size(dim, UNBOUNDED)
    bounded = as_int(dim.max)  # infinity isn't an integer
    high = UNBOUNDED if bounded is None or bounded > UNBOUNDED else bounded
    name = dim.__name__ if dim.__name__.isidentifier() else ""
    return max(1, int(dim.min)), high, name


def _combined(here: str, profiles: Sequence[Sequence[Any]], places: Sequence[str] | None = None) -> Ranges:
    """The profiles' (min, opt, max) shapes as ranges; `places` name them in errors."""
    places = places or [here]
    ranges = [_read_range(place, shapes) for place, shapes in zip(places, profiles, strict=True)]
    envelope = Range(*map(tuple, _C.envelope(here, ranges, places)))
    fields = _fields(here, [shape for shapes in profiles for shape in shapes])
    varying = zip(fields, envelope.min, envelope.max)  # no fields, no names
    return Ranges(envelope, ranges, {axis: name for axis, (name, low, high) in enumerate(varying) if low != high})


def _read_range(here: str, shapes: Sequence[Any]) -> Range:
    missing = [key for key, value in zip(_KEYS, shapes, strict=True) if value is None]
    if missing:
        given = [key for key in _KEYS if key not in missing]
        raise InvalidInput(
            f"{here}: got {', '.join(given)} without {', '.join(missing)}; a range needs all three",
            ErrorCode.INPUT_DECLARATION,
        )
    return Range(*(_checked_shape(here, key, value) for key, value in zip(_KEYS, shapes, strict=True)))


def _checked_shape(here: str, which: str, shape: Any) -> Shape:
    if not isinstance(shape, (tuple, list)):  # torch.Size is a tuple
        raise InvalidInput(
            f"{here}: {which} must be a tuple or list of sizes, got {shown(shape)}", ErrorCode.INPUT_DECLARATION
        )
    sizes = []
    for axis, given in enumerate(shape):
        size = as_int(given)
        if size is None or not 0 <= size < 2**63:
            raise InvalidInput(
                f"{here}: axis {axis} of {which} is {given!r}; expected an integer >= 0"
                + (" of at most 64 bits" if size is not None and size > 0 else ""),
                ErrorCode.INPUT_DECLARATION,
            )
        sizes.append(size)
    return tuple(sizes)


def _fields(here: str, shapes: Sequence[Any]) -> tuple[str, ...]:
    """The axes' names where the shapes are named tuples; they must be the same in all."""
    fields = [getattr(shape, "_fields", ()) for shape in shapes]
    for other in fields:
        if other != fields[0]:
            raise InvalidInput(
                f"{here}: one shape names its axes {_listed(fields[0])}, another {_listed(other)}; "
                "expected one type of named tuple for all",
                ErrorCode.INPUT_DECLARATION,
            )
    return fields[0]


def as_int(value: Any) -> int | None:
    """`value` as an int where it is one (of Python or NumPy), None for anything else, bool included."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def span(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


def shown(value: Any) -> str:
    """What an error message says of a wrong argument: its value where that is short, and its type."""
    text = repr(value)
    return f"{type(value).__name__} {text}" if len(text) <= 60 else type(value).__name__


def _listed(words: Sequence[Any]) -> str:
    return ", ".join(map(str, words)) if words else "not at all"
