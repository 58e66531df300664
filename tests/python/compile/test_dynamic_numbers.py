"""Numbers in the place of which an engine wants plain ones: nothing is fixed when a program is compiled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

import tracejet
from tests.support.lambda_module import Lambda, batch

KERNELS = torch.randn(4, 2, 3)


def grouped(x: torch.Tensor) -> torch.Tensor:
    """As StyleGAN2 modulates its kernels: each image has its own."""
    rows = x.shape[0]
    together = F.conv1d(x.view(1, rows * 2, -1), KERNELS.repeat(rows, 1, 1), groups=rows, padding=1)
    return together.view(rows, 4, -1)


MODELS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "groups": grouped,
    "step": lambda x: x.flatten()[:: x.shape[0]] * 2,
    "rows of distances": lambda x: torch.cdist(x.flatten(1), x.flatten(1)).relu(),
}


@pytest.mark.parametrize("engine", ["aten", "auto"])
@pytest.mark.parametrize("name", MODELS)
def test_every_size_is_right(name: str, engine: str) -> None:
    model = Lambda(MODELS[name])
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[batch(2, 6, high=40)]), engine=engine)
    for rows in 1, 4, 9, 40:
        x = torch.randn(rows, 2, 6)
        torch.testing.assert_close(compiled(x), model(x), rtol=1e-3, atol=2e-3)
