"""Inductor's code under CUDA graphs: each call gives what eager gives, and keeps it."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import nn

import tracejet
from tests.support.cuda_graphs import assert_same, compiled, launches, net
from tracejet import Input
from tracejet.engines.inductor import toolchain

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(bool(toolchain.missing()), reason=toolchain.missing())]


@pytest.fixture(autouse=True)
def no_grad() -> Iterator[None]:
    with torch.no_grad():
        yield


def test_later_calls_of_a_size_are_replayed_and_earlier_results_stay() -> None:
    module = net()
    rows = Input(min_shape=(1, 16), opt_shape=(4, 16), max_shape=(64, 16))
    program = compiled(module, rows, engine="inductor", max_cuda_graphs=2)
    for size in (4, 7, 1, 64):
        given = [torch.randn(size, 16, device="cuda") for _ in range(5)]
        given.append(torch.randn(16, size, device="cuda").t())
        results = [program(x) for x in given]
        for x, result in zip(given, results, strict=True):
            assert_same(result, module(x), 1e-4)
        assert launches(lambda x=given[0]: program(x)) == 1  # type: ignore[misc]


def test_recordings_can_be_turned_off() -> None:
    module, x = net(), torch.randn(4, 16, device="cuda")
    program = compiled(module, x, engine="inductor", cuda_graphs=False)
    for _ in range(4):
        assert_same(program(x), module(x), 1e-4)
    assert launches(lambda: program(x)) == 0


class Counter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(16))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.mean.mul_(0.5).add_(x.mean(0))
        y.add_(x)
        return (x - self.mean).tanh(), x


def test_buffers_and_inputs_change_as_in_eager() -> None:
    eager = Counter().cuda()
    program = compiled(copy.deepcopy(eager), *[torch.randn(4, 16, device="cuda")] * 2, engine="inductor")
    for _ in range(5):
        x, ours = torch.randn(4, 16, device="cuda"), torch.randn(4, 16, device="cuda")
        theirs = ours.clone()
        expected, got = eager(x, theirs), program(x, ours)
        assert_same(got, expected)
        assert_same(ours, theirs)


def test_new_weights_are_recorded_anew() -> None:
    module, other, x = net(), net(), torch.randn(4, 16, device="cuda")
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.5)
    first = compiled(module, x, engine="inductor")
    second = tracejet.refit_module_weights(first, other, arg_inputs=[x])
    for _ in range(4):
        assert_same(first(x), module(x), 1e-4)
        assert_same(second(x), other(x), 1e-4)


def test_whoever_wins_a_race_is_recorded() -> None:
    module, x = net(), torch.randn(4, 16, device="cuda")
    program = compiled(module, x, effort="max")
    (part,) = program.report.parts
    assert part.measured.startswith("inductor ") and part.engine in ("inductor", "aten")
    assert_same(program(x), module(x), 1e-4)
    assert launches(lambda: program(x)) == 1
