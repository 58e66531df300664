"""One run of a model under the tracer."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet.frontend.binding import HOW_TO_NEST, LITERALS, BoundInputs, Dim, Leaf, bind
from tracejet.frontend.call_spec import CallSpec
from tracejet.frontend.data_branches import DataAnswers, capture_for_all_data
from tracejet.frontend.environment import tracing_environment
from tracejet.frontend.errors import raise_own_error
from tracejet.frontend.model_state import ModelState
from tracejet.frontend.registered import Registered
from tracejet.frontend.report import Report
from tracejet.frontend.shared_caches import SharedCaches
from tracejet.frontend.state_mutation import take_over
from tracejet.frontend.strict import dynamo_capture
from tracejet.frontend.symbolic_builtins import SymbolicBuiltins
from tracejet.frontend.symbolic_loops import loops_of_a_trace
from tracejet.frontend.tensor_subclasses import check_modules, check_result, plain_parameters
from tracejet.patches.device import devices_of_a_trace
from tracejet.patches.module_calls import reported_module_calls
from tracejet.patches.random_state import other_generators_watched
from tracejet.patches.size_text import Texts

#: In the environment, it holds every shape rule against the operator's meta kernel. The tests run so.
CHECK_RULES = "TRACEJET_CHECK_RULES"


@dataclass
class Options:
    """What the captures of one call of `trace` have in common."""

    device: torch.device | None = None
    asserts: bool = True  #: relations among sizes are asserted
    decompositions: _C.DecompositionTable | None = None  #: by default the set "tensorrt"
    budget: _C.ProofBudget = field(default_factory=_C.ProofBudget)
    builtins: SymbolicBuiltins = field(default_factory=SymbolicBuiltins)
    shares_memory: bool = False  #: the model writes to memory that several of its tensors show
    texts: Texts = field(default_factory=Texts)


class Capture:
    """One run of a model under the tracer."""

    def __init__(
        self,
        model: nn.Module,
        bound: BoundInputs,
        options: Options | None = None,
        answers: Mapping[str, bool] | None = None,
        data_answers: DataAnswers = (),
        *,
        has_known_sizes: bool = False,  #: it is compared with a trace for all sizes
        runs_of_bodies: int = 1,  #: of those of loops that are recorded
    ):
        self._model = model
        self._bound = bound
        self._options = options or Options()
        self._given_answers = dict(answers or {})
        self._data_answers = data_answers
        self._has_known_sizes = has_known_sizes
        self._runs_of_bodies = runs_of_bodies
        self._begin()

    def _begin(self) -> None:
        options = self._options
        self._tracer = _C.Tracer(
            decompositions=options.decompositions or _C.DecompositionTable(_C.DecompositionSet.tensorrt),
            check_rules=CHECK_RULES in os.environ,
            shares_memory=options.shares_memory,
        )
        self._symbols: dict[str, torch.SymInt] = {}
        self._answers = _C.ForcedBranches(self._given_answers, self._data_answers)
        if options.device is not None:
            self._tracer.set_device(options.device)

    @classmethod
    def of_call(
        cls,
        mod: nn.Module,
        arg_inputs: Sequence[Any] | None,
        kwarg_inputs: Mapping[str, Any] | None,
        *,
        strict: bool,
        options: Options,
    ) -> Capture:
        """The capture that the arguments of `trace` ask for."""
        bound = bind(mod, arg_inputs, kwarg_inputs, options.device)
        return cls(dynamo_capture(mod, arg_inputs, kwarg_inputs, options.device) if strict else mod, bound, options)

    def run(self) -> None:
        """Traces. Sets `graph` and `call_spec`."""
        try:
            self._run()
        except _C.UnsupportedOperator:
            if not self._tracer.needs_shared_memory:
                raise
            self._options.shares_memory = True
            self._begin()
            self._run()

    def _run(self) -> None:
        model, bound, device = self._model, self._bound, self._options.device
        registered = Registered.of(model)
        self._announce_state(registered)
        leaves = [self._add_input(leaf) for leaf in bound.leaves]
        state, caches = ModelState(model, registered), SharedCaches(registered.modules)
        try:
            with (
                tracing_environment(),
                devices_of_a_trace(_device_types(bound, device), is_elsewhere=device is not None),
                reported_module_calls(self._tracer, registered.modules),
                other_generators_watched(),
                self._options.builtins.during_a_trace(),
                self._options.texts.during_a_trace(),
                loops_of_a_trace(state, records_known_counts=self._has_known_sizes, runs=self._runs_of_bodies),
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

    def run_for_all_data(self) -> Capture:
        """This capture, run; or one that holds where branches on data go either way: see `data_branches`."""
        try:
            return self._run_with_symbolic_builtins()
        except _C.DataDependent:
            general = capture_for_all_data(self, self._trace_for_data, self._options.budget)
            if general is None:
                raise
            general._check_loops()
            return general

    def _run_with_symbolic_builtins(self) -> Capture:
        """This capture, run, or one in which built-in functions of sizes give symbols."""
        try:
            self.run()
            self._check_loops()
        except Exception:
            if not self._options.builtins.extend():
                raise
            return self._again()._run_with_symbolic_builtins()
        best = self
        while self._options.builtins.extend():
            capture = self._again()
            try:
                capture.run()
                capture._check_loops()
            except Exception:  # what the code does with the result takes plain numbers only
                self._options.builtins.withdraw()
                return best
            best = capture
        return best

    def _again(self, **options: Any) -> Capture:
        return Capture(self._model, self._bound, self._options, data_answers=self._data_answers, **options)

    def _check_loops(self) -> None:
        """What one run of a loop's body leaves behind, wherever that is, must show neither in the next nor later."""
        if not self._options.builtins.records_loops:
            return
        other = self._again(runs_of_bodies=2)
        other.run()
        if not (self.gives_like(other) and _C.gives_the_same_results(self.graph, other.graph)):
            raise _C.UnsupportedOperator(
                "the body of a loop over a dynamic size changes something that outlives a run, and that the next run "
                "or the code behind the loop reads; carry tensors in variables, or append them to a list"
            )

    @property
    def has_open_data_branch(self) -> bool:
        """Whether the model branches on data without having been told which way to go."""
        return self._answers.has_open_data_branch

    def for_all_branches(self) -> Capture:
        """This capture, or one that holds for more sizes: see src/frontends/open_branches.cpp."""
        if self._data_answers:  # a trace at other sizes may ask other questions
            return self._with_any_texts()
        best: Capture = _C.for_all_branches(self._with_any_texts(), self._options.budget)
        return best

    def _with_any_texts(self) -> Capture:
        """This capture, or one in which sizes whose text is computed with are fixed."""
        texts = self._options.texts
        if not texts.asked or all(self._comes_out_the_same() for _ in texts.samples()):
            return self
        texts.fix()
        fixed = self._again()
        fixed.run()
        return fixed

    def _comes_out_the_same(self) -> bool:
        other = self._again()
        try:
            other.run()
        except Exception:  # the model's own among them
            return False
        return self.gives_like(other) and bool(_C.makes_the_same_calls(self.graph, other.graph))

    @functools.cached_property
    def harmless(self) -> set[int]:
        """The guards on sizes of 0 and 1 that make no difference."""
        return set(_C.harmless_guards(self, self._options.budget))

    def violated_conditions(self) -> set[str]:
        """What keeps sizes from varying as declared."""
        return set(_C.violated_conditions(self, self.harmless))

    def report(self, error: Exception | None = None) -> Report:
        """Everything that was assumed of sizes; `error` is what run() raised."""
        found, corrections = _C.report_shapes(self._tracer, self._options.asserts, self.harmless)
        return Report(found, corrections, self._bound, error)

    # For comparisons with other traces of the model: see src/frontends/model_trace.h.

    @property
    def asserts_relations(self) -> bool:
        """Whether the program checks relations among sizes."""
        return self._options.asserts

    def gives_like(self, other: Capture) -> bool:
        """Whether forward returned the same, without what the graphs know of it."""
        mine, others = self.call_spec, other.call_spec
        return bool(mine.out_spec == others.out_spec and mine.outputs == others.outputs)

    def trace_at(self, name: str, size: int) -> Capture | _C.TraceFailure:
        """The same trace with one dimension static."""
        if self._data_answers:  # at another size the model may ask other questions about data
            return _C.TraceFailure.UNKNOWN
        bound = self._bound.with_static({name: size})
        return _run(Capture(self._model, bound, self._options, has_known_sizes=True))

    def _trace_for_data(self, data_answers: DataAnswers) -> Capture:
        """The same trace with branches on data going as they are told. Not run yet."""
        return Capture(self._model, self._bound, self._options, data_answers=data_answers)

    def trace_with(self, answers: Mapping[str, bool]) -> Capture | _C.TraceFailure:
        """The same trace with some branches going as they are told."""
        return _run(Capture(self._model, self._bound, self._options, answers))

    @property
    def slow_calls(self) -> dict[str, int]:
        """What Python had to answer, by operator: calls with symbolic sizes that no shape rule covers, and those that
        only PyTorch's decompositions in Python can expand."""
        return {**self._tracer.python_meta_calls, **self._tracer.python_decompositions}

    def _announce_state(self, registered: Registered) -> None:
        check_modules(registered.modules)
        for name, parameter in registered.parameters:
            for path, tensor in plain_parameters(name, parameter):
                self._tracer.add_parameter(path, tensor)
        transient = {
            f"{path}.{name}" if path else name
            for path, module in registered.modules
            if module._non_persistent_buffers_set
            for name in module._non_persistent_buffers_set
        }
        for name, buffer in registered.buffers:
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
        self._answers.begin()
        try:
            yield
        except Exception as error:
            self._tracer.end()
            raise_own_error(self._tracer, error)
            raise
        finally:
            self._answers.end()
            self._tracer.end()


def _run(capture: Capture) -> Capture | _C.TraceFailure:
    try:
        capture.run()
    except _C.ShapeError:
        return _C.TraceFailure.REFUSED_BY_MODEL  # so does eager PyTorch
    except (_C.Error, RuntimeError):
        return _C.TraceFailure.UNKNOWN
    except Exception:
        return _C.TraceFailure.REFUSED_BY_MODEL  # by the model itself
    return capture


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


def _dense_strides(sizes: Sequence[int | torch.SymInt], format: torch.memory_format | None) -> list[Any] | None:
    """Strides of a dense tensor in a channels_last format, which has axis 1 innermost; None means row-major."""
    if format not in (torch.channels_last, torch.channels_last_3d):
        return None
    axes = [0, *range(2, len(sizes)), 1]
    strides: list[Any] = [1] * len(sizes)
    for outer, inner in reversed(list(zip(axes, axes[1:]))):
        strides[outer] = strides[inner] * sizes[inner]
    return strides
