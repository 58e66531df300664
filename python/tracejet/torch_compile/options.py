"""What `torch.compile(options={...})` may say."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tracejet._C import ErrorCode, InvalidInput
from tracejet.api.compile import compile
from tracejet.api.trace import trace
from tracejet.api.upstream_keywords import known_here
from tracejet.frontend.near_name import did_you_mean

#: Of `trace` and `compile`, what a backend is told by TorchDynamo.
_TOLD_BY_DYNAMO = frozenset(
    {
        "mod",
        "inputs",
        "arg_inputs",
        "kwarg_inputs",
        "dynamic_shapes",
        "strict",
        "device",
        "validate",
        "ir",
        "settings",
        "keywords",
    }
)
_ON_FAILURE = ("raise", "eager")


@dataclass(frozen=True)
class Options:
    """The options of one call of torch.compile, checked."""

    on_failure: str = "raise"  #: "raise", or "eager": a graph that can't be built runs in eager, with a warning
    trace: Mapping[str, Any] = field(default_factory=dict)  #: keywords of `trace`
    compile: Mapping[str, Any] = field(default_factory=dict)  #: keywords of `compile`

    @classmethod
    def of(cls, options: Mapping[str, Any], mode: str | None = None) -> Options:
        """Raises InvalidInput where an option is unknown or invalid."""
        if mode is not None:
            raise InvalidInput(
                f"mode is {mode!r}, which is Inductor's; this backend takes options={{...}}", ErrorCode.INVALID_SETTING
            )
        of_trace, of_compile = _parameters(trace), _settings()
        known = {"on_failure", *of_trace, *of_compile}
        others = {name: value for name, value in options.items() if name not in known}
        others = known_here(others, stacklevel=3)
        options = {name: value for name, value in options.items() if name in known or name in others}
        for name in options:
            if name not in known:
                hint = did_you_mean(str(name), sorted(known))
                raise InvalidInput(
                    f"there is no option {name!r}{hint}; the options are {', '.join(sorted(known))}",
                    ErrorCode.INVALID_SETTING,
                )
        if options.get("dryrun"):
            raise InvalidInput(
                "dryrun: torch.compile has to run what it compiles; use tracejet.compile(…, dryrun=True)",
                ErrorCode.INVALID_SETTING,
            )
        on_failure = options.get("on_failure", "raise")
        if on_failure not in _ON_FAILURE:
            raise InvalidInput(
                f'on_failure: expected "raise" or "eager", got {on_failure!r}', ErrorCode.INVALID_SETTING
            )
        return cls(
            on_failure,
            {name: value for name, value in options.items() if name in of_trace and name not in of_compile},
            {name: value for name, value in options.items() if name in of_compile},
        )


def _parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters) - _TOLD_BY_DYNAMO


def _settings() -> set[str]:
    return _parameters(compile)
