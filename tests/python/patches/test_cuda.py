"""Models on a GPU: traced without touching it, and their programs give there what the models give."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

import tracejet
from testing.compare import assert_equal, assert_same_as_eager, outcome, sizes_to_try
from testing.models import SMALL_MODELS
from tests.support.fake_devices import assert_devices_as_faked
from tests.support.lambda_module import Lambda, batch

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def _exact_float32() -> Iterator[None]:
    """Convolutions round to TF32 otherwise, each kernel in its own way."""
    with torch.backends.cudnn.flags(allow_tf32=False):
        yield


@contextmanager
def gpu_left_alone() -> Iterator[None]:
    """Fails where something is allocated, copied or computed on the GPU."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_stats()["allocation.all.allocated"]
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        yield
    assert [event.name for event in profiler.events() if event.device_type == DeviceType.CUDA] == []
    assert torch.cuda.memory_stats()["allocation.all.allocated"] == before


def test_a_look_at_the_gpu_would_be_seen() -> None:
    with pytest.raises(AssertionError), gpu_left_alone():
        torch.zeros(3, device="cuda")


class Net(nn.Module):
    """Layers of several kinds, a buffer that is written, and a tensor that is neither parameter nor buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 5)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.table = torch.arange(5.0, device="cuda")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        y = self.norm(self.conv(x)).relu().mean((2, 3))
        if bool(torch.arange(3, device=x.device).sum() == 3):
            y = y * torch.tensor([2.0], device="cuda").item()
        return self.head(y) + self.table + torch.ones(5, device=x.device)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(6, 8, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        output, (hidden, _) = self.lstm(x)
        return output, hidden


def _in_half(x: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cuda", dtype=torch.bfloat16):
        return torch.nn.functional.scaled_dot_product_attention(x, x, x) @ x.transpose(-1, -2)


def _on_both_devices(x: torch.Tensor) -> torch.Tensor:
    return (x.cpu() * 2).cuda() + x[:, torch.tensor([2, 0, 1])] * torch.tensor(3.0)


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "convolution": (lambda: Net().eval(), (3, 8, 8)),
    "batch norm in training": (lambda: Net().train(), (3, 8, 8)),
    "recurrent": (Recurrent, (5, 6)),
    "attention": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(), (5, 8)),
    "autocast": (lambda: Lambda(_in_half), (2, 16, 16)),
    "two devices": (lambda: Lambda(_on_both_devices), (3,)),
    "sizes that depend on data": (lambda: Lambda(lambda x: x[x > 0].cumsum(0)), (3,)),
    "sorted": (lambda: Lambda(lambda x: (x.sort(-1), x.topk(2, -1))), (7,)),
    "spectrum": (lambda: Lambda(lambda x: torch.fft.rfft(x).abs()), (16,)),
}


@pytest.mark.parametrize(("build", "shape"), MODELS.values(), ids=MODELS)
def test_a_model_on_a_gpu(build: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model = build().cuda()
    x = batch(*shape, device="cuda")
    with gpu_left_alone():
        program = tracejet.trace(model, arg_inputs=[x])
    assert_devices_as_faked(program)
    low = 2 if model.training and isinstance(model, Net) else 1
    sizes = [{"batch": size} for size in (4, low, 9)]
    tolerance = 3e-2 if build is MODELS["autocast"][0] else 1e-4
    assert_same_as_eager(model, [x], sizes, tolerance=tolerance)


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_models_on_a_gpu_run_there_with_aten(name: str) -> None:
    case = SMALL_MODELS[name]
    model = case.module()
    args, kwargs = case.tracejet_inputs()
    expected = tracejet.trace(model, arg_inputs=args, kwarg_inputs=kwargs, device="cuda")
    model.cuda()
    with gpu_left_alone():
        program = tracejet.trace(model, arg_inputs=args, kwarg_inputs=kwargs, device="cuda")
    assert [str(node) for node in program.graph.nodes] == [str(node) for node in expected.graph.nodes]
    assert_devices_as_faked(program)
    compiled = tracejet.compile(program, engine="aten")
    for sizes in sizes_to_try(tracejet.frontend.binding.bind(model, args, kwargs).dims):
        example = torch.utils._pytree.tree_map_only(torch.Tensor, torch.Tensor.cuda, case.example(sizes))
        assert_equal(outcome(model, example)["output"], outcome(compiled, example)["output"], 1e-3)


def test_a_static_input_on_a_gpu_isnt_read() -> None:
    linear, x = nn.Linear(3, 4).cuda(), torch.randn(2, 3, device="cuda")
    with gpu_left_alone():
        program = tracejet.trace(linear, arg_inputs=[x])
    torch.testing.assert_close(program.module()(x), linear(x))


def test_a_model_on_a_gpu_is_traced_for_the_cpu() -> None:
    model = nn.Linear(3, 4).cuda()
    with gpu_left_alone():
        program = tracejet.trace(model, arg_inputs=[batch(3)], device="cpu")
    assert_devices_as_faked(program)
    assert all(node.meta["val"].device.type == "cpu" for node in program.graph.nodes if "val" in node.meta)
    with pytest.raises(tracejet.InvalidInput, match="weight: its data is on cuda:0.*move the model there"):
        tracejet.compile(program, engine="aten")
    assert model.weight.is_cuda


def test_openvino_refuses_a_program_for_a_gpu() -> None:
    program = tracejet.trace(nn.Linear(3, 4).cuda(), arg_inputs=[batch(3, device="cuda")])
    with pytest.raises(tracejet.InvalidInput, match="openvino runs on the CPU"):
        tracejet.compile(program, engine="openvino")


def test_tensors_on_two_devices_are_refused_as_in_eager() -> None:
    with pytest.raises(tracejet.ShapeError, match="one device, got"):
        tracejet.trace(Lambda(lambda x: x + torch.ones(3)), arg_inputs=[batch(3, device="cuda")])


IN_A_FRESH_PROCESS = """
import torch, tracejet
import torch._dynamo  # see test_cuda_graphs.py
linear = torch.nn.Linear(3, 4)
program = tracejet.trace(linear, arg_inputs=[tracejet.Input((2, 3))], device="cuda")
assert not torch.cuda.is_initialized()
x = torch.randn(2, 3, device="cuda")
linear.cuda()
program = tracejet.trace(linear, arg_inputs=[x])
torch.testing.assert_close(program.module()(x), linear(x))
"""


def test_a_trace_for_a_gpu_doesnt_start_cuda_and_leaves_it_usable() -> None:
    subprocess.run([sys.executable, "-c", IN_A_FRESH_PROCESS], check=True)
