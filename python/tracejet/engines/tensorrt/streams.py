"""Where an engine runs: PyTorch's current stream of a GPU."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from tracejet._C import Error, ErrorCode


class Stream:
    """PyTorch's current stream, as TensorRT takes it."""

    def __init__(self, device: torch.device):
        if not torch.cuda.is_available():
            raise Error(
                "this program was built for a GPU, and there is none that PyTorch can use here",
                ErrorCode.ENGINE_FAILURE,
            )
        self._stream = torch.cuda.current_stream(device)
        self.handle: int = self._stream.cuda_stream

    def mark(self) -> torch.cuda.Event:
        """What is done when all is done that was asked for so far."""
        return self._stream.record_event()

    def wait_for(self, event: torch.cuda.Event) -> None:
        self._stream.wait_event(event)


def on_device(device: torch.device) -> AbstractContextManager[None]:
    """Makes it the current GPU meanwhile, which TensorRT goes by."""
    return torch.cuda.device(device)
