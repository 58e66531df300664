"""A model from a function, and an Input with a dynamic batch: what most tests of one behaviour need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tracejet import Input


class Lambda(nn.Module):
    """A model that is one function. Modules and tensors that the function uses may be given by name."""

    def __init__(self, function: Callable[..., Any], **attributes: Any):
        super().__init__()
        self.function = function
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def batch(
    *rest: int, low: int = 1, opt: int = 4, high: int = 9, dtype: torch.dtype = torch.float32, device: str | None = None
) -> Input:
    """An Input whose axis 0, called "batch", is dynamic."""
    shapes = {f"{mode}_shape": (size, *rest) for mode, size in (("min", low), ("opt", opt), ("max", high))}
    return Input(**shapes, dtype=dtype, device=device, shared_dims={0: "batch"})
