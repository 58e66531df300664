"""`trace`: runs a model's forward once, on tensors without data, and gives its program."""

from __future__ import annotations

import functools
import gc
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet._binding import HOW_TO_NEST, LITERALS, BoundInputs, Dim, Leaf, bind, either_name
from tracejet._carried_state import take_over
from tracejet._control_flow import CONTROL_FLOW_SWITCHES
from tracejet._custom_operators import with_dynamic_sizes
from tracejet._data_access import line_of_model, own_kind
from tracejet._decompositions import DecompositionTable, chosen_table
from tracejet._device import checked_device, devices_of_a_trace
from tracejet._distributed import traceable_communication
from tracejet._engine_report import EngineReport, report_on
from tracejet._model_state import ModelState
from tracejet._module_calls import reported_module_calls
from tracejet._program import CallSpec, ExportedProgram
from tracejet._random_state import other_generators_watched, refused_seeding
from tracejet._report import Report
from tracejet._shared_caches import SharedCaches
from tracejet._shared_switch import SharedSwitch, switched_attribute
from tracejet._size_branches import Budget, harmless_branches
from tracejet._strict import dynamo_capture
from tracejet._tensor_methods import traced_tensor_methods
from tracejet._tensor_subclasses import check_modules, check_result, plain_parameters
from tracejet._torch_modules import traceable_modules
from tracejet._triton import kernel_launches

#: In the environment, it holds every shape rule against the operator's meta kernel. The tests run so.
CHECK_RULES = "TRACEJET_CHECK_RULES"


def trace(
    mod: nn.Module,
    inputs: Sequence[Any] | None = None,
    *,
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    strict: bool = False,
    device: torch.device | str | None = None,
    decompositions: str | DecompositionTable = "tensorrt",
    decompose_attention: bool = False,
    enable_experimental_decompositions: bool = False,
    prefer_deferred_runtime_asserts_over_guards: bool = True,
    validate: Literal["warn", "error"] | None = None,
    engine: str = "openvino",
) -> ExportedProgram:
    """Traces `mod` once and gives its program in Core ATen, the operators that engines lack already decomposed.

    Args:
        mod: the model. Its weights are shared with the program, not copied; it is unchanged afterwards, also when
            the trace fails.
        inputs, arg_inputs: what forward takes by position (two names of one argument): any pytree of Tensor (static),
            `Input` (its axes may be dynamic), numbers, strings, booleans and None.
        kwarg_inputs: what forward takes by keyword.
        strict: TorchDynamo captures the model first, and refuses Python code that it doesn't understand; it needs
            example data and takes far longer. What it captured is then traced as without `strict`.
        device: where the program is to run, by default where the model is. Parameters, buffers and inputs count as
            being there, whatever they are in fact; the device needn't exist here, and isn't touched where it does.
        decompositions: what is done with each operator while tracing: "tensorrt", "core_aten", "none", or a
            `DecompositionTable` that starts from one of these.
        decompose_attention: scaled_dot_product_attention and its backends are expanded, whatever `decompositions` says.
        enable_experimental_decompositions: Torch-TensorRT's name for `decompositions="core_aten"`.
        prefer_deferred_runtime_asserts_over_guards: what the trace relies on that ranges can't say (a size is a
            multiple of 8, or twice another) is checked when the program runs. If not, it is a ConstraintViolation.
        validate: what happens where `engine` can't run the whole program: "warn" warns of it, "error" raises
            UnsupportedOperator, whose `report` is what `check` gives. By default nobody asks the engine.
        engine: the one to validate for: "openvino", "aten" or "onnx".

    Returns:
        A `torch.export.ExportedProgram`. Its Python side (`graph_module`, `graph_signature`, ...) is made when
        somebody looks at it.

    Raises:
        InvalidInput: an argument doesn't fit forward, or an Input contradicts itself.
        ConstraintViolation: the model can't take every size that was declared. The message lists all problems with
            their lines and fixes; the exception's `report` is what `diagnose` gives.
        UnsupportedOperator, ShapeError, DataDependent: what the model does can't be captured; the message names the
            operator and the model's line.
    """
    if validate not in (None, "warn", "error"):
        raise _C.InvalidInput(f'validate: expected "warn", "error" or None, got {validate!r}')
    capture = _Capture.of_call(
        mod,
        either_name(inputs, arg_inputs),
        kwarg_inputs,
        strict=strict,
        options=_Options.of_call(
            device,
            prefer_deferred_runtime_asserts_over_guards,
            decompositions,
            decompose_attention,
            enable_experimental_decompositions,
        ),
    )
    capture.run()
    if capture.violated_conditions():
        report = capture.report()
        violation = _C.ConstraintViolation(str(report))
        violation.report = report
        raise violation
    if validate is not None:
        _validate(report_on(capture.graph, engine), is_error=validate == "error")
    return ExportedProgram._from_capture(capture.graph, capture.call_spec, mod)


