"""Begins a trace whose arguments say in torch.export's words, or in Inputs, what varies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tracejet import _C
from tracejet.frontend.export_dims import Declared, declared
from tracejet.frontend.session import Session


def start_session(
    start: Callable[..., Session],
    module: nn.Module,
    args: Any,
    kwargs: Any,
    dynamic_shapes: Any,
    device: torch.device | None,
) -> Session:
    """A session with these arguments, not run yet. `start` makes one of Inputs.

    Where the model decides the range of axes (Dim.AUTO, Dim.DYNAMIC), it is traced once to ask it.
    """
    if dynamic_shapes is None:
        return start(args, kwargs)
    given = declared(module, args, kwargs, dynamic_shapes, device)
    if given.open:
        given = _narrowed(start, given)
    return start(given.args, given.kwargs)


def _narrowed(start: Callable[..., Session], given: Declared) -> Declared:
    session = start(given.args, given.kwargs)
    try:
        session.run()
    except Exception:  # it comes again, from the trace that the caller asked for
        return given
    return given.narrowed(*session.report().suggested_inputs()) if session.is_violated() else given


def verify_additional_inputs(examples: torch.export.AdditionalInputs, program: torch.export.ExportedProgram) -> None:
    """Raises ConstraintViolation where the program doesn't take all of the examples."""
    try:
        examples.verify(program)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _C.ConstraintViolation(f"the program doesn't take one of the additional inputs: {error}") from error
