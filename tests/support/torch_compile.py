"""Models compiled by torch.compile, against eager."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch._dynamo
from torch import nn
from torch.utils import _pytree as pytree

from tracejet.dynamo import Backend, BackendReport

ROOT = Path(__file__).parents[2]


rand = torch.randn


def assert_same(got: Any, expected: Any, tolerance: float = 1e-4) -> None:
    """Values, dtypes, shapes, strides, trees, and whether there would be a gradient."""
    ours, our_spec = pytree.tree_flatten(got)
    theirs, their_spec = pytree.tree_flatten(expected)
    assert our_spec == their_spec
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(b, torch.Tensor):
            torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance, equal_nan=True, check_stride=b.numel() > 0)
            assert a.requires_grad == b.requires_grad
        else:
            assert type(a) is type(b) and a == b


def compiled_like_eager(
    model: Callable[..., Any],
    calls: Sequence[tuple[Any, ...]],
    *,
    dynamic: bool | None = None,
    grad: bool = False,
    tolerance: float = 1e-4,
    **options: Any,
) -> BackendReport:
    """Compares results, arguments and the model's state after each of `calls`, and gives the backend's report."""
    backend, ours = Backend(**options), copy.deepcopy(model)
    compiled = torch.compile(ours, backend=backend, dynamic=dynamic)
    with torch.set_grad_enabled(grad):
        for call in calls:
            mine, theirs = copy.deepcopy(call), copy.deepcopy(call)
            assert_same(compiled(*mine), model(*theirs), tolerance)
            assert_same(mine, theirs)
            if isinstance(model, nn.Module):
                assert_same(dict(ours.state_dict()), dict(model.state_dict()), tolerance)
    return backend.report()


def batches(*sizes: int) -> list[tuple[torch.Tensor]]:
    return [(rand(size, 4),) for size in sizes]


class Cache(nn.Module):
    """Writes into a buffer, and reads all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("keys", torch.zeros(8, 4))
        self.project = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        self.keys.index_copy_(0, position, self.project(x))
        return x @ self.keys.t()


# ---- weights -------------------------------------------------------------------------------------------------------


class Scaled(nn.Module):
    def __init__(self, size: int = 4) -> None:
        super().__init__()
        self.linear = nn.Linear(size, size)
        self.register_buffer("scale", torch.ones(size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.linear(x)) * self.scale
