"""The sizes that the user has engines built and tuned for: the profiles of Inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from tracejet.frontend.binding import Dim
from tracejet.frontend.call_spec import CallSpec

#: (min, opt, max) of a dimension in each profile that the user declared.
Declared = Mapping[str, Sequence[tuple[int, int, int]]]

_declared: ContextVar[Declared] = ContextVar("declared_profiles", default={})  # noqa: B039 - never changed


@contextmanager
def declared_profiles(dimensions: Declared) -> Iterator[None]:
    """What is built meanwhile has the profiles of these dimensions, by name: a graph knows their ranges only."""
    token = _declared.set(dimensions)
    try:
        yield
    finally:
        _declared.reset(token)


def profiles_to_build() -> Declared:
    """Those that were declared for what is built now."""
    return _declared.get()


def profiles_in(spec: CallSpec) -> Declared:
    """The profiles of the dimensions that have some, by name."""
    dims = [size for leaf in spec.inputs for size in leaf.shape or [] if isinstance(size, Dim)]
    return {dim.name: dim.profiles for dim in dims if dim.profiles}


def profiles_in_words() -> str:
    """What of the declared profiles tells two engines of one graph apart, for those who keep engines."""
    declared = profiles_to_build()
    return f", profiles {dict(sorted(declared.items()))}" if declared else ""
