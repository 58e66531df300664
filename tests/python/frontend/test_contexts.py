"""Contexts that a model runs in, or enters itself, are followed; their state is as before afterwards."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

import tracejet
from testing.compare import assert_equal, assert_same_as_eager
from tests.support.lambda_module import Lambda, batch


def autocast(**options: Any) -> Any:
    return torch.autocast("cpu", **options)


# ---- autocast ------------------------------------------------------------------------------------------------------


def mixed(x: torch.Tensor, linear: nn.Module) -> Any:
    y = linear(x)
    return y, y.softmax(-1), y @ y.t(), F.layer_norm(y, (4,)), torch.cat([y, x[:, :1].to(y.dtype)], 1)


AUTOCASTS = {
    "bfloat16": lambda linear: lambda x: under(autocast(), mixed, x, linear),
    "float16": lambda linear: lambda x: under(autocast(dtype=torch.float16), mixed, x, linear),
    "disabled": lambda linear: lambda x: under(autocast(enabled=False), mixed, x, linear),
    "without cache": lambda linear: lambda x: under(autocast(cache_enabled=False), mixed, x, linear),
    "off inside": lambda linear: (
        lambda x: under(autocast(), lambda: (linear(x), under(autocast(enabled=False), lambda: linear(x.float()))))
    ),
    "another dtype inside": lambda linear: (
        lambda x: under(
            autocast(cache_enabled=False),
            lambda: (
                linear(x),
                under(autocast(dtype=torch.float16, cache_enabled=False), lambda: linear(x)),
                linear(x),
            ),
        )
    ),
    "decorator": lambda linear: autocast()(lambda x: mixed(x, linear)),
    "cuda does nothing here": lambda linear: lambda x: under(torch.autocast("cuda", enabled=False), mixed, x, linear),
    "the same weight twice": lambda linear: lambda x: under(autocast(), lambda: linear(linear(x))),
}


def under(context: Any, function: Callable[..., Any], *args: Any) -> Any:
    with context:
        return function(*args)


@pytest.mark.parametrize("make", AUTOCASTS.values(), ids=AUTOCASTS)
def test_autocast_in_forward(make: Callable[..., Any]) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(4, 4)
    assert_same_as_eager(Lambda(make(linear), linear=linear), [batch(4)], tolerance=0.03)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_autocast_around_the_trace(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.LayerNorm(4))
    x = torch.randn(3, 4)
    with autocast(dtype=dtype):
        program = tracejet.trace(model, arg_inputs=[batch(4)])
        expected = model(x)
        assert torch.is_autocast_enabled("cpu")
    assert_equal(expected, program.module()(x), 0.03)


def test_autocast_is_as_before_after_a_failed_trace() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        with autocast(dtype=torch.float16):
            raise ValueError("the model gives up")

    with pytest.raises(ValueError, match="gives up"):
        tracejet.trace(Lambda(forward), arg_inputs=[torch.ones(3)])
    assert not torch.is_autocast_enabled("cpu")
    assert torch.get_autocast_dtype("cpu") == torch.bfloat16


class Scaled(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * 2


def test_custom_fwd_inside_autocast() -> None:
    linear = nn.Linear(4, 4)
    forward = autocast()(lambda x: Scaled.apply(linear(x)))
    assert_same_as_eager(Lambda(forward, linear=linear), [batch(4)], tolerance=0.03)


# ---- gradients -----------------------------------------------------------------------------------------------------

GRADIENTS = {
    "no_grad": torch.no_grad,
    "enable_grad": torch.enable_grad,
    "inference_mode": torch.inference_mode,
    "inference_mode off": lambda: torch.inference_mode(False),
    "set_grad_enabled": lambda: torch.set_grad_enabled(True),
}


@pytest.mark.parametrize("context", GRADIENTS.values(), ids=GRADIENTS)
def test_gradient_contexts_in_forward(context: Callable[[], Any]) -> None:
    linear = nn.Linear(4, 4)

    def forward(x: torch.Tensor) -> Any:
        with context():
            y = linear(x).relu_()
            z = y.view(-1)[1:]
            z.mul_(2)
        return y, z + 1, y.detach()

    assert_same_as_eager(Lambda(forward, linear=linear), [batch(4)])


@pytest.mark.parametrize("context", GRADIENTS.values(), ids=GRADIENTS)
def test_gradient_contexts_around_the_trace(context: Callable[[], Any]) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.ReLU(inplace=True))
    x = torch.randn(3, 4)
    with context():
        before = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        program = tracejet.trace(model, arg_inputs=[batch(4)])
        assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == before
    torch.testing.assert_close(program.module()(x), model(x))


def test_weights_made_in_inference_mode() -> None:
    with torch.inference_mode():
        model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
        model(torch.randn(3, 4))
    program = tracejet.trace(model.eval(), arg_inputs=[batch(4)])
    x = torch.randn(3, 4)
    with torch.inference_mode():
        torch.testing.assert_close(program.module()(x), model(x))


# ---- process-wide settings -----------------------------------------------------------------------------------------


@contextmanager
def deterministic() -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def indexing(x: torch.Tensor) -> Any:
    y = x.clone()
    y[torch.tensor([0, 0])] = x[:1] * 2
    y.index_add_(0, torch.tensor([0]), x[:1])
    empty = torch.empty(3).fill_(1.0)
    return y, x.cumsum(0), empty, torch.zeros(3).scatter_add_(0, torch.tensor([1, 1]), x[0, :2])


def test_deterministic_algorithms_around_the_trace() -> None:
    with deterministic():
        program = tracejet.trace(Lambda(indexing), arg_inputs=[batch(3)])
        assert torch.are_deterministic_algorithms_enabled()
    x = torch.randn(4, 3)
    assert_equal(indexing(x), program.module()(x))


def test_deterministic_algorithms_in_forward() -> None:
    def forward(x: torch.Tensor) -> Any:
        with deterministic():
            return indexing(x)

    assert_same_as_eager(Lambda(forward), [batch(3)])


def made_by_default(x: torch.Tensor) -> Any:
    return (
        torch.zeros(2),
        torch.tensor([1.5]),
        torch.full((2,), 0.5),
        torch.arange(0.0, 1.0, 0.25),
        torch.linspace(0, 1, 3),
        torch.eye(2),
        torch.rand(2) * 0,
        torch.empty(2).fill_(1),
        x.long() / 2,
        x.long().float().mean() + torch.ones(1),
        torch.tensor(x.shape[0] / 2),
        x.sum().long().sqrt(),
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_the_default_dtype_is_that_of_the_trace_ever_after(dtype: torch.dtype) -> None:
    x = torch.rand(4, 3) + 1
    with default_dtype(dtype):
        program = tracejet.trace(Lambda(made_by_default), arg_inputs=[batch(3)])
        expected = made_by_default(x)
        assert torch.get_default_dtype() == dtype
    assert_equal(expected, program.module()(x))


def test_a_default_dtype_in_forward() -> None:
    def forward(x: torch.Tensor) -> Any:
        with default_dtype(torch.float64):
            return made_by_default(x)

    assert_same_as_eager(Lambda(forward), [batch(3)])


def test_a_default_device_in_forward() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        with torch.device("cpu"):
            return x + torch.arange(3) + torch.tensor([1.0, 2.0, 3.0])

    assert_same_as_eager(Lambda(forward), [batch(3)])


# ---- models without weights ----------------------------------------------------------------------------------------


def small_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).eval()


def test_a_model_on_meta_gets_its_weights_later() -> None:
    with torch.device("meta"):
        model = small_model()
    program = tracejet.trace(model, arg_inputs=[batch(3, 8, 8)], device="cpu")
    real = small_model()
    runner = program.module()
    runner.load_state_dict(real.state_dict(), assign=True)
    x = torch.randn(3, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(runner(x), real(x))


def test_a_model_on_meta_stays_there_where_nothing_else_is_said() -> None:
    with torch.device("meta"):
        model = small_model()
    program = tracejet.trace(model, arg_inputs=[batch(3, 8, 8)])
    assert program.module()(torch.empty(2, 3, 8, 8, device="meta")).shape == (2, 5)
    with pytest.raises(tracejet.ShapeError, match=r"one device.*device="):
        tracejet.trace(model, arg_inputs=[torch.randn(2, 3, 8, 8)])


@pytest.mark.parametrize("engine", ["openvino", "aten"])
def test_a_program_without_weights_can_not_be_compiled(engine: str) -> None:
    with torch.device("meta"):
        model = small_model()
    program = tracejet.trace(model, arg_inputs=[batch(3, 8, 8)], device="cpu")
    with pytest.raises(tracejet.InvalidInput, match=r"0\.weight: its data is on meta.*load the weights"):
        tracejet.compile(program, engine=engine)


# ---- attention -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["around", "inside"])
@pytest.mark.parametrize("backends", [[SDPBackend.MATH], [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]], ids=str)
def test_the_choice_of_an_attention_kernel_is_no_matter(backends: list[SDPBackend], where: str) -> None:
    def attend(x: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(x, x, x, is_causal=True)

    def forward(x: torch.Tensor) -> torch.Tensor:
        if where == "around":
            return attend(x)
        with sdpa_kernel(backends):
            return attend(x)

    if where == "inside":
        assert_same_as_eager(Lambda(forward), [batch(2, 5, 8)])
        return
    with sdpa_kernel(backends):
        assert_same_as_eager(Lambda(forward), [batch(2, 5, 8)])


def test_pythons_own_functions_stay_while_a_trace_runs() -> None:
    """Modules that are imported meanwhile, TorchDynamo among them, would keep others for good."""
    before, seen = dict(vars(builtins)), {}
    tracejet.trace(Lambda(lambda x: seen.update(vars(builtins)) or x + 1), [batch(3)])
    assert all(seen[name] is function for name, function in before.items())
