"""Models whose sizes, layers or state once took for ever to trace: they trace, and are as eager at every size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tracejet
from testing.compare import assert_same_as_eager
from testing.torchvision_shim import import_torchvision
from tests.support.lambda_module import Lambda
from tracejet import Input


def image(low: int, opt: int, high: int) -> Input:
    return Input(min_shape=(low, low), opt_shape=(opt, opt + 24), max_shape=(high, high))


class Pyramid(nn.Module):
    """Halves an image `levels` times, padded to be even, and cuts what is left into windows of 7 by 7."""

    def __init__(self, levels: int):
        super().__init__()
        self.levels = levels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(self.levels):
            x = F.pad(x, (0, x.shape[1] % 2, 0, x.shape[0] % 2))[0::2, 0::2]
        x = F.pad(x, (0, -x.shape[1] % 7, 0, -x.shape[0] % 7))
        return x.view(x.shape[0] // 7, 7, x.shape[1] // 7, 7).permute(0, 2, 1, 3).reshape(-1, 49)


@pytest.mark.parametrize("levels", [1, 3, 5])
def test_windows_of_an_image_that_was_halved_several_times(levels: int) -> None:
    assert_same_as_eager(Pyramid(levels), [image(64, 96, 224)])


def test_swin_takes_images_of_any_size() -> None:
    torch.manual_seed(0)
    swin = import_torchvision().models.swin_transformer.SwinTransformer
    model = swin([4, 4], 24, [2, 2, 2], [2, 2, 2], [7, 7], stochastic_depth_prob=0.0, num_classes=5).eval()
    x = Input(min_shape=(1, 3, 120, 120), opt_shape=(2, 3, 128, 144), max_shape=(3, 3, 224, 224), name="x")
    sizes = [(1, 120, 120), (2, 128, 144), (1, 121, 223), (3, 209, 150)]
    assert_same_as_eager(model, [x], [{"x_0": n, "x_2": h, "x_3": w} for n, h, w in sizes])


class Strided(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(3):
            x = F.unfold(F.pad(x, (1, 2, 2, 1)), 3, stride=2).mean(1)
            x = F.pad(x[:, : x.shape[1] // 2 * 2].reshape(x.shape[0], 1, 2, -1), (0, 0, 1, 1))
        return x


def test_sizes_that_are_padded_unfolded_and_halved_over_and_over() -> None:
    x = Input(min_shape=(1, 1, 40, 40), opt_shape=(2, 1, 50, 54), max_shape=(4, 1, 99, 99))
    assert_same_as_eager(Strided(), [x])


def remainders(n: torch.SymInt) -> torch.SymInt:
    for divisor in range(37, 62):
        n = n % divisor + n // 3 + n * 2
    return n


def extremes(n: torch.SymInt) -> torch.SymInt:
    for i in range(60):
        n = torch.sym_max(torch.sym_min(n + i, n * 2 - i), n // 2)
    return n


def quotients(n: torch.SymInt) -> torch.SymInt:
    for _ in range(3000):
        n = (n * 3 + 1) // 2 % 1009 + n % 5
    return n


@pytest.mark.parametrize("size", [remainders, extremes, quotients])
def test_a_size_that_grows_without_end_is_an_error_with_its_line(size: Callable[[Any], Any]) -> None:
    x = Input(min_shape=(2,), opt_shape=(6,), max_shape=(64,))
    with pytest.raises(tracejet.Error, match=rf"a size has become too complex.*\n.*in {size.__name__}: "):
        tracejet.trace(Lambda(lambda x: x.new_zeros(size(x.shape[0]))), arg_inputs=[x])


def test_one_stand_in_for_all_tensor_objects_of_a_parameter() -> None:
    class Writer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("total", torch.zeros(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for _ in range(50):
                self.total.data.add_(x)
            return self.total.detach() * 2

    assert_same_as_eager(Writer(), [torch.ones(3)])


@pytest.mark.parametrize("shared", [False, True])
def test_writes_to_many_buffers_are_as_eager(shared: bool) -> None:
    class Counters(nn.Module):
        def __init__(self, shared: bool) -> None:
            super().__init__()
            memory = torch.zeros(200, 2)
            for i in range(200):
                self.register_buffer(f"count{i}", memory[i] if shared else memory[i].clone())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for buffer in self.buffers():
                buffer.add_(x)
            return torch.stack(list(self.buffers()))

    assert_same_as_eager(Counters(shared), [torch.ones(2)])
