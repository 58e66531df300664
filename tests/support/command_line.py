"""The command `tracejet`, called in a folder with some models."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from tracejet.command_line.main import main

MODELS = '''
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))

    def forward(self, x, scale=None):
        y = self.layers(x)
        return y if scale is None else y * scale


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4)

    def forward(self, ids, mask):
        return {"sum": (self.embedding(ids) * mask.unsqueeze(-1)).sum(1), "count": mask.sum()}


class Fixed(nn.Module):
    def forward(self, x):
        return x + torch.ones(12)


class Refused(nn.Module):
    def forward(self, x):
        return torch.linalg.eigvals(x).abs()


class Raises(nn.Module):
    def forward(self, x):
        raise KeyError("no such thing")


class Random(nn.Module):
    """Differs from call to call, and so from eager."""

    def __init__(self):
        super().__init__()
        self.calls = [0]

    def forward(self, x):
        return x + torch.rand(x.shape)


def build():
    return Net()


net, number = Net(), 3
'''


def tracejet_command(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="tracejet")


def found(*arguments: Any, status: int = 0) -> Any:
    result = tracejet_command(*arguments, "--json")
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


RANGE = ("--min-shapes", "x:1x8", "--opt-shapes", "x:4x8", "--max-shapes", "x:16x8")
