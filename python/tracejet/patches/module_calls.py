"""Tells the tracer which module's forward is running, for `meta["nn_module_stack"]` and error messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from tracejet._C import ScriptState, Tracer, run_torchscript
from tracejet.patches.refcounted_patch import patched_attribute

_call_module = nn.Module.__call__
_this_thread = threading.local()


def _report_call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    tracer = getattr(_this_thread, "tracer", None)
    if tracer is None:
        return _call_module(module, *args, **kwargs)
    kind = type(module)
    name = _this_thread.classes.get(kind)
    if name is None:
        if isinstance(module, torch.jit.ScriptModule):  # all of one kind in Python
            name = f"__torch__.{module.original_name}"
        else:
            name = _this_thread.classes[kind] = f"{kind.__module__}.{kind.__qualname__}"
    tracer.enter_module(_this_thread.paths.get(id(module), ""), name)
    try:
        if isinstance(module, torch.jit.ScriptModule):
            return _call_script(module, *args, **kwargs)
        return _call_module(module, *args, **kwargs)
    finally:
        tracer.exit_module()


def _call_script(module: torch.jit.ScriptModule, *args: Any, **kwargs: Any) -> Any:
    """PyTorch's own interpreter takes sizes for plain numbers."""
    if not (module._forward_hooks or module._forward_pre_hooks):
        path = _this_thread.paths.get(id(module), "")
        return run_torchscript(module, path, _this_thread.scripts, *args, **kwargs)
    # While a model is exported, PyTorch runs the Python that TorchScript was made of, and gives it `self` twice.
    torch.compiler._is_exporting_flag = False
    try:
        return _call_module(module, *args, **kwargs)
    finally:
        torch.compiler._is_exporting_flag = True  # as it is in every trace


_reporting = patched_attribute(nn.Module, "__call__", _report_call)


@contextmanager
def reported_module_calls(tracer: Tracer, modules: Sequence[tuple[str, nn.Module]]) -> Iterator[None]:
    """Reports this thread's module calls to `tracer`. `nn.Module.__call__` is as it was once no thread traces."""
    _this_thread.paths = {id(module): path for path, module in reversed(modules)}  # the first one counts
    _this_thread.classes = {}
    _this_thread.scripts = ScriptState()
    _this_thread.tracer = tracer
    try:
        with _reporting.held():
            yield
    finally:
        _this_thread.tracer = None
        _this_thread.paths = _this_thread.classes = _this_thread.scripts = None
