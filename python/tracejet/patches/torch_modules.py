"""Code of PyTorch that a trace can't follow as it is: what reads data to make up its mind, and compiled modules."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.modules import batchnorm, transformer

from tracejet import _C
from tracejet.patches.refcounted_patch import RefcountedPatch, patched_attribute

_batch_norm = batchnorm._BatchNorm.forward
_detect_is_causal_mask = transformer._detect_is_causal_mask
_forward_of_replicas = nn.DataParallel.forward
_checked_affine_grid = nn.functional.affine_grid


def _batch_norm_forward(module: Any, input: torch.Tensor) -> torch.Tensor:
    """With momentum=None, torch.nn divides by the number of batches as a Python number. Here it stays a tensor."""
    averages = module.training and module.track_running_stats and module.momentum is None
    if not (_C.is_tracing() and averages and module.num_batches_tracked is not None):
        return _batch_norm(module, input)
    module._check_input_dim(input)
    module.num_batches_tracked.add_(1)
    # Momentum 1 leaves this batch's statistics.
    mean, var = torch.zeros_like(module.running_mean), torch.zeros_like(module.running_var)
    output = nn.functional.batch_norm(input, mean, var, module.weight, module.bias, True, 1.0, module.eps)
    share = 1.0 / module.num_batches_tracked
    module.running_mean.mul_(1.0 - share).add_(mean * share)
    module.running_var.mul_(1.0 - share).add_(var * share)
    return output


def _is_causal(mask: torch.Tensor | None, is_causal: bool | None = None, size: int | None = None) -> bool:
    """Whether attention may leave the mask out. Where that depends on data, it may not, which is always right."""
    try:
        return _detect_is_causal_mask(mask, is_causal, size)
    except RuntimeError:
        if not _C.is_tracing():
            raise
        return False


def _affine_grid(theta: torch.Tensor, size: Any, align_corners: bool | None = None) -> torch.Tensor:
    """torch.nn looks for the smallest size, and so compares symbolic sizes with each other."""
    if not (_C.is_tracing() and any(isinstance(length, torch.SymInt) for length in size)):
        return _checked_affine_grid(theta, size, align_corners)
    if any(length <= 0 for length in size):
        raise ValueError(f"affine_grid: expected sizes above 0, got {list(size)}")
    return torch.affine_grid_generator(theta, list(size), bool(align_corners))


def _forward_of_one(module: Any, *inputs: Any, **kwargs: Any) -> Any:
    """A program has one device: it is the wrapped module, not its copies on all GPUs."""
    return module.module(*inputs, **kwargs) if _C.is_tracing() else _forward_of_replicas(module, *inputs, **kwargs)


def _without_compiling() -> Callable[[], None]:
    """A module inside `torch.compile` runs as it was written."""
    if "torch._dynamo" not in sys.modules:  # nobody has compiled anything
        return lambda: None
    eager = torch.compiler.set_stance("force_eager")
    return lambda: eager.__exit__(None, None, None)


#: On while anybody traces.
traceable_modules: tuple[RefcountedPatch, ...] = (
    patched_attribute(batchnorm._BatchNorm, "forward", _batch_norm_forward),
    patched_attribute(nn.DataParallel, "forward", _forward_of_one),
    RefcountedPatch(_without_compiling),
    patched_attribute(transformer, "_detect_is_causal_mask", _is_causal),
    patched_attribute(nn.functional, "affine_grid", _affine_grid),
)
