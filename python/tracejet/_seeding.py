"""Seeding while a trace runs: a program draws from the generator of whoever runs it, and can't seed it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from tracejet import _C
from tracejet._shared_switch import SharedSwitch, switched_attribute


def _refused(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def refuse(*args: Any, **kwargs: Any) -> Any:
        if not _C.is_tracing():
            return function(*args, **kwargs)
        raise _C.UnsupportedOperator(
            f"forward calls torch.{name}, which can't be part of a program: seed before the program is called, or take "
            "the random numbers as an argument of forward"
        )

    return refuse


def _switches() -> list[SharedSwitch]:
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
    return [switched_attribute(owner, name, _refused(name, getattr(owner, name))) for owner, name in places]


#: On while anybody traces.
refused_seeding: tuple[SharedSwitch, ...] = tuple(_switches())
