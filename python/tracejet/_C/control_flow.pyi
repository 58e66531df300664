"""
Records control flow on data; see capture/control_flow.
"""

from __future__ import annotations

import collections.abc
import typing

import torch

import tracejet._C

__all__: list[str] = ["associative_scan", "cond", "map", "scan", "while_loop"]

def associative_scan(
    tracer: tracejet._C.Tracer,
    combine: collections.abc.Callable[[collections.abc.Sequence[torch.Tensor]], list[torch.Tensor]],
    xs: collections.abc.Sequence[torch.Tensor],
) -> list[torch.Tensor]: ...
def cond(
    tracer: tracejet._C.Tracer,
    predicate: typing.Any,
    then: collections.abc.Callable[[collections.abc.Sequence[torch.Tensor]], list[torch.Tensor]],
    otherwise: collections.abc.Callable[[collections.abc.Sequence[torch.Tensor]], list[torch.Tensor]],
    operands: collections.abc.Sequence[torch.Tensor],
) -> list[torch.Tensor]: ...
def map(
    tracer: tracejet._C.Tracer,
    body: collections.abc.Callable[[collections.abc.Sequence[torch.Tensor]], list[torch.Tensor]],
    xs: collections.abc.Sequence[torch.Tensor],
    operands: collections.abc.Sequence[torch.Tensor],
) -> list[torch.Tensor]: ...
def scan(
    tracer: tracejet._C.Tracer,
    combine: collections.abc.Callable[[collections.abc.Sequence[torch.Tensor]], list[torch.Tensor]],
    init: collections.abc.Sequence[torch.Tensor],
    xs: collections.abc.Sequence[torch.Tensor],
) -> list[torch.Tensor]: ...
def while_loop(
    tracer: tracejet._C.Tracer,
    condition: collections.abc.Callable[[collections.abc.Sequence[torch.Tensor]], list[torch.Tensor]],
    body: collections.abc.Callable[[collections.abc.Sequence[torch.Tensor]], list[torch.Tensor]],
    carried: collections.abc.Sequence[torch.Tensor],
) -> list[torch.Tensor]: ...
