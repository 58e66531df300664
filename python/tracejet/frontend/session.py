"""One call of `trace` or `diagnose`. What is traced how often, and why, is in src/frontends/session.h."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tracejet import _C
from tracejet.frontend.binding import bind
from tracejet.frontend.call_spec import CallSpec
from tracejet.frontend.module_frontend import ModuleFrontend
from tracejet.frontend.report import Report
from tracejet.frontend.strict import dynamo_capture

#: In the environment, it holds every shape rule against the operator's meta kernel. The tests run so.
CHECK_RULES = "TRACEJET_CHECK_RULES"


@dataclass(frozen=True)
class Options:
    """How a model is traced, beside its inputs."""

    device: torch.device | None = None
    asserts: bool = True  #: relations among sizes are asserted
    decompositions: _C.DecompositionTable | None = None  #: by default the set "tensorrt"


class Session:
    """A model with its inputs, to be traced."""

    def __init__(
        self,
        model: nn.Module,
        arg_inputs: Sequence[Any] | None,
        kwarg_inputs: Mapping[str, Any] | None,
        *,
        strict: bool,
        options: Options,
    ):
        self._bound = bind(model, arg_inputs, kwarg_inputs, options.device)
        if strict:
            model = dynamo_capture(model, arg_inputs, kwarg_inputs, options.device)
        self._session = _C.Session(
            ModuleFrontend(model, self._bound, options.device),
            self._bound.leaves,
            decompositions=options.decompositions or _C.DecompositionTable(_C.DecompositionSet.tensorrt),
            prefer_deferred_runtime_asserts_over_guards=options.asserts,
            device=options.device,
            check_rules=CHECK_RULES in os.environ,
        )

    def run(self) -> None:
        """Traces. Raises what ended the trace."""
        self._session.run()

    @property
    def graph(self) -> _C.Graph:
        return self._session.graph

    @property
    def call_spec(self) -> CallSpec:
        spec: CallSpec = self._session.results
        return spec

    @property
    def slow_calls(self) -> dict[str, int]:
        """What Python had to answer, by operator: calls with symbolic sizes that no shape rule covers, and those that
        only PyTorch's decompositions in Python can expand."""
        tracer = self._session.tracer
        return {**tracer.python_meta_calls, **tracer.python_decompositions}

    def is_violated(self) -> bool:
        """Whether something keeps sizes from varying as declared."""
        return self._session.is_violated()

    def report(self, error: Exception | None = None) -> Report:
        """Everything that was assumed of sizes; `error` is what ended the trace."""
        words = "" if error is None else f"{type(error).__name__}: {error}"
        return Report(self._session.report(words), self._bound, error)