def diagnose(
    mod: nn.Module,
    inputs: Sequence[Any] | None = None,
    *,
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    strict: bool = False,
    device: torch.device | str | None = None,
    decompositions: str | DecompositionTable = "tensorrt",
    decompose_attention: bool = False,
    enable_experimental_decompositions: bool = False,
    prefer_deferred_runtime_asserts_over_guards: bool = True,
) -> Report:
    """Traces `mod` and reports everything that keeps the sizes of its inputs from varying as declared.

    Takes what `trace` takes, and raises only where that call itself is wrong. What ends the trace is a problem of the
    report like others; `report.suggested_inputs()` are inputs with which a trace succeeds.
    """
    capture = _Capture.of_call(
        mod,
        either_name(inputs, arg_inputs),
        kwarg_inputs,
        strict=strict,
        options=_Options.of_call(
            device,
            prefer_deferred_runtime_asserts_over_guards,
            decompositions,
            decompose_attention,
            enable_experimental_decompositions,
        ),
    )
    try:
        capture.run()
    except Exception as error:
        return capture.report(error)
    return capture.report()


def _validate(report: EngineReport, is_error: bool) -> None:
    if report.ok:
        return
    if not is_error:
        warnings.warn(str(report), stacklevel=3)
        return
    error = _C.UnsupportedOperator(str(report))
    error.report = report
    raise error


@dataclass
class _Options:
    """What the captures of one call of `trace` have in common."""

    device: torch.device | None = None
    asserts: bool = True  #: relations among sizes are asserted
    decompositions: _C.DecompositionTable | None = None  #: by default the set "tensorrt"
    budget: Budget = field(default_factory=Budget)

    @classmethod
    def of_call(
        cls,
        device: torch.device | str | None,
        asserts: bool,
        decompositions: str | DecompositionTable,
        decompose_attention: bool,
        enable_experimental_decompositions: bool,
    ) -> _Options:
        """What the arguments of `trace` ask for."""
        table = chosen_table(
            decompositions,
            decompose_attention=decompose_attention,
            enable_experimental_decompositions=enable_experimental_decompositions,
        )
        return cls(checked_device(device), asserts, table)


class _Capture:
    """One run of a model under the tracer."""

    def __init__(self, model: nn.Module, bound: BoundInputs, options: _Options | None = None):
        self._model = model
        self._bound = bound
        self._options = options or _Options()
        table = self._options.decompositions or _C.DecompositionTable(_C.DecompositionSet.tensorrt)
        self._tracer = _C.Tracer(decompositions=table, check_rules=CHECK_RULES in os.environ)
        self._symbols: dict[str, torch.SymInt] = {}
        if self._options.device is not None:
            self._tracer.set_device(self._options.device)

    @classmethod
    def of_call(
        cls,
        mod: nn.Module,
        arg_inputs: Sequence[Any] | None,
        kwarg_inputs: Mapping[str, Any] | None,
        *,
        strict: bool,
        options: _Options,
    ) -> _Capture:
        """The capture that the arguments of `trace` ask for."""
        bound = bind(mod, arg_inputs, kwarg_inputs, options.device)
        return cls(dynamo_capture(mod, arg_inputs, kwarg_inputs, options.device) if strict else mod, bound, options)

    def run(self) -> None:
        """Traces. Sets `graph` and `call_spec`."""
        model, bound, device = self._model, self._bound, self._options.device
        self._announce_state(model)
        leaves = [self._add_input(leaf) for leaf in bound.leaves]
        state, caches = ModelState(model), SharedCaches(model)
        try:
            with (
                _tracing_environment(),
                devices_of_a_trace(_device_types(bound, device), is_elsewhere=device is not None),
                reported_module_calls(self._tracer, model),
                other_generators_watched(),
                self._listening(),
            ):
                args, kwargs = pytree.tree_unflatten(leaves, bound.in_spec)  # a cache may compute as it is made
                results, out_spec = pytree.tree_flatten(model(*args, **kwargs))
                for result in results:
                    _check_result(result)
                    self._tracer.add_output(result)
                take_over(self._tracer, state)
                self.graph = self._tracer.finish(self._options.asserts)
        finally:
            state.restore()
            caches.restore()
        self.call_spec = CallSpec.of(bound, results, out_spec)

    @functools.cached_property
    def harmless(self) -> set[int]:
        """The guards on sizes of 0 and 1 that make no difference."""
        return harmless_branches(self, self._trace_at, self._options.budget) if hasattr(self, "graph") else set()

    def violated_conditions(self, harmless: set[int] | None = None) -> set[str]:
        """What keeps sizes from varying as declared."""
        harmless = self.harmless if harmless is None else harmless
        return _C.violated_conditions(self._tracer, self._options.asserts, harmless)

    def report(self, error: Exception | None = None) -> Report:
        """Everything that was assumed of sizes; `error` is what run() raised."""
        found, corrections = _C.report_shapes(self._tracer, self._options.asserts, self.harmless)
        return Report(found, corrections, self._bound, error)

    def result_structure(self) -> Any:
        """What forward returned, without what the graph knows of it."""
        return self.call_spec.out_spec, self.call_spec.outputs

    def _trace_at(self, name: str, size: int) -> _Capture:
        """The same trace with one dimension static."""
        capture = _Capture(self._model, self._bound.with_static({name: size}), self._options)
        capture.run()
        return capture

    @property
    def slow_calls(self) -> dict[str, int]:
        """What Python had to answer, by operator: calls with symbolic sizes that no shape rule covers, and those that
        only PyTorch's decompositions in Python can expand."""
        return {**self._tracer.python_meta_calls, **self._tracer.python_decompositions}

    def _announce_state(self, model: nn.Module) -> None:
        check_modules(model)
        for name, parameter in model.named_parameters(remove_duplicate=False):
            for path, tensor in plain_parameters(name, parameter):
                self._tracer.add_parameter(path, tensor)
        transient = {
            f"{path}.{name}" if path else name
            for path, module in model.named_modules(remove_duplicate=False)
            for name in module._non_persistent_buffers_set
        }
        for name, buffer in model.named_buffers(remove_duplicate=False):
            for path, tensor in plain_parameters(name, buffer):
                self._tracer.add_buffer(path, tensor, name not in transient)

    def _add_input(self, leaf: Leaf) -> Any:
        if leaf.shape is None:
            self._tracer.add_literal_input(leaf.name)
            return leaf.value
        sizes = [self._symbol(size) if isinstance(size, Dim) else size for size in leaf.shape]
        strides = leaf.strides or _dense_strides(sizes, leaf.memory_format)
        return self._tracer.add_input(leaf.name, sizes, strides, leaf.dtype, leaf.device)

    def _symbol(self, dim: Dim) -> torch.SymInt:
        if dim.name not in self._symbols:
            self._symbols[dim.name] = self._tracer.symbol(dim.name, dim.min, dim.opt, dim.max)
        return self._symbols[dim.name]

    @contextmanager
    def _listening(self) -> Iterator[None]:
        self._tracer.begin()
        try:
            yield
        except Exception as error:
            self._tracer.end()
            _raise_own_error(self._tracer, error)
            raise
        finally:
            self._tracer.end()


