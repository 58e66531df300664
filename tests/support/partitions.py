"""Programs compiled in parts, against eager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import tracejet


def compiled_in_parts(model: nn.Module, *inputs: Any, engine: Any = None, least: int = 2, **settings: Any) -> Any:
    compiled = tracejet.compile(model, arg_inputs=inputs, engine=engine, min_block_size=1, **settings)
    assert len(compiled.report.parts) >= least, str(compiled.report)
    assert not compiled.report.notes
    return compiled


def assert_same(model: nn.Module, compiled: Callable[..., Any], calls: list[tuple[torch.Tensor, ...]]) -> None:
    for call in calls:
        torch.testing.assert_close(compiled(*call), model(*call), rtol=1e-4, atol=1e-5)


ROWS = [torch.randn(1, 8), torch.randn(2, 8), torch.randn(9, 8), -torch.rand(3, 8)]


# What can't be on OpenVINO --------------------------------------------------------------------------------------------


@torch.library.custom_op("tracejet_partition::twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    return x * 2


@twice.register_fake
def _(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


def custom(x: torch.Tensor) -> torch.Tensor:
    return (twice(x.relu() + 1) * x).softmax(-1)
