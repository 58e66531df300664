"""What OpenVINO makes of reductions and of the arithmetic behind them (docs/engines/openvino.md): what eager makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tracejet import Input

CHANNELS = torch.tensor([3, -2, 1, 5, 4])

INTEGERS = (torch.int64, torch.int32, torch.uint8)


def values(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    x = torch.randint(0, 8, shape, generator=torch.Generator().manual_seed(0))
    return (x - 3 if dtype.is_signed else x).to(dtype)


def assert_right(function: Callable[..., Any], x: torch.Tensor, is_dynamic: bool = False, **attributes: Any) -> None:
    model = Lambda(function, **attributes)
    low, high = (1, *x.shape[1:]), (9, *x.shape[1:])
    declared = Input(min_shape=low, opt_shape=x.shape, max_shape=high, dtype=x.dtype) if is_dynamic else x
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[declared]), engine="openvino")
    assert_equal(model(x), compiled(x), 1e-5, "", least_scale=1.0)
    x = x.flip(0) + 1  # what the call before has left must not matter
    assert_equal(model(x), compiled(x), 1e-5, "again: ", least_scale=1.0)


def channels(r: torch.Tensor, axis: int) -> torch.Tensor:
    """Numbers that differ along an axis, constant for the compiler."""
    shape = [-1 if i == axis else 1 for i in range(r.dim())]
    return CHANNELS[: r.shape[axis]].to(r.dtype).view(shape)


REDUCTIONS = {
    "sum": lambda x, axis, keep: x.sum(axis, keepdim=keep),
    "amax": lambda x, axis, keep: x.amax(axis, keepdim=keep),
    "amin": lambda x, axis, keep: x.amin(axis, keepdim=keep),
    "count": lambda x, axis, keep: (x > 0).sum(axis, keepdim=keep),
    "norm": lambda x, axis, keep: x.float().norm(dim=axis, keepdim=keep),
}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2, (1, 2)])
@pytest.mark.parametrize("name", ["sum", "amax", "norm"])
def test_numbers_of_channels_behind_a_reduction(name, axis, keep):
    """A weight for each channel is applied to this channel, in tensors of three axes too."""
    reduce = REDUCTIONS[name]

    def steps(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        reduced = [reduce(x, axis, keep) for _ in range(3)]
        last = range(reduced[0].dim())
        first, second, third = reduced
        return (
            *(first * channels(first, i) for i in last),
            *((second + 1).relu() - channels(second, i) for i in last),
            *(third.unsqueeze(0) + channels(third, i) for i in last),
        )

    # One result at a time: what is used twice isn't fused.
    x = values((2, 3, 4), torch.float32)
    for output in range(len(steps(x))):
        assert_right(lambda x, output=output: steps(x)[output], x)


@pytest.mark.filterwarnings("ignore::tracejet.EngineWarning")
@pytest.mark.parametrize("is_dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("rank", [3, 4])
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_arithmetic_behind_a_reduction_of_integers(dtype, rank, is_dynamic):
    x = values((2, 3, 4, 2)[:rank], dtype)
    for reduce in (REDUCTIONS["sum"], REDUCTIONS["amax"], REDUCTIONS["amin"], REDUCTIONS["count"]):
        for axis in (1, (1, 2)):
            assert_right(lambda x, r=reduce, a=axis: 5 - r(x, a, False), x, is_dynamic)
            assert_right(lambda x, r=reduce, a=axis: (r(x, a, True) + 1).relu() * 2, x, is_dynamic)


def test_a_slope_for_each_channel_behind_a_reduction():
    slope = torch.tensor([0.5, 2.0, -1.0])
    assert_right(lambda x: F.prelu(x.mean(2), slope), values((2, 3, 4), torch.float32))


@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize("axis", [0, 1, 2, 3, (0, 1), (0, 3)])
def test_a_kept_axis_before_one_that_was_added(axis, place):
    """The axes stay where they are when what was added is moved past the reduction."""
    shape = [2, 3, 4]
    shape.insert(place, 1)
    for add in (lambda x: x.unsqueeze(place), lambda x: x.exp().view(shape)):
        for then in (lambda r: r, lambda r: r * torch.arange(shape[1]).view(-1, 1, 1)):
            assert_right(lambda x, f=add, g=then: g(f(x).sum(axis, keepdim=True)), values((2, 3, 4), torch.float32))


@pytest.mark.parametrize("is_dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("name", ["sum", "amax", "norm"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, reduce: reduce(x, (0, 1), False).T,
        lambda x, reduce: reduce(x, (0, 1), False).reshape(4, 1) * torch.arange(4).view(4, 1),
        lambda x, reduce: reduce(x.permute(3, 2, 0, 1), (2, 3), False),
        lambda x, reduce: reduce(x.transpose(2, 3), (0, 1), False) + 1,
        lambda x, reduce: reduce(x.permute(0, 2, 1, 3), 0, False).squeeze(0).view(12, 1),
        lambda x, reduce: reduce(x.squeeze(2), 1, False).view(-1, 1),
        lambda x, reduce: reduce(x.squeeze(2), 1, False).view(1, -1),
        lambda x, reduce: reduce(x, 2, False).unsqueeze(1).flatten(1, 2),
        lambda x, reduce: reduce(x, (0, 1), False).squeeze(0).unsqueeze(1),
    ],
)
def test_what_was_reduced_gets_another_shape(function, name, is_dynamic):
    assert_right(lambda x: function(x, REDUCTIONS[name]), values((2, 3, 1, 4), torch.float32), is_dynamic)


def test_what_was_reduced_is_a_result_too():
    """A value that is given back keeps its name and shape."""

    def all_of_it(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        r = x.unsqueeze(2).sum(0, keepdim=True)
        c = x.sum(2)
        return r, r + channels(r, 1), c, c * channels(c, 1)

    assert_right(all_of_it, values((2, 3, 4), torch.float32))


def test_nan_and_infinities_pass_what_keeps_them_apart():
    x = values((3, 3, 4), torch.float32)
    x[0, 0, 1], x[1, 1, 0], x[2, 2, 2] = torch.nan, torch.inf, -torch.inf
    assert_right(lambda x: x.sum(2) * channels(x.sum(2), 1), x)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("channels", [1, 3, 8, 13, 17])
@pytest.mark.parametrize("is_dynamic", [False, True])
def test_means_of_pooled_images_are_those_of_each_call(is_dynamic: bool, channels: int, keepdim: bool) -> None:
    images = torch.randn(3, channels, 4, 6, generator=torch.Generator().manual_seed(0))

    def means(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        pooled, averaged = F.max_pool2d(x, 2, 2, 1), F.avg_pool2d(x, 2)
        return pooled.mean([0, 2, 3], keepdim), averaged.mean([2, 3, 0], keepdim) * 2, pooled.var([0, 2, 3])

    assert_right(means, images, is_dynamic)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sum()[None] * torch.ones(1, 1),
        lambda x: x.sum().exp() + torch.zeros(1, 1, 1),
        lambda x: 2 - x.mean()[None].expand(1, 1) * torch.eye(1),
        lambda x: x.amax().reshape(1) * (torch.arange(1)[:, None] == torch.arange(1)).float(),
    ],
)
def test_a_number_has_the_axes_of_the_constant_that_it_meets(function: Callable[..., Any]) -> None:
    assert_right(function, torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), is_dynamic=True)
