"""What torch.compile finds by name: `tracejet`, and Torch-TensorRT's backend where that isn't installed."""

from __future__ import annotations

import importlib.util
from typing import Any

from tracejet.patches.dynamo import backend_that_registers_itself
from tracejet.torch_compile.backend import Backend

#: What all calls of torch.compile(backend="tracejet") share.
tracejet = Backend()


def __getattr__(name: str) -> Any:
    if name not in ("tensorrt", "torch_tensorrt"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if importlib.util.find_spec("torch_tensorrt") is None:
        return tracejet
    return backend_that_registers_itself("torch_tensorrt", name)
