"""Random numbers while a trace runs: a program draws them from PyTorch's generator, and can't seed it."""

from __future__ import annotations

import functools
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy
import torch

from tracejet import _C
from tracejet.patches.refcounted_patch import RefcountedPatch, patched_attribute


def _refused(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def refuse(*args: Any, **kwargs: Any) -> Any:
        if not _C.is_tracing():
            return function(*args, **kwargs)
        raise _C.UnsupportedOperator(
            f"forward calls torch.{name}, which can't be part of a program: seed before the program is called, or take "
            "the random numbers as an argument of forward",
            _C.ErrorCode.RANDOM_GENERATOR,
        )

    return refuse


def _switches() -> list[RefcountedPatch]:
    places = [
        (torch, "manual_seed"),
        (torch, "seed"),
        (torch, "set_rng_state"),
        (torch.random, "manual_seed"),
        (torch.random, "seed"),
        (torch.random, "set_rng_state"),
        (torch.cuda, "manual_seed"),
        (torch.cuda, "manual_seed_all"),
    ]
    return [patched_attribute(owner, name, _refused(name, getattr(owner, name))) for owner, name in places]


#: On while anybody traces.
refused_seeding: tuple[RefcountedPatch, ...] = tuple(_switches())


@contextmanager
def other_generators_watched() -> Iterator[None]:
    """Warns where forward draws from Python's or NumPy's generator: the program only knows what came out."""
    before = random.getstate(), _numpy_state()
    yield
    after = random.getstate(), _numpy_state()
    drawn = [name for name, old, new in zip(("random", "numpy.random"), before, after) if old != new]
    if drawn:
        warnings.warn(
            f"forward draws from {' and '.join(drawn)}, and the program keeps what came: random values are "
            "baked in as constants; draw from torch, whose random numbers are new in every call",
            stacklevel=2,
        )


def _numpy_state() -> Any:
    state: Any = numpy.random.get_state()
    return [part.tobytes() if isinstance(part, numpy.ndarray) else part for part in state]
