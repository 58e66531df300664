"""Fake implementations of custom operators: which there are, and what they find when a trace asks for a shape."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch._library import fake_impl, utils
from torch._library.custom_ops import OPDEFS

from tracejet import _C


def lacks_fake(name: str) -> bool:
    """Whether `torch.library.custom_op` made the operator, and nobody has registered a fake implementation of it."""
    definition = OPDEFS.get(name)
    if definition is None or definition._abstract_fn is not None:
        return False
    return not utils.can_generate_trivial_fake_impl(definition._opoverload)


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
