"""What fake implementations of custom operators find when a trace asks them for the shape of a result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch._library import fake_impl

from tracejet import _C


class _DynamicSizes:
    """`torch.library.get_ctx()`: makes the sizes that only exist when the program runs."""

    def __init__(self, tracer: _C.Tracer):
        self._tracer = tracer

    def new_dynamic_size(self, *, min: int = 0, max: int | None = None) -> torch.SymInt:
        return self._tracer.unbacked(min, max)

    create_unbacked_symint = new_dynamic_size  # its name of old


def with_dynamic_sizes() -> Callable[[], None]:
    """PyTorch runs a fake implementation on meta tensors with a context that only raises; during a trace of this thread
    it gets one that makes symbols. The result undoes it."""
    before = fake_impl.set_ctx_getter

    def set_ctx_getter(getter: Callable[[], Any]) -> AbstractContextManager[None]:
        tracer = _C.Tracer.current()
        return before(getter if tracer is None else lambda: _DynamicSizes(tracer))

    fake_impl.set_ctx_getter = set_ctx_getter

    def restore() -> None:
        fake_impl.set_ctx_getter = before

    return restore
