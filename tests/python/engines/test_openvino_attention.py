"""Attention on OpenVINO, whoever reads its result (docs/engines/openvino.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda, batch


def attention(x: torch.Tensor) -> torch.Tensor:
    return F.scaled_dot_product_attention(x, x, x)


def spelled_out(x: torch.Tensor) -> torch.Tensor:
    return torch.softmax(x @ x.mT, -1) @ x


def squared(x: torch.Tensor) -> torch.Tensor:
    return (attention(x) - x).square()


#: Some of them ended the process while they were compiled.
READERS: dict[str, Callable[[torch.Tensor], Any]] = {
    "a distance": lambda x: torch.dist(attention(x), x.abs()),
    "a square": squared,
    "a square, summed up": lambda x: squared(x).sum(-1),
    "a square, spelled out": lambda x: (spelled_out(x) - x.abs()).square().sum(),
    "a number that is given, too": lambda x: (
        attention(x).eq(x.sum([0, 1, 2], keepdim=True)).sum(-1),
        x.sum([0, 1, 2]),
    ),
    "somebody else, too": lambda x: (attention(x), attention(x) / (x.abs() + 1)),
    "a gate": lambda x: attention(x) * x.sigmoid() + x,
    "a norm": lambda x: F.layer_norm(attention(x) + x, (3, 5, 2)),
    "a sum": lambda x: attention(x).sum(),
    "a projection": lambda x: F.linear(attention(x).transpose(1, 2).flatten(2), torch.ones(3, 6)),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("is_dynamic", [False, True])
def test_anybody_reads_attention(name: str, is_dynamic: bool) -> None:
    model, x = Lambda(READERS[name]), torch.randn(4, 3, 5, 2)
    compiled = tracejet.compile(model, arg_inputs=[batch(3, 5, 2) if is_dynamic else x], engine="openvino")
    assert_equal(model(x), compiled(x), 1e-5)


@pytest.mark.parametrize(
    "function",
    [
        lambda t, y: t + y,
        lambda t, y: y - t * 2,
        lambda t, y: t.relu() * y.abs(),
        lambda t, y: t > y,
        lambda t, y: torch.maximum(y, t.unsqueeze(1)) + t,
        lambda t, y: torch.where(y > 0, t, y),
        lambda t, y: t.expand(3, -1, -1, -1),
        lambda t, y: t.expand(2, 3, -1, -1, -1) * 2,
    ],
)
@pytest.mark.parametrize("rows", [1, 3])
def test_what_attention_gives_gets_the_axes_of_what_it_meets(
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], rows: int
) -> None:
    model = Lambda(lambda x, y: function(F.scaled_dot_product_attention(x, x, x, scale=2.0), y))
    x = tracejet.Input(min_shape=(1, rows, 1), opt_shape=(5, rows, 2), max_shape=(8, rows, 6), shared_dims={0: "n"})
    y = tracejet.Input(
        min_shape=(1, 1, 3, 1), opt_shape=(5, 5, 3, 1), max_shape=(8, 8, 3, 1), shared_dims={0: "n", 1: "n"}
    )
    compiled = tracejet.compile(model, arg_inputs=[x, y], engine="openvino")
    for n, columns in ((5, 2), (1, 1), (8, 6), (2, 3)):
        given = torch.randn(n, rows, columns), torch.randn(n, n, 3, 1)
        assert_equal(model(*given), compiled(*given), 1e-5, f"{n}, {columns}: ", least_scale=1.0)
