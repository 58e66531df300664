"""What TorchDynamo calls in the place of a graph."""

from __future__ import annotations

from typing import Any

import torch

from tracejet.torch_compile.builds import Builds
from tracejet.torch_compile.compile_report import GraphRecord
from tracejet.torch_compile.graph_outputs import GraphOutputs
from tracejet.torch_compile.training import without_gradients


class CompiledGraph:
    """A graph's programs as a function of the graph's inputs."""

    def __init__(self, builds: Builds, outputs: GraphOutputs, record: GraphRecord, records_gradients: bool):
        self._builds = builds
        self._outputs = outputs
        self._record = record
        results = outputs.results
        self._with_layout = [(i, result.layout) for i, result in enumerate(results) if result.layout is not None]
        self._with_gradient = [i for i, result in enumerate(results) if result.needs_gradient and records_gradients]

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        build = self._builds.build_for(args)
        self._record.rebuilds = self._builds.rebuilds
        given = [args[index] for index in build.inputs.tensors]
        given += [torch.empty(args[index], 0) for index in build.inputs.numbers]
        with torch.no_grad():
            results = list(build.program(*given))
            for i, layout in self._with_layout:
                results[i] = layout.applied(results[i])
        if self._with_gradient:
            marked = without_gradients([results[i] for i in self._with_gradient])
            for i, result in zip(self._with_gradient, marked, strict=True):
                results[i] = result
        return self._outputs.gather(args, results)
