"""Tells the tracer which module's forward is running, for `meta["nn_module_stack"]` and error messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from tracejet._C import Tracer

_active = threading.local()
_lock = threading.Lock()
_users = 0
_original_call = nn.Module.__call__


def _call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    follower = getattr(_active, "follower", None)
    if follower is None:
        return _original_call(module, *args, **kwargs)
    tracer, paths = follower
    tracer.enter_module(paths.get(id(module), ""), type(module).__qualname__)
    try:
        return _original_call(module, *args, **kwargs)
    finally:
        tracer.exit_module()


@contextmanager
def followed_module_calls(tracer: Tracer, model: nn.Module) -> Iterator[None]:
    """Reports this thread's module calls to `tracer`. `nn.Module.__call__` is as it was once no thread traces."""
    global _users, _original_call
    paths = {id(module): path for path, module in model.named_modules()}
    with _lock:
        if _users == 0:
            _original_call = nn.Module.__call__
            nn.Module.__call__ = _call  # type: ignore[method-assign]
        _users += 1
    _active.follower = (tracer, paths)
    try:
        yield
    finally:
        _active.follower = None
        with _lock:
            _users -= 1
            if _users == 0:
                nn.Module.__call__ = _original_call  # type: ignore[method-assign]
