"""Programs to serve, and requests as clients send them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn

import tracejet
from tracejet import Input


class Scores(nn.Module):
    """Rows that don't depend on each other: two inputs, two named outputs."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x, ids):
        scores = self.layer(x) + ids[:, None]
        return {"scores": scores, "is_high": scores > 0.5}


class Lengths(nn.Module):
    """The mean of what a mask leaves, and the tokens themselves: padding changes neither."""

    def forward(self, tokens, mask):
        masked = tokens * mask
        return masked.sum(1) / mask.sum(1).clamp(min=1), masked


class Centered(nn.Module):
    """Each row is changed by all others."""

    def forward(self, x):
        return x - x.mean(0)


def scores_inputs(**dtypes):
    batch = {0: "batch"}
    return [
        Input(min_shape=(1, 4), opt_shape=(4, 4), max_shape=(8, 4), name="x", shared_dims=batch),
        Input(min_shape=(1,), opt_shape=(4,), max_shape=(8,), dtype=torch.int64, name="ids", shared_dims=batch),
    ]


def lengths_inputs():
    shared = {0: "batch", 1: "length"}
    shapes = {"min_shape": (1, 2), "opt_shape": (4, 6), "max_shape": (8, 16), "shared_dims": shared}
    return [Input(**shapes, name=name) for name in ("tokens", "mask")]


def saved(model: nn.Module, inputs: list[Input], folder: Path) -> Path:
    """A compiled program as a file, which calls leave as many threads as there are."""
    file = folder / "model.pt2"
    tracejet.compile(model.eval(), arg_inputs=inputs, threads=1).save(file)
    return file


def body(*inputs: dict, **rest) -> bytes:
    return json.dumps({"inputs": list(inputs), **rest}).encode()


def listed(name: str, datatype: str, tensor: torch.Tensor) -> dict:
    return {"name": name, "datatype": datatype, "shape": list(tensor.shape), "data": tensor.reshape(-1).tolist()}