def _check_result(result: Any) -> None:
    if isinstance(result, torch.Tensor):
        check_result(result)
    if not isinstance(result, (torch.Tensor, torch.SymInt, torch.SymFloat, torch.SymBool, *LITERALS)):
        raise _C.InvalidInput(
            f"forward returns a {type(result).__module__}.{type(result).__qualname__}, which can't be a program's "
            f"result; return tensors, numbers, strings, None, or {HOW_TO_NEST}"
        )


def _device_types(bound: BoundInputs, device: torch.device | None) -> set[str]:
    """The types of all devices that a trace is for."""
    named = {leaf.device.type for leaf in bound.leaves if leaf.device is not None}
    return named if device is None else {*named, device.type}


def _raise_own_error(tracer: _C.Tracer, error: Exception) -> None:
    """PyTorch's bindings turn exceptions of the core into RuntimeError; this raises what was thrown first."""
    if isinstance(error, _C.Error):
        # What no operator saw: a branch of a model's code, a kernel, a seed.
        if isinstance(error, (_C.DataDependent, _C.UnsupportedOperator)):
            line = line_of_model(error)
            if line.split(" ")[0] not in str(error):
                raise type(error)(f"{error}\n  {line}") from error
        return
    try:
        tracer.raise_error(str(error))
    except _C.Error as own:
        raise own from error
    if (kind := own_kind(error)) is not None:
        raise kind(f"{str(error).splitlines()[0]}\n  {line_of_model(error)}") from error


def _without_collections() -> Callable[[], None]:
    """A garbage collection in the middle costs more than the trace."""
    if not gc.isenabled():
        return lambda: None
    gc.disable()
    return gc.enable


def _without_fast_path() -> Callable[[], None]:
    """torch.nn's attention modules have kernels of their own for inference, which no other engine has."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    return lambda: torch.backends.mha.set_fastpath_enabled(before)


#: Make models take the path that an exported program needs.
_SWITCHES = (
    # Libraries (transformers among them) choose code without data-dependent branches under these two.
    switched_attribute(torch.compiler, "_is_exporting_flag", True),
    switched_attribute(torch.compiler, "_is_compiling_flag", True),
    SharedSwitch(_without_fast_path),
    traced_tensor_methods,
    *traceable_modules,
    *refused_seeding,
    SharedSwitch(with_dynamic_sizes),
    *traceable_communication,
    *CONTROL_FLOW_SWITCHES,
    kernel_launches,
    SharedSwitch(_without_collections),
)


def _dense_strides(sizes: Sequence[int | torch.SymInt], format: torch.memory_format | None) -> list[Any] | None:
    """Strides of a dense tensor in a channels_last format, which has axis 1 innermost; None means row-major."""
    if format not in (torch.channels_last, torch.channels_last_3d):
        return None
    axes = [0, *range(2, len(sizes)), 1]
    strides: list[Any] = [1] * len(sizes)
    for outer, inner in reversed(list(zip(axes, axes[1:]))):
        strides[outer] = strides[inner] * sizes[inner]
    return strides


@contextmanager
def _tracing_environment() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        for switch in _SWITCHES:
            stack.enter_context(switch.held())
        yield
