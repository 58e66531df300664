"""A model and what is recorded of it under a set of decompositions."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch._ops import OpOverload

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import batch

aten = torch.ops.aten


#: Of torch.export's, checks of what tracing has decided.
CHECKS = {"aten::sym_size.int", "aten::_assert_tensor_metadata"}


def recorded(program: torch.export.ExportedProgram) -> set[str]:
    return {node.target.name() for node in program.graph.nodes if isinstance(node.target, OpOverload)} - CHECKS


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.linear, self.layer_norm = nn.Linear(8, 8), nn.LayerNorm(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.silu(self.norm(self.convolution(x)))
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = self.layer_norm(self.linear(x.flatten(2).transpose(1, 2))).unsqueeze(1)
        return F.scaled_dot_product_attention(x, x, x).clamp_(min=0).softmax(-1)


def trace(table: Any, **options: Any) -> torch.export.ExportedProgram:
    """A program of Net with a dynamic batch, which gives what eager gives at other sizes."""
    model = Net().eval()
    program = tracejet.trace(model, arg_inputs=[batch(3, 8, 8)], decompositions=table, **options)
    for size in (1, 5):
        x = torch.randn(size, 3, 8, 8)
        assert_equal(model(x), program.module()(x))
    return program
