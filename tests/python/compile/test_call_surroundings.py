"""Where a compiled program is called from: what it can't follow is refused, what is set there doesn't change it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx

import tracejet
from tests.support.lambda_module import Lambda, batch

#: A program of one engine, of the other, and of both.
SETTINGS = {
    "aten": {"engine": "aten"},
    "openvino": {"engine": "openvino"},
    "split": {"torch_executed_ops": ["aten.tanh"], "min_block_size": 1},
}
X = torch.ones(2, 4)


def recorded(call: Callable[..., object]) -> object:
    return make_fx(call)(X)


def faked(call: Callable[..., object]) -> object:
    with FakeTensorMode() as mode:
        return call(mode.from_tensor(X))


def tangents(call: Callable[..., object]) -> object:
    with forward_ad.dual_level():
        return call(forward_ad.make_dual(X, X))


FROM: dict[str, Callable[[Callable[..., object]], object]] = {
    "make_fx": recorded,
    "jit.trace": lambda call: torch.jit.trace(call, X, check_trace=False),
    "vmap": lambda call: torch.vmap(call)(torch.ones(3, 2, 4)),
    "grad": lambda call: torch.func.grad(lambda x: call(x).sum())(X),
    "jvp": lambda call: torch.func.jvp(call, (X,), (X,)),
    "forward AD": tangents,
    "FakeTensors": faked,
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("call_from", FROM.values(), ids=FROM)
def test_a_call_that_cant_be_followed_is_refused(call_from: Callable[..., object], settings: dict[str, object]) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh()).eval()
    compiled = tracejet.compile(model, arg_inputs=[X], **settings)
    with pytest.raises(tracejet.InvalidInput, match=r"can't be run|without data"):
        call_from(compiled)
    torch.testing.assert_close(compiled(X), model(X))


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_autocast_around_a_call_doesnt_change_it(settings: dict[str, object]) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)).eval()
    compiled = tracejet.compile(model, arg_inputs=[batch(4)], **settings)
    expected = model(X)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = compiled(X)
    torch.testing.assert_close(got, expected)


def test_a_default_dtype_that_calls_would_give_is_refused() -> None:
    program = tracejet.trace(Lambda(lambda x: torch.arange(x.shape[0]) / 2), arg_inputs=[batch(4)])
    plain = tracejet.trace(Lambda(lambda x: x.tanh()), arg_inputs=[batch(4)])
    of_aten, of_openvino, without = (
        tracejet.compile(program, engine="aten"),
        tracejet.compile(program, engine="openvino"),
        tracejet.compile(plain, engine="aten"),
    )
    torch.set_default_dtype(torch.float64)
    try:
        with pytest.raises(tracejet.InvalidInput, match=r"default dtype is Double(.|\n)*test_call_surroundings"):
            of_aten(X)
        assert of_openvino(X).dtype == without(X).dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)
    assert of_aten(X).dtype == torch.float32


class Counter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("n", torch.zeros(1000))
        self.register_buffer("m", torch.zeros(1000))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.n += x
        self.m += x.tanh() * 0 + x
        return self.n - self.m


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_no_thread_loses_what_another_writes(settings: dict[str, object]) -> None:
    model = Counter()
    compiled = tracejet.compile(model, arg_inputs=[torch.ones(1000)], **settings)

    def calls(_: int) -> float:
        return max(compiled(torch.ones(1000)).abs().max().item() for _ in range(200))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(calls, range(4))) == [0, 0, 0, 0]
    assert model.n.unique().tolist() == [800]
