"""Programs on a GPU under CUDA graphs: every call gives what eager gives, and keeps it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from random import Random
from threading import Thread
from typing import Any

import pytest
import torch
import torch._dynamo  # older versions of PyTorch import it in the midst of a trace, which they don't survive
from torch import nn
from torch.export.passes import move_to_device_pass
from torch.utils import _pytree as pytree

import tracejet
from tests.support.lambda_module import Lambda
from tests.support.random_programs import random_program
from tracejet import Input

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def no_grad() -> Iterator[None]:
    with torch.no_grad():
        yield


def compiled(module: nn.Module, *inputs: Any, **settings: Any) -> Any:
    return tracejet.compile(tracejet.trace(module, arg_inputs=list(inputs), device="cuda"), **settings)


def assert_same(got: Any, expected: Any, tolerance: float = 1e-5) -> None:
    for ours, theirs in zip(pytree.tree_leaves(got), pytree.tree_leaves(expected), strict=True):
        if not isinstance(theirs, torch.Tensor):
            assert ours == theirs
            continue
        assert (ours.dtype, ours.device, ours.shape) == (theirs.dtype, theirs.device, theirs.shape)
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 8)).cuda().eval()


def rows(low: int = 1, high: int = 64) -> Input:
    return Input(min_shape=(low, 16), opt_shape=(4, 16), max_shape=(high, 16))


def launches(call: Callable[[], Any]) -> int:
    """How many graphs a call launches."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        call()
        torch.cuda.synchronize()
    return sum(event.count for event in profile.key_averages() if event.key == "cudaGraphLaunch")


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


def test_what_reads_data_turns_them_off_with_its_line() -> None:
    module = Lambda(lambda x: x[x > 0]).cuda()
    with pytest.warns(tracejet.BuildWarning, match=r"no CUDA graphs.*index(.|\n)*test_cuda_graphs.py"):
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
    with pytest.warns(tracejet.BuildWarning, match=r"more than one CUDA graph.*index(.|\n)*test_cuda_graphs.py"):
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
