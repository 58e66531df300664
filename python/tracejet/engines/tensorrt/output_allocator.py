"""Memory for outputs whose sizes are known only when they have been computed."""

from __future__ import annotations

import math
from typing import Any

import torch


def make_output_allocator(trt: Any, dtype: torch.dtype, device: torch.device) -> Any:
    """An object that TensorRT asks for memory, and that has the output in it afterwards: `tensor()`."""

    class OutputAllocator(trt.IOutputAllocator):
        def __init__(self) -> None:
            trt.IOutputAllocator.__init__(self)
            self._memory = torch.empty(0, dtype=torch.uint8, device=device)
            self._shape: tuple[int, ...] | None = None

        def reallocate_output(self, name: str, memory: int, size: int, alignment: int) -> int:
            if size > self._memory.numel():
                self._memory = torch.empty(size, dtype=torch.uint8, device=device)
            return self._memory.data_ptr()

        def reallocate_output_async(self, name: str, memory: int, size: int, alignment: int, stream: int) -> int:
            return self.reallocate_output(name, memory, size, alignment)

        def notify_shape(self, name: str, shape: Any) -> None:
            self._shape = tuple(shape)

        def tensor(self) -> torch.Tensor | None:
            """None where TensorRT never said its shape."""
            if self._shape is None:
                return None
            used = self._memory[: math.prod(self._shape) * dtype.itemsize]
            return used.view(dtype).view(self._shape)

    return OutputAllocator()
