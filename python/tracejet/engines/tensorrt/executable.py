"""Runs TensorRT's engines on PyTorch's tensors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from tracejet._C import CompileSettings, Error, ErrorCode, InvalidInput, OnnxProgram
from tracejet.engines.tensorrt import streams
from tracejet.engines.tensorrt.library import Library
from tracejet.engines.tensorrt.output_allocator import make_output_allocator
from tracejet.engines.tensorrt.profiles import fitting_profile
from tracejet.engines.tensorrt.session import Session


@dataclass(frozen=True)
class Tensor:
    """An input or output, by its name in the engine."""

    name: str
    dtype: torch.dtype


class Executable:
    """A built engine as a function of tensors. It is loaded when it is first called: that needs a GPU, building none.

    It runs on PyTorch's current stream, and what it gives is in PyTorch's memory; the caller waits for neither.
    """

    def __init__(
        self,
        library: Library,
        blob: bytes,
        program: OnnxProgram,
        settings: CompileSettings,
        chosen_profile: Callable[[], int | None] = lambda: None,
    ):
        self._library = library
        self._blob = blob
        self._settings = settings
        self._chosen_profile = chosen_profile
        self._inputs = [Tensor(given.name, given.dtype) if given.is_used else None for given in program.inputs]
        self._outputs = [Tensor(output.name, output.dtype) for output in program.outputs]
        self._checks = program.checks
        self._lock = threading.Lock()
        self._session: Session | None = None

    def serialize(self) -> bytes:
        """The engine's bytes."""
        return self._blob

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        device = inputs[0].device if inputs else torch.device("cuda", 0)
        stream = streams.Stream(device)
        with streams.on_device(device):
            is_first = self._session is None
            session = self._loaded()
            with session.context(stream) as context:
                given = self._used(inputs)
                shapes = {name: tuple(tensor.shape) for name, tensor in given.items()}
                profile = fitting_profile(session.profiles, shapes, self._chosen_profile())
                self._require(context.use_profile(profile, stream), f"profile {profile}")
                memory = self._hand_over(context.execution, given)
                results = self._run(context.execution, stream, device)
            if is_first:
                session.keep_cache()
            del memory  # it was needed until here
        return self._checked(results)

    def _loaded(self) -> Session:
        with self._lock:
            if self._session is None:
                self._session = Session(self._library, self._blob, self._settings)
            return self._session

    def _used(self, inputs: tuple[torch.Tensor, ...]) -> dict[str, torch.Tensor]:
        """The inputs that the engine reads, by name, as it reads them."""
        pairs = zip(inputs, self._inputs, strict=True)
        return {declared.name: tensor.contiguous() for tensor, declared in pairs if declared is not None}

    def _hand_over(self, context: Any, given: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """Tells where the inputs are, and gives what has to live until they are read."""
        memories = []
        for name, tensor in given.items():
            memory = tensor if tensor.numel() > 0 else tensor.new_empty(1)  # TensorRT takes no null
            memories.append(memory)
            self._require(context.set_input_shape(name, tuple(tensor.shape)), f"the shape of {name}")
            self._require(context.set_tensor_address(name, memory.data_ptr()), name)
        return memories

    def _run(self, context: Any, stream: streams.Stream, device: torch.device) -> list[torch.Tensor]:
        results: list[torch.Tensor | None] = []
        allocators: dict[int, Any] = {}
        for index, output in enumerate(self._outputs):
            shape = tuple(context.get_tensor_shape(output.name))
            if min(shape, default=0) < 0:  # known when it is computed
                allocators[index] = make_output_allocator(self._library.trt, output.dtype, device)
                self._require(context.set_output_allocator(output.name, allocators[index]), output.name)
                results.append(None)
                continue
            result = torch.empty(shape, dtype=output.dtype, device=device)
            memory = result if result.numel() > 0 else result.new_empty(1)
            self._require(context.set_tensor_address(output.name, memory.data_ptr()), output.name)
            results.append(result)
        self._library.forget()
        self._require(context.execute_async_v3(stream.handle), "")
        for index, allocator in allocators.items():
            results[index] = allocator.tensor()
        if any(result is None for result in results):
            raise Error(
                f"{self._library.name} gave no shape for an output whose size depends on data", ErrorCode.ENGINE_FAILURE
            )
        return [result for result in results if result is not None]

    def _checked(self, results: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """The outputs of the program, without those that say whether what it asserts of data is true."""
        count = len(results) - len(self._checks)
        for truth, message in zip(results[count:], self._checks, strict=True):
            if not bool(truth.item()):
                raise InvalidInput(message, ErrorCode.RUNTIME_ASSERTION)
        return tuple(results[:count])

    def _require(self, is_done: Any, what: str) -> None:
        if not is_done:
            refused = f"refused {what}" if what else "failed while running the program"
            raise Error(f"{self._library.name} {refused}: {self._library.said()}", ErrorCode.ENGINE_FAILURE)
