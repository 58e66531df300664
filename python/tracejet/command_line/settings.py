"""The options of compiling, which several commands have."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from tracejet._C import ErrorCode, InvalidInput
from tracejet.command_line.shapes import read_dtype

_Command = TypeVar("_Command", bound=Callable[..., Any])


def compile_options(command: _Command) -> _Command:
    """Gives a command the options of compiling: it takes them as `settings`, keywords of `tracejet.compile`."""

    @click.option("--precision", help="What float32 may be computed in: float32, float16 or bfloat16.")
    @click.option("--threads", type=int, help="How many threads a call may use.")
    @click.option("--cache-dir", help="Where the engine keeps compiled kernels.")
    @click.option("--set", "others", multiple=True, help="Another setting of tracejet.compile: name=value, as JSON.")
    @functools.wraps(command)
    def with_settings(
        *args: Any,
        precision: str | None,
        threads: int | None,
        cache_dir: str | None,
        others: tuple[str, ...],
        **kwargs: Any,
    ) -> Any:
        settings = dict(map(_setting, others))
        if precision is not None:
            settings["precision"] = read_dtype(precision)
        if threads is not None:
            settings["threads"] = threads
        if cache_dir is not None:
            settings["cache_dir"] = cache_dir
        return command(*args, settings=settings, **kwargs)

    return with_settings  # type: ignore[return-value]


def _engines(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> str | list[str] | None:
    """As `tracejet.compile` takes them: None for its own choice, one for the whole program, several in their order."""
    return None if not names else names[0] if len(names) == 1 else list(names)


engine_option = click.option(
    "--engine",
    multiple=True,
    callback=_engines,
    help="One of `tracejet engines`, for the whole program; repeated, it is split between these, in their order.",
)


def _setting(text: str) -> tuple[str, Any]:
    name, is_set, value = text.partition("=")
    if not is_set or not name.isidentifier():
        raise InvalidInput(f"--set {text!r}: expected name=value", ErrorCode.COMMAND_LINE)
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
