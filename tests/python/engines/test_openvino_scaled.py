"""Scales and sums that OpenVINO would put together with what is computed before or after them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tracejet

NAN, INFINITY = float("nan"), float("inf")
WEIGHT, BIAS = torch.randn(6, 6, generator=torch.Generator().manual_seed(0)), torch.linspace(-1, 1, 6)
COMPUTED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "given": lambda x: x,
    "linear": lambda x: F.linear(x, WEIGHT, BIAS),
    "convolution": lambda x: F.conv1d(x.unsqueeze(2), WEIGHT[:, :, None], BIAS),
    "layer norm": lambda x: F.layer_norm(x, (6,)),
    "softmax": lambda x: x.softmax(1),
    "sum": lambda x: x.sum(1),
    "maximum": lambda x: x.amax(1),
    "function": lambda x: x.sigmoid(),
    "sum with a constant": lambda x: x + 1,
    "product with a constant": lambda x: x * 3,
}
SCALED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "NaN": lambda x: x * NAN,
    "infinity": lambda x: x * INFINITY,
    "minus infinity": lambda x: x * -INFINITY,
    "huge": lambda x: x * 3e38,
    "tiny, then huge": lambda x: x * 1e-30 * 1e30,
    "divided by 0": lambda x: x / 0.0,
    "divided by NaN": lambda x: x / NAN,
    "added NaN": lambda x: x + NAN,
    "subtracted from infinity": lambda x: INFINITY - x,
    "partly infinite": lambda x: x * torch.where(torch.arange(float(x.shape[-1])) == 1, INFINITY, 2.0),
    "partly NaN": lambda x: x * torch.where(torch.arange(float(x.shape[-1])) == 1, NAN, 2.0),
}


@pytest.mark.parametrize("is_dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("computed", COMPUTED)
def test_scales_that_arent_finite_or_overflow_reach_the_result(computed: str, is_dynamic: bool) -> None:
    """Alone, before a sum, before a product, before a function: an engine may put two of them together."""

    class Model(nn.Module):
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            scaled = [scale(COMPUTED[computed](x)) for scale in SCALED.values()]
            return scaled + [y + 1 for y in scaled] + [y * 0.5 for y in scaled] + [y.sigmoid() for y in scaled]

    x = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    given = tracejet.Input(min_shape=(1, 6), opt_shape=(2, 6), max_shape=(4, 6)) if is_dynamic else x
    compiled = tracejet.compile(Model(), arg_inputs=[given], engine="openvino")
    for got, expected in zip(compiled(x), Model()(x), strict=True):
        greatest = expected.nan_to_num(0, 0, 0).abs().max().item()
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5 * max(greatest, 1), equal_nan=True)
