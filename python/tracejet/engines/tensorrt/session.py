"""An engine in the memory of a GPU."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tracejet._C import CompileSettings, Error, ErrorCode
from tracejet.engines.tensorrt.files import cache_path, read_bytes, write_bytes
from tracejet.engines.tensorrt.library import Library
from tracejet.engines.tensorrt.streams import Stream


@dataclass
class Context:
    """What runs one call at a time: a context of TensorRT's, the profile it is at, and when its last call is done."""

    execution: Any
    profile: int = 0
    last: Any = None

    def use_profile(self, index: int, stream: Stream) -> bool:
        """False where TensorRT refuses to change it."""
        if index == self.profile:
            return True
        self.profile = index
        return bool(self.execution.set_optimization_profile_async(index, stream.handle))


class Session:
    """A loaded engine, and contexts that run it, used again and again. Safe to use from several threads at once."""

    def __init__(self, library: Library, blob: bytes, settings: CompileSettings):
        trt = library.trt
        self._library = library
        library.forget()
        self._runtime = trt.Runtime(library.logger)
        self.engine = self._runtime.deserialize_cuda_engine(blob)
        if self.engine is None:
            raise Error(
                f"{library.name} {library.version} can't load its engine on this machine: {library.said()}",
                ErrorCode.ENGINE_FAILURE,
            )
        if settings.enable_weight_streaming:
            self.engine.weight_streaming_budget_v2 = self.engine.get_weight_streaming_automatic_budget()
        self.profiles = _profiles_of(trt, self.engine)
        self._cache_path = cache_path(settings, "runtime") if library.is_rtx else ""
        self._cache: Any = None
        self._config = self._runtime_config(settings) if library.is_rtx else None
        self._lock = threading.Lock()
        self._idle: list[Context] = []

    def _runtime_config(self, settings: CompileSettings) -> Any:
        config = self.engine.create_runtime_config()
        if settings.use_cuda_graphs:
            config.cuda_graph_strategy = self._library.trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        if self._cache_path:
            self._cache = config.create_runtime_cache()
            if kept := read_bytes(self._cache_path):
                self._cache.deserialize(kept)  # what doesn't fit this machine is left out
            config.set_runtime_cache(self._cache)
        return config

    @contextmanager
    def context(self, stream: Stream) -> Iterator[Context]:
        """One that nobody else uses, on a stream that waits for what it did last."""
        with self._lock:
            context = self._idle.pop() if self._idle else None
        if context is None:
            context = Context(self._new_execution())
        if context.last is not None:
            stream.wait_for(context.last)
        yield context
        context.last = stream.mark()
        with self._lock:  # one that failed isn't used again
            self._idle.append(context)

    def _new_execution(self) -> Any:
        self._library.forget()
        create = self.engine.create_execution_context
        execution = create(self._config) if self._config is not None else create()
        if execution is None:
            raise Error(f"{self._library.name} can't run its engine: {self._library.said()}", ErrorCode.ENGINE_FAILURE)
        return execution

    def keep_cache(self) -> None:
        """Writes the kernels that were compiled so far, for the next process."""
        if self._cache is not None:
            write_bytes(self._cache_path, bytes(self._cache.serialize()))


def _profiles_of(trt: Any, engine: Any) -> list[dict[str, Any]]:
    """(min, opt, max) of the inputs in each profile; empty where there is only one."""
    if engine.num_optimization_profiles < 2:
        return []
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    inputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
    return [
        {name: [tuple(shape) for shape in engine.get_tensor_profile_shape(name, i)] for name in inputs}
        for i in range(engine.num_optimization_profiles)
    ]
