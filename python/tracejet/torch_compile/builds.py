"""The programs of one graph: the first one that TorchDynamo's ranges allow, and others where weights are others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch.fx import GraphModule

from tracejet import _C
from tracejet.api.compile import CompiledModule, compile
from tracejet.api.session_program import graph_of
from tracejet.export.exported_program import ExportedProgram
from tracejet.torch_compile.graph_inputs import GraphInputs, sort_inputs
from tracejet.torch_compile.graph_outputs import GraphOutputs
from tracejet.torch_compile.narrowing import fix_all, narrow
from tracejet.torch_compile.options import Options
from tracejet.torch_compile.retrace import traced, written_inputs
from tracejet.torch_compile.weights import Weights, place_of

#: Inputs, which of them are written to, and the program.
_Program = tuple[GraphInputs, set[int], CompiledModule]

#: How many programs are kept.
_MOST = 256
#: How often a weight may change until it counts as something that each call brings.
_CHANGES = 3


class Build(NamedTuple):
    """A program, and what it was built with."""

    weights: Weights
    inputs: GraphInputs
    program: CompiledModule


class Builds:
    """Programs of one graph, by the weights that they have taken in."""

    def __init__(self, gm: GraphModule, examples: Sequence[Any], outputs: GraphOutputs, options: Options):
        self._gm = gm
        self._outputs = outputs
        self._options = options
        self._lock = threading.Lock()
        self._changes: Counter[int] = Counter()
        self.rebuilds = 0  #: programs built after the first one
        self._inputs, self.written, program = self._first(examples)
        self._built = [self._build(self._inputs, examples, program)]

    @property
    def first(self) -> Build:
        """The one that was built for the first call."""
        return self._built[-1]

    def build_for(self, args: Sequence[Any]) -> Build:
        """The build for the weights among `args`, made where there is none."""
        for build in self._built:  # is replaced, and never changed
            if build.weights.are([args[index] for index in build.inputs.weights]):
                return build
        with self._lock:
            return self._rebuilt(args)

    def _rebuilt(self, args: Sequence[Any]) -> Build:
        outdated = {}
        for position, build in enumerate(self._built):
            weights = build.inputs.weights
            changed = build.weights.changed([args[index] for index in weights])
            if changed:
                outdated[position] = [weights[i] for i in changed]
        self._changes.update({index for changed in outdated.values() for index in changed})
        restless = [index for index in self._inputs.weights if self._changes[index] >= _CHANGES]
        if restless:
            self._inputs = self._inputs.with_tensors_for(restless, args)
        kept = [build for position, build in enumerate(self._built) if position not in outdated and not restless]
        self._inputs, _, program = self._program(self._inputs, args)
        self.rebuilds += 1
        self._built = [self._build(self._inputs, args, program), *kept][:_MOST]
        return self._built[0]

    def _build(self, inputs: GraphInputs, args: Sequence[Any], program: CompiledModule) -> Build:
        return Build(Weights([args[index] for index in inputs.weights]), inputs, program)

    def _first(self, examples: Sequence[Any]) -> _Program:
        """The first program that can be built, the most general first. Raises what is wrong with the last one."""
        problem: Exception | None = None
        for inputs_of in self._attempts(examples):
            inputs = inputs_of()
            try:
                return self._program(inputs, examples)
            except _C.ConstraintViolation as violation:
                problem = violation
                narrowed = narrow(inputs, violation.report)  # type: ignore[attr-defined]
                try:
                    return self._program(narrowed, examples)
                except _C.Error as error:
                    problem = error
            except (_C.UnsupportedOperator, _C.DataDependent, _C.ShapeError) as error:
                problem = error
        assert problem is not None
        raise problem

    def _attempts(self, examples: Sequence[Any]) -> Iterator[Callable[[], GraphInputs]]:
        general = sort_inputs(self._gm, examples, keeps_numbers=True)
        yield lambda: general
        numbers_fixed = sort_inputs(self._gm, examples, keeps_numbers=False)
        if len(numbers_fixed.fixed) > len(general.fixed):
            yield lambda: numbers_fixed
        if general.is_dynamic:
            yield lambda: fix_all(numbers_fixed)

    def _program(self, inputs: GraphInputs, args: Sequence[Any]) -> _Program:
        """A program, compiled. Weights that it writes to become inputs: the model's own memory has to change."""
        program = self._traced(inputs, args)
        written = written_inputs(program, inputs)
        memory = {_memory(args[index]) for index in written}
        weights = [index for index in inputs.weights if _memory(args[index]) in memory]
        if weights:
            inputs = inputs.with_tensors_for(weights, args)
            program = self._traced(inputs, args)
        self.calls = len(graph_of(program))
        return inputs, written, compile(program, **self._options.compile)

    def _traced(self, inputs: GraphInputs, args: Sequence[Any]) -> ExportedProgram:
        weights = {index: args[index] for index in inputs.weights}
        return traced(self._gm, [result.node for result in self._outputs.results], inputs, weights, self._options.trace)


def _memory(tensor: torch.Tensor) -> int:
    return place_of(tensor) if tensor.numel() == 0 else tensor.untyped_storage().data_ptr()
