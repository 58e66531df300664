"""Gradients inside of a model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tracejet import Input

# Gradients -----------------------------------------------------------------------------------------------------------

GRADIENTS = {
    "linear": lambda x: F.linear(x, x[:5]),
    "matmul": lambda x: x @ x.t(),
    "attention": lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None]),
    "softmax": lambda x: (x.softmax(-1), x.log_softmax(0)),
    "layer_norm": lambda x: F.layer_norm(x, (6,)),
    "group_norm": lambda x: F.group_norm(x[None], 2),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "activations": lambda x: (F.gelu(x), F.silu(x), F.elu(x), F.softplus(x), F.hardswish(x), F.mish(x), F.glu(x)),
    "convolution": lambda x: F.conv1d(x[None], x[:4, :4, None]),
    "views": lambda x: (x[1], x[:, 2:5:2], x.diagonal(1), x.unfold(0, 2, 1), x.t(), x.expand(2, 4, 6)),
    "gathers": lambda x: (x.gather(0, x.argsort(0)), x[[0, 2, 0]], F.embedding(torch.tensor([1, 1, 3]), x)),
    "max_pool2d": lambda x: F.max_pool2d(x[None, None], 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x[None, None], 2, padding=1, ceil_mode=True),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x[None, None], (3, 2)),
    "upsampling": lambda x: (F.interpolate(x[None, None], size=(7, 9)), F.interpolate(x[None], scale_factor=2.0)),
    "reflection": lambda x: (F.pad(x[None], (2, 1), "reflect"), F.pad(x[None, None], (2, 1, 0, 3), "reflect")),
    "losses": lambda x: (F.mse_loss(x, x.detach() * 2), F.cross_entropy(x, torch.tensor([1, 0, 5, 2]))),
    "norms": lambda x: (x.norm(), x.std(), x.var(0), x.logsumexp(1), x.cumsum(0), x.amax(0), x.prod(1)),
    "sorting": lambda x: (x.sort(0)[0], x.topk(2, 1)[0]),
}


def total(results: Any) -> torch.Tensor:
    return sum(r.sin().sum() for r in (results if isinstance(results, tuple) else (results,)))  # type: ignore[return-value]


def by_autograd(function: Any, x: torch.Tensor) -> torch.Tensor:
    with torch.enable_grad():
        leaf = x.detach().requires_grad_(True)
        return torch.autograd.grad(total(function(leaf)), leaf)[0]


def by_func(function: Any, x: torch.Tensor) -> torch.Tensor:
    return torch.func.grad(lambda leaf: total(function(leaf)))(x)


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize(
    ("gradient", "decompositions"),
    [(by_autograd, "tensorrt"), (by_func, "tensorrt"), (by_func, "core_aten"), (by_autograd, "none")],
)
@pytest.mark.filterwarnings("ignore")
def test_gradients_inside_of_a_model_are_eagers(name: str, gradient: Any, decompositions: str) -> None:
    function = GRADIENTS[name]
    model = Lambda(lambda x: gradient(function, x))
    x = torch.randn(4, 6)
    program = tracejet.trace(model, arg_inputs=[x], decompositions=decompositions)
    assert_equal(model(x), program.module()(x), 1e-4, least_scale=1)


def test_gradients_inside_of_a_model_hold_at_other_sizes() -> None:
    model = Lambda(lambda x: by_autograd(lambda leaf: F.linear(F.layer_norm(leaf, (6,)), leaf[:2]), x))
    x = Input(min_shape=(2, 6), opt_shape=(4, 6), max_shape=(9, 6))
    program = tracejet.trace(model, arg_inputs=[x])
    for size in (2, 7):
        given = torch.randn(size, 6)
        assert_equal(model(given), program.module()(given), 1e-4, least_scale=1)
