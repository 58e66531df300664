"""compile(precision=…) for PyTorch's kernels: products in 16 bits, and float32 where digits or the range would go."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch._dynamo  # see test_cuda_graphs.py
import torch.nn.functional as F
from torch import nn
from torch.utils import _pytree as pytree

import tracejet
from testing.models import SMALL_MODELS
from tests.support.kernel_passes import operators
from tests.support.lambda_module import Lambda, batch
from tracejet import Input

DTYPES = [torch.bfloat16, torch.float16]
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
devices = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])


class Encoder(nn.Module):
    """A layer of a transformer, with attention as products, and a mask that holds the least number of float32."""

    def __init__(self, width: int = 64, heads: int = 4):
        super().__init__()
        self.heads = heads
        self.tokens, self.places = nn.Embedding(100, width), nn.Parameter(torch.randn(1, 12, width))
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.norm, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.tokens(tokens) + self.places
        y = self.norm(x)
        q, k, v = (part(y).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.q, self.k, self.v))
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        mask = torch.ones(12, 12, device=x.device).tril() == 0
        scores = scores.masked_fill(mask, torch.finfo(scores.dtype).min)
        x = x + self.o((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Blocks(nn.Module):
    """Convolutions with batch norm, a shortcut, pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.second, self.norm2 = nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.group, self.last = nn.GroupNorm(4, 16), nn.Linear(16, 10)
        for norm in (self.norm, self.norm2):
            nn.init.uniform_(norm.running_var, 0.5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.norm(self.first(x))), 3, 2, 1)
        x = F.relu(x + self.norm2(self.second(x)))
        return self.last(F.silu(self.group(x)).mean((2, 3)))


def error(got: torch.Tensor, exact: torch.Tensor) -> float:
    return ((got.double() - exact.double()).abs().max() / exact.double().abs().max()).item()


def assert_as_exact_as_eager(model: nn.Module, x: torch.Tensor, dtype: torch.dtype, engine: str = "aten") -> None:
    """As near to float32 as the model in that dtype is."""
    model = model.eval()
    narrow = copy.deepcopy(model).to(dtype)
    with torch.no_grad():
        exact, eager = model(x), narrow(x.to(dtype) if x.is_floating_point() else x)
        compiled = tracejet.compile(model, arg_inputs=[x], engine=engine, precision=dtype)
        results = [compiled(x) for _ in range(4)]
    for got in results:
        assert got.dtype == torch.float32
        assert 0 < error(got, exact) <= 1.5 * error(eager, exact) + torch.finfo(dtype).eps


@devices
@each_dtype
@pytest.mark.parametrize("make", [Encoder, Blocks])
def test_values_are_as_exact_as_the_converted_models(make: Callable[[], nn.Module], dtype: torch.dtype, device: str):
    torch.manual_seed(0)
    x = torch.randint(0, 100, (3, 12)) if make is Encoder else torch.randn(2, 3, 17, 16)
    assert_as_exact_as_eager(make().to(device), x.to(device), dtype)


@each_dtype
def test_weights_are_converted_and_the_models_own_stay(dtype: torch.dtype) -> None:
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4)).eval()
    before = copy.deepcopy(model.state_dict())
    x = torch.randn(3, 16)
    program = tracejet.trace(model, arg_inputs=[x])
    calls = operators(program, precision=dtype)
    assert calls.count("aten::_to_copy") == 2, calls  # of what comes in, and of what goes out
    assert operators(program).count("aten::_to_copy") == 0
    tracejet.compile(program, engine="aten", precision=dtype)(x)
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())


@each_dtype
def test_what_needs_float32_keeps_it(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(64, 64)
    large = nn.Linear(64, 64)
    nn.init.uniform_(large.weight, 1e5, 2e5)  # more than float16 holds

    def run(x: torch.Tensor) -> Any:
        y = linear(x) * 300
        return y.pow(2).mean(-1), (y * y).sum(-1), y.exp().log(), torch.softmax(y, -1), large(x)

    x = torch.randn(8, 64)
    with torch.no_grad():
        exact = run(x)
        got = tracejet.compile(Lambda(run, linear=linear, large=large), arg_inputs=[x], engine="aten", precision=dtype)(
            x
        )
    for ours, theirs in zip(got, exact, strict=True):
        assert torch.equal(ours.isfinite(), theirs.isfinite())
    for place in (0, 1):
        torch.testing.assert_close(got[place], exact[place], rtol=0.05, atol=100.0)
    if dtype == torch.float16:
        torch.testing.assert_close(got[4], exact[4], rtol=1e-4, atol=10.0)


@each_dtype
def test_any_size(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    model = Blocks().eval()
    x = Input(min_shape=(1, 3, 8, 8), opt_shape=(2, 3, 16, 16), max_shape=(4, 3, 32, 32))
    compiled = tracejet.compile(model, arg_inputs=[x], engine="aten", precision=dtype)
    with torch.no_grad():
        for rows, size in ((1, 8), (4, 31), (2, 16)):
            given = torch.randn(rows, 3, size, size)
            assert error(compiled(given), model(given)) < 10 * torch.finfo(dtype).eps


class Counter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.register_buffer("sum", torch.zeros(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x)
        self.sum += y.sum(0)
        return y


@each_dtype
def test_buffers_stay_float32(dtype: torch.dtype) -> None:
    model = Counter()
    theirs = copy.deepcopy(model)
    compiled = tracejet.compile(model, arg_inputs=[batch(8)], engine="aten", precision=dtype)
    with torch.no_grad():
        for _ in range(3):
            x = torch.randn(4, 8)
            compiled(x)
            theirs(x)
    assert model.sum.dtype == torch.float32
    torch.testing.assert_close(model.sum, theirs.sum, rtol=0.05, atol=0.1)


@each_dtype
@pytest.mark.parametrize("name", SMALL_MODELS)
def test_small_models(name: str, dtype: torch.dtype) -> None:
    module = SMALL_MODELS[name].module()
    args, kwargs = SMALL_MODELS[name].example("opt")
    program = tracejet.trace(module, arg_inputs=list(args), kwarg_inputs=kwargs)
    with torch.no_grad():
        exact = module(*args, **kwargs)
        got = tracejet.compile(program, engine="aten", precision=dtype)(*args, **kwargs)
    for ours, theirs in zip(pytree.tree_leaves(got), pytree.tree_leaves(exact), strict=True):
        assert ours.dtype == theirs.dtype
        assert error(ours, theirs) < 20 * torch.finfo(dtype).eps


def test_control_flow_says_that_it_keeps_its_precision() -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, lambda x: x @ x, lambda x: x - 1, (x,))

    with pytest.warns(tracejet.BuildWarning, match="precision: PyTorch's kernels compute a program with control flow"):
        tracejet.compile(Lambda(run), arg_inputs=[torch.randn(4, 4)], engine="aten", precision=torch.bfloat16)
