"""Torch's classes of torch.fx.experimental.dynamic_spec.

Torch has them from 2.13 on, and this is what they keep to themselves."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


def classes() -> Any:
    """Torch's module of them; None where nobody has imported it, and so nobody has one. It imports SymPy."""
    return sys.modules.get("torch.fx.experimental.dynamic_spec")


def env_of_specs() -> Any:
    """The ShapeEnv of all sizes that specs compute of their variables."""
    return classes()._get_spec_shape_env()


def number_of(variable: Any) -> int:
    """By which ShapeVars and IntVars are told from each other, whatever their names."""
    number: int = variable._uid
    return number


class Parameters(NamedTuple):
    """What a ParamsSpec says of a function's arguments."""

    by_name: Mapping[str, Any]
    of_args: Any  #: of what `*args` takes; None where nothing is said
    of_kwargs: Mapping[str, Any]  #: of what `**kwargs` takes


def parameters_of(spec: Any) -> Parameters:
    """What a ParamsSpec says, or the one that a ShapesSpec holds."""
    if isinstance(spec, classes().ShapesSpec):
        spec = spec._params or classes().ParamsSpec()
    return Parameters(spec._named_args, spec._varargs, spec._varkw or {})


def entries_of(spec: Any) -> Sequence[Any]:
    """What a SeqSpec says of each element."""
    entries: Sequence[Any] = spec._entries
    return entries
