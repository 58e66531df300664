"""Loops over a dynamic size."""

from __future__ import annotations

import torch

from tests.support.lambda_module import batch

STEPS = batch(3, 4, low=1)


def known_loop_inside(x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(4)
    for i in range(x.shape[0]):
        for j in range(3):
            if j == 1:
                continue
            total = total * 0.5 + x[i, j]
    return total
