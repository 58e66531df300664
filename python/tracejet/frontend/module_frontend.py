"""A module, as a session traces it: what is done in Python around one run of its forward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet.frontend.binding import HOW_TO_NEST, LITERALS, BoundInputs
from tracejet.frontend.call_spec import CallSpec
from tracejet.frontend.environment import tracing_environment
from tracejet.frontend.errors import raise_own_error
from tracejet.frontend.model_state import ModelState
from tracejet.frontend.registered import Registered
from tracejet.frontend.shared_caches import SharedCaches
from tracejet.frontend.state_mutation import take_over
from tracejet.frontend.symbolic_builtins import SymbolicBuiltins
from tracejet.frontend.symbolic_loops import loops_of_a_trace
from tracejet.frontend.tensor_subclasses import check_modules, check_result, plain_parameters
from tracejet.patches.device import devices_of_a_trace
from tracejet.patches.module_calls import reported_module_calls
from tracejet.patches.module_registries import transient_buffers_of
from tracejet.patches.random_state import other_generators_watched
from tracejet.patches.size_text import Texts


class ModuleFrontend:
    """What the C++ core asks of a module; see src/frontends/frontend.h."""

    def __init__(self, model: nn.Module, bound: BoundInputs, device: torch.device | None):
        self._model = model
        self._bound = bound
        self._device = device
        self._builtins = SymbolicBuiltins()
        self._texts = Texts()
        self._samples: Iterator[None] | None = None

    def run(self, trace: _C.ModelTrace) -> None:
        """Runs forward once, with everything that Python needs around it."""
        registered = Registered.of(self._model)
        _announce_state(trace.tracer, registered)
        given = trace.add_inputs()
        leaves = [leaf.value if leaf.shape is None else tensor for leaf, tensor in zip(self._bound.leaves, given)]
        state, caches = ModelState(self._model, registered), SharedCaches(registered.modules)
        try:
            with (
                tracing_environment(),
                devices_of_a_trace(_device_types(self._bound, self._device), is_elsewhere=self._device is not None),
                reported_module_calls(trace.tracer, registered.modules),
                other_generators_watched(),
                self._builtins.during_a_trace(),
                self._texts.during_a_trace(),
                loops_of_a_trace(state, records_known_counts=trace.has_known_sizes),
            ):
                try:
                    trace.record(lambda: self._forward(trace.tracer, leaves, state))
                except Exception as error:
                    raise_own_error(trace.tracer, error)
                    raise
        finally:
            state.restore()
            caches.restore()

    def _forward(self, tracer: _C.Tracer, leaves: list[Any], state: ModelState) -> CallSpec:
        args, kwargs = pytree.tree_unflatten(leaves, self._bound.in_spec)  # a cache may compute as it is made
        results, out_spec = pytree.tree_flatten(self._model(*args, **kwargs))
        for result in results:
            _check_result(result)
            tracer.add_output(result)
        take_over(tracer, state)
        return CallSpec.of(self._bound, results, out_spec)

    def rewrite_calls(self) -> bool:
        """Makes the calls of built-in functions that the last trace met symbolic for the next. False: it met none."""
        return self._builtins.extend()

    def undo_rewrite(self) -> None:
        self._builtins.withdraw()

    @property
    def asks_for_texts(self) -> bool:
        """Whether the model may compute with the text of a size."""
        return self._texts.asked

    def vary_texts(self) -> bool:
        """The next trace sees other texts of sizes. False where there are no more."""
        if self._samples is None:
            self._samples = self._texts.samples()
        return next(self._samples, self) is None

    def fix_texts(self) -> None:
        """From the next trace on, asking for the text of a size fixes it."""
        self._texts.fix()


def _announce_state(tracer: _C.Tracer, registered: Registered) -> None:
    check_modules(registered.modules)
    for name, parameter in registered.parameters:
        for path, tensor in plain_parameters(name, parameter):
            tracer.add_parameter(path, tensor)
    transient = {
        f"{path}.{name}" if path else name
        for path, module in registered.modules
        for name in transient_buffers_of(module)
    }
    for name, buffer in registered.buffers:
        for path, tensor in plain_parameters(name, buffer):
            tracer.add_buffer(path, tensor, name not in transient)


def _check_result(result: Any) -> None:
    if isinstance(result, torch.Tensor):
        check_result(result)
    if not isinstance(result, (torch.Tensor, torch.SymInt, torch.SymFloat, torch.SymBool, *LITERALS)):
        raise _C.InvalidInput(
            f"forward returns a {type(result).__module__}.{type(result).__qualname__}, which can't be a program's "
            f"result; return tensors, numbers, strings, None, or {HOW_TO_NEST}",
            _C.ErrorCode.PROGRAM_RESULT,
        )


def _device_types(bound: BoundInputs, device: torch.device | None) -> set[str]:
    """The types of all devices that a trace is for."""
    named = {leaf.device.type for leaf in bound.leaves if leaf.device is not None}
    return named if device is None else {*named, device.type}
