"""Engines written in Python, for tests of what takes any engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.fx import GraphModule, Node

import tracejet


class Adder(tracejet.Engine):
    """Takes aten.add alone."""

    name = "adder"
    fingerprint = "adder 1"

    def runs_on(self, device: torch.device) -> bool:
        return device.type == "cpu"

    def find_unsupported(self, program: GraphModule) -> Mapping[Node, str]:
        calls = (node for node in program.graph.nodes if node.op == "call_function")
        return {node: "is no sum" for node in calls if node.target != torch.ops.aten.add.Tensor}

    def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
        return program


class Everything(Adder):
    """Takes every call, and runs it as PyTorch does."""

    name = "everything"

    def find_unsupported(self, program: GraphModule) -> Mapping[Node, str]:
        return {}


@contextmanager
def registered(engine: tracejet.Engine) -> Iterator[None]:
    tracejet.register_engine(engine)
    try:
        yield
    finally:
        tracejet.unregister_engine(engine.name)


class Sum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias + x
