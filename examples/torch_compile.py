"""A model that can't be traced as a whole, behind torch.compile: graphs, recompilations, weights, and what eager gives.

The router looks at its data (`if not unsure.any():`): TorchDynamo breaks the graph there, and tracejet compiles the
pieces.

    python examples/torch_compile.py
"""

from __future__ import annotations

import torch
from torch import nn

import tracejet


class Router(nn.Module):
    """Sends rows that the first expert is unsure of to a second one."""

    def __init__(self, width: int = 32, classes: int = 5):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, classes))
        self.second = nn.Sequential(nn.Linear(width, 256), nn.GELU(), nn.Linear(256, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = self.first(x).softmax(-1)
        unsure = scores.amax(-1) < 0.25
        if not unsure.any():
            return scores
        return torch.where(unsure[:, None], self.second(x).softmax(-1), scores)


def main() -> None:
    torch.manual_seed(0)
    model = Router().eval()
    backend = tracejet.dynamo.Backend()
    compiled = torch.compile(model, backend=backend, dynamic=True)
    with torch.no_grad():
        for rows in (4, 9, 32):
            x = torch.randn(rows, 32)
            difference = (compiled(x) - model(x)).abs().max()
            print(f"{rows} rows: largest difference from eager {difference:.1e}")
        model.first[0].weight.mul_(3)  # noticed at the next call
        difference = (compiled(x) - model(x)).abs().max()
        print(f"other weights: largest difference from eager {difference:.1e}")
    print(backend.report())


if __name__ == "__main__":
    main()
