"""torch.distributed during a trace: its functions take the way that they have for compilers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from torch._subclasses.fake_tensor import FakeTensorMode

from tracejet import _C
from tracejet.patches.refcounted_patch import RefcountedPatch, patched_attribute

#: What torch.distributed asks before it wraps a result that isn't there yet, or caches something by sizes.
_QUESTION = "_are_we_tracing"


def _in_loaded_modules() -> Callable[[], None]:
    owner = sys.modules.get("torch.distributed._functional_collectives")
    if owner is None:  # nobody communicates
        return lambda: None
    before = getattr(owner, _QUESTION)

    def answer() -> bool:
        return _C.is_tracing() or before()

    modules = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("torch.distributed") and vars(module).get(_QUESTION) is before
    ]
    for module in modules:
        setattr(module, _QUESTION, answer)

    def restore() -> None:
        for module in modules:
            setattr(module, _QUESTION, before)

    return restore


_cached_dispatch = FakeTensorMode._cached_dispatch_impl


def _dispatch(mode: FakeTensorMode, operator: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """DTensor learns shapes from fake tensors. They remember calls by the sizes, which for ours they can't."""
    if _C.is_tracing():
        return mode._dispatch_impl(operator, types, args, kwargs)
    return _cached_dispatch(mode, operator, types, args, kwargs)


#: On while anybody traces.
traceable_communication: tuple[RefcountedPatch, ...] = (
    RefcountedPatch(_in_loaded_modules),
    patched_attribute(FakeTensorMode, "_cached_dispatch_impl", _dispatch),
)
