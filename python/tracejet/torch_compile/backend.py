"""`Backend`: what torch.compile calls with each graph."""

from __future__ import annotations

import re
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.fx import GraphModule

from tracejet.patches import dynamo
from tracejet.torch_compile.builds import Builds
from tracejet.torch_compile.compile_report import BackendReport, GraphRecord
from tracejet.torch_compile.compiled_graph import CompiledGraph
from tracejet.torch_compile.graph_inputs import GraphInputs
from tracejet.torch_compile.graph_outputs import sort_outputs
from tracejet.torch_compile.options import Options
from tracejet.torch_compile.training import check_is_inference, check_written


class EagerWarning(UserWarning):
    """A graph couldn't be built and runs in eager, as `on_failure="eager"` asks for.

    Causes and fixes: docs/errors.md#eagerwarning
    """


class Backend:
    """A backend of `torch.compile`: `torch.compile(model, backend=Backend(engine="aten"))`.

    `torch.compile(model, backend="tracejet", options={"engine": "aten"})` is the same with the instance that all such
    calls share. TorchDynamo captures graphs, makes guards and compiles again where they fail; each graph is traced by
    tracejet, with the symbolic sizes that it has, and compiled.

    Options are the keywords of `tracejet.compile` and `tracejet.trace`, and

        on_failure: what becomes of a graph that can't be built: "raise" (the default) raises what is wrong, "eager"
            runs it in eager and warns of it with the reason (EagerWarning).
    """

    def __init__(self, **options: Any):
        self._options = options
        self._records: list[GraphRecord] = []
        self._lock = threading.Lock()
        self.__name__ = "tracejet"
        Options.of(options)

    def __call__(
        self,
        gm: GraphModule,
        example_inputs: Sequence[Any],
        *,
        options: Mapping[str, Any] | None = None,
        mode: str | None = None,
    ) -> Callable[..., Any]:
        """A function of the graph's inputs that gives its outputs. Raises InvalidInput where options are invalid."""
        chosen = Options.of({**self._options, **(options or {})}, mode)
        begin = time.perf_counter()
        record = _record(gm, chosen)
        compiled: Callable[..., Any]
        try:
            compiled = _compiled(gm, example_inputs, chosen, record)
        except Exception as error:
            if chosen.on_failure == "raise":
                raise
            record.failure = f"{type(error).__name__}: {error}"
            record.engine = "eager"
            warnings.warn(f"{record.line}: the graph runs in eager: {record.failure}", EagerWarning, stacklevel=2)
            compiled = gm.forward
        record.seconds = time.perf_counter() - begin
        with self._lock:
            record.is_recompilation = record.compilation > 0 and any(
                (known.frame, known.line) == (record.frame, record.line) for known in self._records
            )
            self._records.append(record)
        return compiled

    def report(self) -> BackendReport:
        """What was compiled since this backend was made, or since `clear`."""
        with self._lock:
            return BackendReport(self._records)

    def clear(self) -> None:
        """Forgets what was compiled. Compiled functions go on working."""
        with self._lock:
            self._records.clear()


def _compiled(gm: GraphModule, examples: Sequence[Any], options: Options, record: GraphRecord) -> CompiledGraph:
    check_is_inference(examples)
    outputs = sort_outputs(gm)
    builds = Builds(gm, examples, outputs, options)
    check_written(gm, examples, builds.written)
    inputs = builds.first.inputs
    record.engine = ", ".join(builds.first.program.report.engines) or record.engine
    record.calls, record.weights, record.inputs = builds.calls, len(inputs.weights), tuple(_texts(inputs))
    return CompiledGraph(builds, outputs, record, torch.is_grad_enabled())


def _record(gm: GraphModule, options: Options) -> GraphRecord:
    engine = options.compile.get("engine")
    frame, compilation = dynamo.compile_id()
    return GraphRecord(frame, compilation, _line(gm), "auto" if engine is None else str(engine), (), 0, 0, 0.0)


def _line(gm: GraphModule) -> str:
    """Where the user's code has the first call of the graph."""
    for node in gm.graph.nodes:
        found = re.findall(r'File "(.*)", line (\d+), in (\S+)', node.meta.get("stack_trace") or "")
        if node.op != "placeholder" and found:
            file, line, function = found[0]
            return f"{Path(file).name}:{line} in {function}"
    return "a graph"


def _texts(inputs: GraphInputs) -> list[str]:
    texts = []
    for index in inputs.given:
        described = inputs.tensors.get(index) or inputs.numbers[index]
        sizes, ranges = [], []
        for axis, size in enumerate(described.opt_shape):
            low, high = described.min_shape[axis], described.max_shape[axis]
            sizes.append(described.shared_dims.get(axis, str(size)) if low != high else str(size))
            if low != high:
                ranges.append(f"{sizes[-1]} in [{low}, {high}]")
        dtype = str(described.dtype).removeprefix("torch.")
        shape = f"{dtype}[{', '.join(sizes)}]" if index in inputs.tensors else "int"
        texts.append(", ".join([f"{inputs.names[index]}: {shape}", *ranges]))
    return texts
