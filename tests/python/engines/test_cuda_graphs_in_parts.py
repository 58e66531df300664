"""Programs of which CUDA graphs can't record all: what can is recorded in parts, or nothing is, with a warning."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator

import pytest
import torch
import torch._dynamo  # see test_cuda_graphs.py
from torch import nn

import tracejet
from tests.support.cuda_graphs import assert_same, compiled, launches, net
from tests.support.lambda_module import Lambda

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def no_grad() -> Iterator[None]:
    with torch.no_grad():
        yield


def test_what_reads_data_turns_them_off_with_its_line() -> None:
    module = Lambda(lambda x: x[x > 0]).cuda()
    with pytest.warns(tracejet.BuildWarning, match=r"no CUDA graphs.*index(.|\n)*test_cuda_graphs_in_parts"):
        program = compiled(module, torch.randn(4, 16, device="cuda"))
    for _ in range(4):
        x = torch.randn(4, 16, device="cuda")
        assert_same(program(x), module(x))


def test_what_cant_be_recorded_splits_them() -> None:
    first, second = net(), nn.Sequential(*(nn.Sequential(nn.Linear(8, 8), nn.GELU()) for _ in range(4))).cuda().eval()

    def run(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = nn.functional.softmax(nn.functional.layer_norm(torch.tanh(first(x)).sin().exp().cumsum(0), (8,)), -1)
        y = torch.cumsum(torch.sort(y * y @ second[0][0].weight, -1).values, 1)
        kept = y[y.sum(-1) > y.mean()]
        return second(kept), y

    module = Lambda(run, first=first, second=second).cuda()
    with pytest.warns(tracejet.BuildWarning, match=r"more than one CUDA graph.*index(.|\n)*test_cuda_graphs_in_parts"):
        program = compiled(module, torch.randn(4, 16, device="cuda"))
    x = torch.randn(4, 16, device="cuda")
    results = []
    for _ in range(8):
        x = torch.randn(4, 16, device="cuda")
        results.append((program(x), module(x)))
    for got, expected in results:
        assert_same(got, expected, 1e-4)
    assert launches(lambda: program(x)) >= 1


def test_a_number_that_data_give_is_never_an_old_one() -> None:
    def run(x: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
        n = count.item()
        for _ in range(6):
            x = torch.cumsum(torch.sort(x, -1).values, 0)
        return x * n + torch.softmax(x, -1)

    module = Lambda(run).cuda()
    with pytest.warns(tracejet.BuildWarning, match="more than one CUDA graph"):
        program = compiled(module, torch.randn(4, 16, device="cuda"), torch.tensor(3, device="cuda"))
    for number in (2, 3, 2, 3, 2, 3, 7):
        x, count = torch.randn(4, 16, device="cuda"), torch.tensor(number, device="cuda")
        assert_same(program(x, count), module(x, count), 1e-4)


def test_buffers_that_are_written_in_a_part_of_a_split_program() -> None:
    class Cache(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("kept", torch.zeros(1, 2, 8, 16))
            self.layers = nn.Sequential(*(nn.Sequential(nn.Linear(16, 16), nn.GELU()) for _ in range(8)))

        def forward(self, x: torch.Tensor, place: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            self.kept[:, :, place] = self.layers(x)
            y = torch.cumsum(torch.cumsum(self.kept.clone(), 0), 1)
            return y[y > 0].sum(), self.layers(y)

    eager = Cache().cuda().eval()
    model = copy.deepcopy(eager)
    x, place = torch.randn(1, 2, 3, 16, device="cuda"), torch.arange(3, device="cuda")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tracejet.BuildWarning)
        program = compiled(model, x, place)
    for call in range(7):
        x, place = torch.randn(1, 2, 3, 16, device="cuda"), torch.arange(3, device="cuda") + call % 5
        assert_same(program(x, place), eager(x, place), 1e-4)
        assert_same(model.kept, eager.kept)


def test_an_input_on_the_cpu_is_moved_and_the_rest_recorded() -> None:
    module = nn.Sequential(*(nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.LayerNorm(16)) for _ in range(6))).cuda()
    moving = Lambda(lambda x: module(x.to("cuda")), module=module)
    with pytest.warns(tracejet.BuildWarning, match="more than one CUDA graph.*on the CPU"):
        program = tracejet.compile(tracejet.trace(moving, arg_inputs=[torch.randn(4, 16)]))
    for pinned in (False, True, False, True, True):
        x = torch.randn(4, 16)
        x = x.pin_memory() if pinned else x
        assert_same(program(x), moving(x))
    assert launches(lambda: program(x)) == 1


def test_what_cant_be_recorded_turns_them_off_once_and_leaves_the_gpu_usable() -> None:
    module = Lambda(lambda x: torch.histc(x + 1, bins=4) + torch.rand(4, device="cuda") * 0).cuda()
    program = compiled(module, torch.randn(64, device="cuda"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(5):
            x = torch.randn(64, device="cuda")
            assert_same(program(x), module(x))
    said = [str(w.message) for w in caught if "CUDA graphs are off" in str(w.message)]
    assert len(said) == 1, [str(w.message) for w in caught]
    assert "histc" in said[0]
    assert torch.rand(8, device="cuda").unique().numel() > 1
    other = net()
    replayed = compiled(other, torch.randn(4, 16, device="cuda"))
    for _ in range(4):
        x = torch.randn(4, 16, device="cuda")
        assert_same(replayed(x), other(x))
    assert launches(lambda: replayed(x)) == 1
