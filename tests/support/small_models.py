"""Models that several tests take because of one thing that they do."""

from __future__ import annotations

import torch
from torch import nn


class Counter(nn.Module):
    """Adds how often it was called: a buffer that the program writes."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        return x + self.count


class RowSum(nn.Module):
    """Its result has no row for each row of its input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(0)


class ImageClassifier(nn.Module):
    """Images of three channels to five numbers: a convolution and a linear layer, with weights that differ in rank."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv(x).relu().mean((2, 3)))
