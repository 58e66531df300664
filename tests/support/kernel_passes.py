"""What passes for PyTorch's kernels make of programs."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

import tracejet
from tracejet import _C
from tracejet.api.session_program import graph_of


def operators(program: torch.export.ExportedProgram, **settings: Any) -> list[str]:
    """What the kernels are called for."""
    graph = _C.optimized(graph_of(program), tracejet.CompileSettings(**settings))
    return [node.op for node in graph.nodes]


def traced(module: nn.Module, *inputs: Any, **options: Any) -> torch.export.ExportedProgram:
    return tracejet.trace(module.eval(), arg_inputs=list(inputs), **options)


class Block(nn.Module):
    def __init__(self, bias: bool = True):
        super().__init__()
        self.first, self.second = nn.Conv2d(8, 8, 3, padding=1, bias=bias), nn.Conv2d(8, 8, 1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.second(torch.relu(self.first(x))))
