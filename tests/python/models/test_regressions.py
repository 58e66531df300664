"""Small models for what once went wrong, or goes wrong easily: a wrong value, a crash, or a silent specialisation."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal, assert_same_as_eager
from tests.support.lambda_module import Lambda, batch
from tracejet import Input

SYMBOLIC_SCALARS = {
    "times a size": lambda x: x * x.shape[0],
    "over a size": lambda x: x / x.shape[0],
    "size over": lambda x: x.shape[0] / (x + 1),
    "plus half a size": lambda x: x + x.shape[0] * 0.5,
    "times a true quotient of sizes": lambda x: x * (x.shape[0] / 3),
    "times a root": lambda x: x * x.shape[0] ** 0.5,
    "clamped by a size": lambda x: x.clamp(max=x.shape[0] - 2),
    "compared with a size": lambda x: x * 4 > x.shape[0],
    "filled with a size": lambda x: torch.full_like(x, x.shape[0]),
    "a new tensor of a size": lambda x: x.new_full((2,), x.shape[0]) + torch.full((2,), x.shape[0] + 1),
    "added with alpha": lambda x: torch.add(x, x, alpha=x.shape[0]),
    "range of a size": lambda x: torch.arange(x.shape[0]),
    "a size as output": lambda x: (x, x.shape[0], x.numel()),
}


@pytest.mark.parametrize("function", SYMBOLIC_SCALARS.values(), ids=SYMBOLIC_SCALARS)
def test_arithmetic_with_sizes_stays_symbolic(function: Callable[..., Any]) -> None:
    assert_same_as_eager(Lambda(function), [batch(3)])


READS = {
    "numpy": lambda x: torch.from_numpy((x + 1).numpy()),
    "data_ptr": lambda x: x + (x * 2).data_ptr(),
    "untyped_storage": lambda x: x + (x * 2).untyped_storage().data_ptr(),
}


@pytest.mark.parametrize("function", READS.values(), ids=READS)
def test_reading_memory_that_is_not_there_raises(function: Callable[..., Any]) -> None:
    with pytest.raises(tracejet.Error):
        tracejet.dynamo.trace(Lambda(function), arg_inputs=[torch.ones(3)])


BRANCHES = {
    "if": lambda x: x + 1 if x.sum() > 0 else x - 1,
    "if not zero": lambda x: x + 1 if x.sum() else x - 1,
    "range": lambda x: x * sum(range(x.max().int())),
}


@pytest.mark.parametrize("function", BRANCHES.values(), ids=BRANCHES)
def test_python_that_reads_values_is_refused_with_its_line(function: Callable[..., Any]) -> None:
    with pytest.raises(tracejet.DataDependent, match=r"test_regressions\.py:\d+"):
        tracejet.dynamo.trace(Lambda(function), arg_inputs=[torch.ones(3)])


SPECIALISATIONS = {
    "index": lambda x: x * operator.index(x.shape[0]),
    "range": lambda x: sum(x[i] for i in range(x.shape[0])),
    "iteration": lambda x: torch.cat([row * 2 for row in x]),
    "unbind": lambda x: torch.cat(x.unbind(0)),
    "math.sqrt": lambda x: x * math.log(x.shape[0]),
    "branch": lambda x: x + 1 if x.shape[0] > 4 else x - 1,
    "view": lambda x: x.view(2, -1) + x.view(4, 3).sum(),
}


@pytest.mark.parametrize("function", SPECIALISATIONS.values(), ids=SPECIALISATIONS)
def test_a_specialised_dimension_is_never_silent(function: Callable[..., Any]) -> None:
    with pytest.raises(tracejet.ConstraintViolation, match=r"batch|x\[0\]|args"):
        tracejet.dynamo.trace(Lambda(function), arg_inputs=[batch(3)])


class RebindsABuffer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.total = self.total + x.sum(0)
        return x + self.total


class CachesATensor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cache: dict[int, torch.Tensor] = {}
        self.last = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1] not in self.cache:
            self.cache[x.shape[1]] = torch.arange(x.shape[1]) * 2.0
        self.last = x * 2
        return x + self.cache[x.shape[1]]


def test_a_buffer_bound_anew_in_forward_is_updated() -> None:
    assert_same_as_eager(RebindsABuffer(), [batch(3)])


def test_tensors_cached_in_attributes_do_not_leak_out_of_the_trace() -> None:
    model = CachesATensor()
    assert_same_as_eager(model, [batch(3)])
    assert model.cache == {}
    assert model.last is None


DATA_DEPENDENT = {
    "nonzero": lambda x: (x > 1).nonzero(),
    "mask": lambda x: x[x > 1] * 2,
    "mask of rows": lambda x: x[x[:, 0] > 1].sum(0),
    "mask and slice": lambda x: x[:, torch.tensor([True, False, True])],
    "masked_select": lambda x: torch.masked_select(x, x > 1),
    "unique": lambda x: torch.unique(x.round()),
}


@pytest.mark.parametrize("function", DATA_DEPENDENT.values(), ids=DATA_DEPENDENT)
def test_sizes_that_hang_on_data_are_symbols(function: Callable[..., Any]) -> None:
    assert_same_as_eager(Lambda(function), [batch(3)])


def test_an_item_of_integers_is_a_symbol() -> None:
    def narrowed(x: torch.Tensor, n: torch.Tensor) -> Any:
        size = n.item()
        torch._check(size >= 1)
        torch._check(size <= 8)
        return torch.zeros(size, 4) + 1, x.narrow(0, 0, size).sum(0), size

    program = assert_same_as_eager(Lambda(narrowed), [torch.randn(8, 4), torch.tensor(3)])
    x = torch.randn(8, 4)
    assert_equal(narrowed(x, torch.tensor(5)), program.module()(x, torch.tensor(5)))


def test_repeats_may_be_data() -> None:
    model = Lambda(lambda x, n: torch.repeat_interleave(x, n, 0))
    program = assert_same_as_eager(model, [torch.randn(4, 3), torch.tensor([1, 2, 0, 3])])
    x, n = torch.randn(4, 3), torch.tensor([2, 2, 1, 1])
    assert_equal(model(x, n), program.module()(x, n))


def test_lists_of_integers_are_symbols() -> None:
    def parts(x: torch.Tensor, n: torch.Tensor) -> Any:
        first, second = n.tolist()
        return torch.split(x, [first, second])

    program = assert_same_as_eager(Lambda(parts), [torch.randn(8, 3), torch.tensor([3, 5])])
    x = torch.randn(8, 3)
    assert_equal(parts(x, torch.tensor([6, 2])), program.module()(x, torch.tensor([6, 2])))


def test_shifts_by_a_number() -> None:
    assert_same_as_eager(Lambda(lambda x: (x << 2, x >> 1)), [batch(3, dtype=torch.int64)])


class OutgrowsItsBuffer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("positions", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.positions.shape[0] != x.shape[1]:
            self.positions = torch.arange(x.shape[1]) * 0.5
        return x + self.positions


def test_a_buffer_that_grows_to_what_every_call_would_make_of_it_is_made_by_every_call() -> None:
    model = OutgrowsItsBuffer()
    program = tracejet.dynamo.trace(model, arg_inputs=[batch(3)])
    x = torch.randn(2, 3)
    assert_equal(x + torch.arange(3) * 0.5, program.module()(x))
    assert model.positions.shape == (1,)


def view_of_what_is_written(x: torch.Tensor) -> Any:
    """Eager's `y` keeps its strides when it is written to; the program's new tensor may have others."""
    y = x.transpose(1, 2) * 1
    rows = y.transpose(1, 2).view(x.shape[0], -1)
    y[:, 0] = 7
    y[:, :2].mul_(2)
    return rows + 1, y.transpose(1, 2).view(-1)


@pytest.mark.parametrize("given", [batch(4, 3), torch.randn(2, 4, 3)], ids=["dynamic", "static"])
def test_a_view_shows_what_was_written_later(given: Any) -> None:
    assert_same_as_eager(Lambda(view_of_what_is_written), [given])


def strided_and_then_written(x: torch.Tensor) -> torch.Tensor:
    y = torch.zeros(x.shape[0], 4, 2, 3)
    part = y.as_strided((x.shape[0], 4, 2), (24, 6, 1))
    y.permute(0, 2, 1, 3)[:, :1] = x[:, None]
    return part + 1


def strided_after_it_was_written(x: torch.Tensor) -> torch.Tensor:
    y = x.transpose(1, 2) * 1
    y[:, 1:] = 7
    return y.as_strided((2, 2), (3, 1))


def written_through_strides(x: torch.Tensor) -> torch.Tensor:
    y = torch.zeros(x.shape[0], 4, 2, 3)
    part = y.as_strided((x.shape[0], 4, 2), (24, 6, 1))
    y.permute(0, 2, 1, 3)[:, :1] = x[:, None]
    part.fill_(1)
    return y


@pytest.mark.parametrize("function", [strided_and_then_written, strided_after_it_was_written, written_through_strides])
@pytest.mark.parametrize("given", [batch(4, 3), torch.randn(2, 4, 3)], ids=["dynamic", "static"])
def test_as_strided_of_what_is_written_is_refused(function: Callable[..., Any], given: Any) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="memory"):
        tracejet.trace(Lambda(function), arg_inputs=[given])


def test_as_strided_may_be_written_through() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        y = x * 2
        y.as_strided((2, 2), (4, 1)).add_(1)
        return y

    assert_same_as_eager(Lambda(function), [torch.randn(3, 4)])


def test_as_strided_may_follow_writes_that_leave_strides_alone() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        y = x + 1
        y /= 2
        y[:, 0] = 7
        rows = y.view(2, 6).as_strided((3, 4), (2, 1))
        y.mul_(2)
        return rows + 1

    assert_same_as_eager(Lambda(function), [torch.randn(3, 4)])


def test_a_view_that_strides_do_not_bear_is_an_error_as_in_eager() -> None:
    with pytest.raises(tracejet.ShapeError, match="can't be viewed"):
        tracejet.trace(Lambda(lambda x: x.transpose(1, 2).view(x.shape[0], -1)), arg_inputs=[batch(4, 3)])


SPECTRA: dict[str, Callable[[torch.Tensor, torch.Tensor], Any]] = {
    "stft": lambda x, window: torch.stft(x, 64, 16, window=window, return_complex=True).abs(),
    "stft without a window": lambda x, window: torch.stft(
        x, 32, center=False, normalized=True, return_complex=True
    ).abs(),
    "there and back": lambda x, window: torch.istft(
        torch.stft(x, 64, 16, window=window, return_complex=True), 64, 16, window=window, length=256
    ),
}


@pytest.mark.parametrize("function", SPECTRA.values(), ids=SPECTRA)
@pytest.mark.parametrize("given", [batch(256), torch.randn(2, 256)], ids=["dynamic", "static"])
def test_short_time_fourier_transforms(function: Callable[..., Any], given: Any) -> None:
    window = torch.hann_window(64)
    assert_same_as_eager(Lambda(lambda x: function(x, window)), [given])


def test_istft_refuses_windows_that_add_up_to_zero_when_it_runs() -> None:
    model = Lambda(lambda x, window: torch.istft(torch.complex(x, x), 8, 8, window=window, center=False))
    program = tracejet.trace(model, arg_inputs=[torch.randn(5, 4), torch.ones(8)])
    program.module()(torch.randn(5, 4), torch.ones(8))
    with pytest.raises(RuntimeError, match="add up to zero"):
        program.module()(torch.randn(5, 4), torch.zeros(8))


def test_affine_grid_of_a_dynamic_batch() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        theta = torch.eye(2, 3).expand(x.shape[0], 2, 3)
        grid = nn.functional.affine_grid(theta, x.shape, align_corners=False)
        return nn.functional.grid_sample(x, grid, align_corners=False)

    assert_same_as_eager(Lambda(function), [batch(3, 5, 5)])


#: At some sizes, or all, an axis of symbolic size is 1, and the layout of what is computed isn't what it is elsewhere.
LAYOUTS_THAT_HANG_ON_SIZES = {
    "an axis that is 1 at all sizes but not by its name": lambda x: (
        x.permute(2, 0, 1).clone()[:, :, -2:][:, :, :-1] / 2 < torch.arange(3)
    ),
    "a broadcast slice first": lambda x: x.permute(2, 0, 1)[:, :, :1] + x.permute(1, 0, 2),
    "an outer product": lambda x: x.permute(2, 0, 1)[:, :, :1, None] * x.permute(1, 0, 2)[:, :, None],
    "a copy of a slice": lambda x: x.permute(2, 0, 1)[:, :, : x.shape[1] // 2].clone(),
    "images of dynamic size": lambda x: torch.nn.functional.avg_pool2d(x[None].permute(0, 2, 3, 1)[:, :, :1], 1),
}


@pytest.mark.parametrize("function", LAYOUTS_THAT_HANG_ON_SIZES.values(), ids=LAYOUTS_THAT_HANG_ON_SIZES)
def test_a_reshape_holds_at_every_size_whatever_the_layout_is_there(function: Callable[..., Any]) -> None:
    def forward(x: torch.Tensor) -> Any:
        y = function(x)
        return y, y.reshape(y.shape[0], -1), y.flatten(1), y.transpose(0, 1).reshape(-1)

    image = Input(min_shape=(3, 1, 1), opt_shape=(3, 6, 6), max_shape=(3, 6, 6), shared_dims={1: "n", 2: "n"})
    program = tracejet.trace(Lambda(forward), [image])
    for run in (program.module(), tracejet.compile(program, engine="aten")):
        for n in (2, 3, 6):
            x = torch.randn(3, n, n)
            assert_equal(forward(x), run(x))
