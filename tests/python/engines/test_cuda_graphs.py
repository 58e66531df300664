"""Programs on a GPU under CUDA graphs: every call gives what eager gives, and keeps it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from random import Random
from threading import Thread
from typing import Any

import pytest
import torch
import torch._dynamo  # older versions of PyTorch import it in the midst of a trace, which they don't survive
from torch import nn
from torch.export.passes import move_to_device_pass

import tracejet
from tests.support.cuda_graphs import assert_same, compiled, launches, net
from tests.support.lambda_module import Lambda
from tests.support.random_programs import random_program
from tracejet import Input

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def no_grad() -> Iterator[None]:
    with torch.no_grad():
        yield


def rows(low: int = 1, high: int = 64) -> Input:
    return Input(min_shape=(low, 16), opt_shape=(4, 16), max_shape=(high, 16))


def test_later_calls_of_a_size_are_replayed_and_earlier_results_stay() -> None:
    module = net()
    program = compiled(module, torch.randn(4, 16, device="cuda"))
    given = [torch.randn(4, 16, device="cuda") for _ in range(8)]
    results = [program(x) for x in given]
    for x, result in zip(given, results, strict=True):
        assert_same(result, module(x))
    assert launches(lambda: program(given[0])) == 1
    plain = compiled(module, torch.randn(4, 16, device="cuda"), cuda_graphs=False)
    for x in given:
        assert_same(plain(x), module(x))
    assert launches(lambda: plain(given[0])) == 0


@pytest.mark.parametrize("most", [1, 2, 16])
def test_each_size_has_a_graph_of_its_own(most: int) -> None:
    module = net()
    program = compiled(module, rows(), max_cuda_graphs=most)
    rng = Random(0)
    for _ in range(60):
        x = torch.randn(rng.choice([1, 2, 3, 5, 64]), 16, device="cuda")
        assert_same(program(x), module(x))


def test_inputs_in_any_layout() -> None:
    module = Lambda(lambda x: (x.t() @ x, x * 2, x)).cuda()
    program = compiled(module, Input(min_shape=(1, 16), opt_shape=(4, 16), max_shape=(32, 16)))
    for _ in range(4):
        for x in (
            torch.randn(8, 16, device="cuda"),
            torch.randn(16, 8, device="cuda").t(),
            torch.randn(16, 16, device="cuda")[::2],
            torch.randn(1, 16, device="cuda").expand(8, 16),
            torch.randn(9, 16, device="cuda")[1:],
        ):
            expected, got = module(x), program(x)
            assert_same(got, expected)
            assert got[2].data_ptr() == x.data_ptr()


class Counter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(16)
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("seen", torch.zeros(4, 16))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.calls += 1
        self.seen.copy_(x)
        return self.norm(x) * self.calls, self.seen


def test_buffers_change_as_in_eager() -> None:
    eager = Counter().cuda().train()
    model = copy.deepcopy(eager)
    program = compiled(model, torch.randn(4, 16, device="cuda"))
    for call in range(8):
        if call == 5:  # elsewhere in memory
            for module in (eager, model):
                module.calls.data = torch.full((1,), 10.0, device="cuda")
        x = torch.randn(4, 16, device="cuda")
        assert_same(program(x), eager(x))
        assert_same(dict(model.named_buffers()), dict(eager.named_buffers()))


def test_an_input_is_written_to_as_in_eager() -> None:
    def write(cache: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        cache[:2].add_(x)
        return cache.sum()

    module = Lambda(write).cuda()
    program = compiled(module, torch.zeros(4, 16, device="cuda"), torch.zeros(2, 16, device="cuda"))
    ours, theirs = torch.zeros(4, 16, device="cuda"), torch.zeros(4, 16, device="cuda")
    for _ in range(6):
        x = torch.randn(2, 16, device="cuda")
        assert_same(program(ours, x), module(theirs, x))
        assert_same(ours, theirs)


def test_random_numbers_are_those_of_eager() -> None:
    module = Lambda(lambda x: nn.functional.dropout(x, 0.5, True) + torch.rand_like(x)).cuda()
    program = compiled(module, torch.ones(64, 16, device="cuda"))
    plain = compiled(module, torch.ones(64, 16, device="cuda"), cuda_graphs=False)
    x = torch.ones(64, 16, device="cuda")
    torch.manual_seed(7)
    expected = [plain(x) for _ in range(6)] + [torch.rand(4, device="cuda")]
    torch.manual_seed(7)
    got = [program(x) for _ in range(6)] + [torch.rand(4, device="cuda")]
    assert_same(got, expected)
    assert not torch.equal(got[4], got[5])


def test_weights_that_lie_elsewhere_are_seen() -> None:
    module = nn.Linear(16, 8).cuda()
    program = compiled(module, torch.randn(4, 16, device="cuda"))
    x = torch.randn(4, 16, device="cuda")
    for call in range(9):
        if call % 3 == 0:
            module.weight.data = torch.randn(8, 16, device="cuda")
        assert_same(program(x), module(x))


def test_several_threads_with_streams_of_their_own() -> None:
    module = net()
    program = compiled(module, rows(), max_cuda_graphs=3)
    wrong: list[Any] = []

    def run(seed: int) -> None:
        rng = Random(seed)
        stream = torch.cuda.Stream()
        with torch.no_grad(), torch.cuda.stream(stream):
            for _ in range(150):
                x = torch.randn(rng.choice([1, 7, 32, 64]), 16, device="cuda")
                got, expected = program(x), module(x)
                stream.synchronize()
                if not torch.allclose(got, expected, atol=1e-4):
                    wrong.append((x.shape, (got - expected).abs().max().item()))

    threads = [Thread(target=run, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_call_can_be_part_of_a_graph_of_the_users() -> None:
    module = net()
    program = compiled(module, torch.randn(4, 16, device="cuda"))
    x = torch.randn(4, 16, device="cuda")
    for _ in range(3):
        program(x)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = program(x)
    x.copy_(torch.randn(4, 16, device="cuda"))
    graph.replay()
    assert_same(result, module(x))


def test_inference_mode_and_back() -> None:
    module = net()
    program = compiled(module, torch.randn(4, 16, device="cuda"))
    for call in range(8):
        with torch.inference_mode(call % 3 != 2):
            x = torch.randn(4, 16, device="cuda")
            assert_same(program(x), module(x))


def test_what_needs_too_much_memory_is_an_error_and_the_program_goes_on() -> None:
    module = Lambda(lambda x: (x[:, None] * x[None, :]).sum(1)).cuda()
    most = 1 << 20
    program = compiled(module, Input(min_shape=(1,), opt_shape=(8,), max_shape=(most,)))
    x = torch.randn(8, device="cuda")
    for _ in range(4):
        assert_same(program(x), module(x), 1e-4)
    for _ in range(2):
        with pytest.raises(torch.OutOfMemoryError, match="memory"):
            program(torch.randn(most, device="cuda"))  # 4 TiB
    for _ in range(4):
        assert_same(program(x), module(x), 1e-4)


def test_traced_on_a_cpu_and_moved() -> None:
    module = net().cpu()
    program = tracejet.trace(module, arg_inputs=[torch.randn(4, 16)], device="cuda")
    moved = move_to_device_pass(program, "cuda")
    run = tracejet.compile(moved)
    module.cuda()
    for _ in range(4):
        x = torch.randn(4, 16, device="cuda")
        assert_same(run(x), module(x))


def test_a_saved_program_has_them_again(tmp_path: Any) -> None:
    module = net()
    program = compiled(module, torch.randn(4, 16, device="cuda"))
    program.save(tmp_path / "program.pt2")
    loaded = tracejet.load(tmp_path / "program.pt2")
    for _ in range(4):
        x = torch.randn(4, 16, device="cuda")
        assert_same(loaded(x), module(x))
    assert launches(lambda: loaded(x)) == 1


def test_kernels_that_the_user_chooses_are_taken() -> None:
    module = nn.Linear(512, 512, bias=False).cuda()
    program = compiled(module, torch.randn(64, 512, device="cuda"))
    x = torch.randn(64, 512, device="cuda")
    try:
        for tf32 in (False, True, False, True):
            torch.backends.cuda.matmul.allow_tf32 = tf32
            for _ in range(3):
                assert_same(program(x), module(x), 1e-6)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False


@pytest.mark.parametrize("seeds", [range(start, start + 25) for start in range(0, 100, 25)], ids=str)
def test_random_programs(seeds: range) -> None:
    """Three calls at each size: as it is, recorded behind it, replayed."""
    compared = 0
    for seed in seeds:
        program = random_program(Random(seed), precisions=(torch.float64, torch.float32), converts=False)
        program.values = "plain"
        model, eager = program.model().cuda(), program.model().cuda()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                run = compiled(model, *program.inputs())
            except (tracejet.Error, NotImplementedError, RuntimeError):
                continue
            for end in ("opt", "low", "high"):
                sizes = {name: getattr(axis, end) for name, axis in program.axes.items()}
                for call in range(4):
                    args = [arg.cuda() for arg in program.arguments(sizes, call, laid_out=call == 3)]
                    theirs = [arg.clone() for arg in args]
                    try:
                        expected = eager(*theirs)
                    except Exception:  # eager refuses this size
                        break
                    got = run(*args)
                    assert_same((got, args), (expected, theirs), 2e-3)
                    assert_same(dict(model.named_buffers()), dict(eager.named_buffers()), 2e-3)
                    compared += 1
    assert compared > 50
