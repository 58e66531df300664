"""Kernels written in Triton, which work on memory: a program has the operators that call them, never the kernels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import torch
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet.patches.refcounted_patch import RefcountedPatch


def _refuse(kernel: Any) -> NoReturn:
    raise _C.UnsupportedOperator(
        f"[triton::{_name(kernel)}] a Triton kernel works on memory, which the tensors of a trace don't have; call it "
        "in an operator, which becomes a node: torch.library.triton_op with torch.library.wrap_triton(kernel), or "
        "torch.library.custom_op with register_fake",
        _C.ErrorCode.TRITON_KERNEL,
    )


def _name(kernel: Any) -> str:
    """The name of the function behind a kernel, however many tuners are wrapped around it."""
    while hasattr(kernel, "fn"):
        kernel = kernel.fn
    return getattr(kernel, "__name__", type(kernel).__name__)


def _works_on_traced(arguments: Iterable[Any]) -> bool:
    return any(isinstance(leaf, torch.Tensor) and torch._is_functional_tensor(leaf) for leaf in arguments)


def call_wrapped_kernel(kernel_idx: int, kwargs: dict[str, Any]) -> None:
    """A call by way of `wrap_triton`. In the fake implementation of an operator, which `triton_op` makes of its body,
    it has nothing to write to."""
    if _works_on_traced(kwargs.values()):
        from torch._higher_order_ops.triton_kernel_wrap import kernel_side_table

        _refuse(kernel_side_table.get_kernel(kernel_idx))


def _refusing_launches() -> Callable[[], None]:
    jit = sys.modules.get("triton.runtime.jit")
    if jit is None:  # a model of Triton's kernels has imported it
        return lambda: None
    interface = jit.KernelInterface
    kernel_of_grid = interface.__getitem__

    def __getitem__(kernel: Any, grid: Any) -> Callable[..., Any]:
        launch = kernel_of_grid(kernel, grid)

        def run(*args: Any, **kwargs: Any) -> Any:
            if _C.is_tracing() and _works_on_traced(pytree.tree_leaves((args, kwargs))):
                _refuse(kernel)
            return launch(*args, **kwargs)

        return run

    interface.__getitem__ = __getitem__

    def restore() -> None:
        interface.__getitem__ = kernel_of_grid

    return restore


#: On during a trace: `kernel[grid](…)` is refused where it is to work on traced tensors.
kernel_launches = RefcountedPatch(_refusing_launches)
