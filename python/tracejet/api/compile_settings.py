"""The settings of `compile` as keywords. What there is and what it means is in the core's table."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import torch

from tracejet import _C
from tracejet._C import CompileSettings, ErrorCode, InvalidInput
from tracejet.api.upstream_keywords import known_here
from tracejet.engines import require_installed
from tracejet.frontend.near_name import did_you_mean

#: What `compile` takes beside settings: a keyword may be one of these, misspelt.
_ARGUMENTS = ("inputs", "arg_inputs", "kwarg_inputs", "dynamic_shapes", "settings", "enabled_precisions")


def settings_of(
    keywords: Mapping[str, Any], given: CompileSettings | None, enabled_precisions: Collection[torch.dtype] | None
) -> CompileSettings:
    """The settings that a call asks for. Raises InvalidInput where one is unknown or invalid; warns whoever called the
    caller of what is Torch-TensorRT's alone."""
    if given is not None and not isinstance(given, CompileSettings):
        raise InvalidInput(f"settings: expected CompileSettings, got {given!r}", ErrorCode.INVALID_SETTING)
    values = {} if given is None else given.as_dict()
    values.update(known_here(keywords, stacklevel=3))
    _check_names(values)
    if enabled_precisions is not None:
        values["precision"] = _narrowest(enabled_precisions)
    settings = CompileSettings(**values)
    require_installed([settings.engine] if isinstance(settings.engine, str) else settings.engine)
    return settings


def _check_names(names: Iterable[str]) -> None:
    known = [setting.name for setting in _C.settings_table()]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, [*known, *_ARGUMENTS])
            raise InvalidInput(
                f'there is no setting "{name}"{hint}; there are {", ".join(known)}', ErrorCode.INVALID_SETTING
            )


def _narrowest(enabled: Collection[torch.dtype]) -> torch.dtype:
    known = (torch.float16, torch.bfloat16, torch.float32)
    if not enabled or any(dtype not in known for dtype in enabled):
        raise InvalidInput(
            f"enabled_precisions: expected some of {', '.join(map(str, known))}, got {enabled}",
            ErrorCode.INVALID_SETTING,
        )
    return next(dtype for dtype in known if dtype in enabled)


Function = TypeVar("Function", bound=Callable[..., Any])


def with_settings(function: Function) -> Function:
    """Makes every setting a keyword that `help` shows, in the place of `**keywords`."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind != inspect.Parameter.VAR_KEYWORD]
    table = _C.settings_table()
    keywords = [inspect.Parameter(s.name, inspect.Parameter.KEYWORD_ONLY, default=s.default) for s in table]
    function.__signature__ = signature.replace(parameters=[*own, *keywords])  # type: ignore[attr-defined]
    wrapper = textwrap.TextWrapper(116, " " * 8, " " * 12, break_on_hyphens=False)
    lines = (wrapper.fill(f"{s.name}: {s.doc}.") for s in table)
    function.__doc__ = (function.__doc__ or "").replace("        {settings}", "\n".join(lines))
    return function
