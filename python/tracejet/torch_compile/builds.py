"""The programs of one graph: the first one that TorchDynamo's ranges allow, and others where weights are others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.fx import GraphModule

from tracejet import _C
from tracejet.api.compile import CompiledModule, compile
from tracejet.export.exported_program import ExportedProgram
from tracejet.torch_compile.graph_inputs import GraphInputs, sort_inputs
from tracejet.torch_compile.graph_outputs import GraphOutputs
from tracejet.torch_compile.narrowing import fix_all, narrow
from tracejet.torch_compile.options import Options
from tracejet.torch_compile.retrace import traced, written_inputs
from tracejet.torch_compile.weights import Weights

#: How often a weight may change until it counts as something that each call brings.
_CHANGES = 3


class Builds:
    """Programs of one graph, by the weights that they have taken in."""

    def __init__(self, gm: GraphModule, examples: Sequence[Any], outputs: GraphOutputs, options: Options):
        self._gm = gm
        self._outputs = outputs
        self._options = options
        self._lock = threading.Lock()
        self._changes: Counter[int] = Counter()
        self._built: list[tuple[Weights, CompiledModule]] = []
        self.rebuilds = 0  #: programs built after the first one
        self.inputs, program, compiled = self._first(examples)
        self.calls = len(program._tracejet_graph or ())
        self._add(examples, compiled)

    def program_for(self, args: Sequence[Any]) -> tuple[CompiledModule, GraphInputs]:
        """The program for the weights among `args`, built where there is none."""
        weights = [args[index] for index in self.inputs.weights]
        for known, compiled in self._built:
            if known.are(weights):
                return compiled, self.inputs
        with self._lock:
            return self._build_for(args), self.inputs

    def _build_for(self, args: Sequence[Any]) -> CompiledModule:
        weights = [args[index] for index in self.inputs.weights]
        outdated = [(known, known.changed(weights)) for known, _ in self._built]
        changed = {self.inputs.weights[i] for known, changes in outdated for i in changes}
        self._changes.update(changed)
        restless = [index for index in changed if self._changes[index] >= _CHANGES]
        if restless:
            self.inputs.with_tensors_for(restless, args)
            self._built.clear()
        else:
            gone = [known for known, changes in outdated if changes]
            self._built = [(known, compiled) for known, compiled in self._built if known not in gone]
        _, compiled = self._program(self.inputs, args)
        self.rebuilds += 1
        self._add(args, compiled)
        return compiled

    def _add(self, args: Sequence[Any], compiled: CompiledModule) -> None:
        self._built.insert(0, (Weights([args[index] for index in self.inputs.weights]), compiled))

    def _first(self, examples: Sequence[Any]) -> tuple[GraphInputs, ExportedProgram, CompiledModule]:
        """The first program that can be built, the most general first. Raises what is wrong with the last one."""
        problem: Exception | None = None
        for inputs_of in self._attempts(examples):
            inputs = inputs_of()
            try:
                return (inputs, *self._program(inputs, examples))
            except _C.ConstraintViolation as violation:
                problem = violation
                narrowed = narrow(inputs, violation.report)  # type: ignore[attr-defined]
                try:
                    return (narrowed, *self._program(narrowed, examples))
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

    def _program(self, inputs: GraphInputs, args: Sequence[Any]) -> tuple[ExportedProgram, CompiledModule]:
        """A program, compiled. Weights that it writes to become inputs: the model's own memory has to change."""
        program = self._traced(inputs, args)
        written = written_inputs(program, inputs)
        memory = {_memory(args[index]) for index in written}
        weights = [index for index in inputs.weights if _memory(args[index]) in memory]
        if weights:
            inputs.with_tensors_for(weights, args)
            program = self._traced(inputs, args)
        return program, compile(program, **self._options.compile)

    def _traced(self, inputs: GraphInputs, args: Sequence[Any]) -> ExportedProgram:
        weights = {index: args[index] for index in inputs.weights}
        return traced(self._gm, [result.node for result in self._outputs.results], inputs, weights, self._options.trace)


def _memory(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
