"""device=: a program for a device that isn't there, traced as if the model were on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.export.passes import move_to_device_pass

import tracejet
from testing.compare import assert_equal
from tests.support.fake_devices import assert_devices_as_faked
from tests.support.lambda_module import Lambda, batch

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="shows what happens where there is no GPU")


def devices(program: torch.export.ExportedProgram) -> set[str]:
    """Where the tensors of a program are."""
    values = [value for node in program.graph.nodes for value in flat(node.meta.get("val"))]
    return {str(value.device) for value in values}


def flat(value: Any) -> list[torch.Tensor]:
    return [leaf for leaf in torch.utils._pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor)]


def results(program: torch.export.ExportedProgram) -> list[torch.Tensor]:
    """The fake tensors that a program gives."""
    output = next(node for node in program.graph.nodes if node.op == "output")
    return [node.meta["val"] for node in output.args[0]]


class Net(nn.Module):
    """Names its device in every way that models do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 5)
        self.register_buffer("scale", torch.full((5,), 0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.conv(x)).relu().mean((2, 3))
        device = next(self.parameters()).device
        offset = torch.arange(5, device=self.head.weight.device) + torch.zeros(5, device=device)
        return self.head(y) * self.scale + offset + torch.ones(5, device=x.device)


def test_a_program_for_cuda_is_the_program_for_the_cpu_elsewhere() -> None:
    torch.manual_seed(0)
    model = Net().eval()
    here = tracejet.trace(model, arg_inputs=[batch(3, 8, 8)])
    there = tracejet.trace(model, arg_inputs=[batch(3, 8, 8)], device="cuda")
    assert devices(here) == {"cpu"}
    assert devices(there) == {"cuda:0"}
    assert [str(node.target) for node in here.graph.nodes] == [str(node.target) for node in there.graph.nodes]
    assert all(parameter.device.type == "cpu" for parameter in model.parameters())

    moved = move_to_device_pass(there, "cpu").module()
    x = torch.randn(3, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(moved(x), model(x))


NAMES = {
    "zeros": lambda x: x + torch.zeros(3, device="cuda"),
    "tensor": lambda x: x + torch.tensor([1.0, 2.0, 3.0], device="cuda"),
    "tensor of a size": lambda x: x * torch.tensor([x.shape[0]], device="cuda"),
    "arange": lambda x: x + torch.arange(3, device=torch.device("cuda", 0)),
    "to": lambda x: x + torch.ones(3).to("cuda"),
    "to itself": lambda x: x.to("cuda") + 1,
    "cuda()": lambda x: x + torch.ones(3).cuda(),
    "cuda() of itself": lambda x: x.cuda().add_(1),
    "to like": lambda x: x + torch.ones(3).to(x),
    "non_blocking": lambda x: x + torch.ones(3).to(x.device, non_blocking=True),
    "device of x": lambda x: x + torch.ones(3, device=x.device),
    "index of x": lambda x: x + torch.ones(3, device=f"cuda:{x.get_device()}"),
    "is_cuda": lambda x: x + 1 if x.is_cuda else x - 1,
    "like": lambda x: x + torch.ones_like(x) + x.new_zeros(3) + torch.rand_like(x) * 0,
    "numbers go along": lambda x: x * torch.tensor(2.0) + torch.ones(()) + 1,
    "index from the cpu": lambda x: x[:, torch.tensor([2, 0])],
    "index written from the cpu": lambda x: x.clone().index_put_((torch.tensor([0]),), torch.tensor(1.0)),
    "copy": lambda x: torch.zeros(3, device="cuda").copy_(torch.arange(3.0)) + x,
    "back and forth": lambda x: (x.cpu() + torch.ones(3)).cuda(),
    "default device": lambda x: _with_default_device(x),
    "known value": lambda x: x + 1 if bool(torch.arange(3, device="cuda").sum() == 3) else x,
    "known sizes": lambda x: x[:, torch.tensor([1, 0, 1], device="cuda").nonzero()[:, 0]],
    "known item": lambda x: x * torch.tensor([3.0], device="cuda").item(),
    "printed": lambda x: (repr(x), x + 1)[1],
}


def _with_default_device(x: torch.Tensor) -> torch.Tensor:
    with torch.device("cuda"):
        return x + torch.ones(3) + torch.tensor([1.0, 0.0, 2.0])


def on_cpu(function: Callable[..., Any], x: torch.Tensor) -> Any:
    """What a program gives, run on the CPU."""
    program = tracejet.trace(Lambda(function), arg_inputs=[batch(3)], device="cuda")
    assert_devices_as_faked(program)
    assert all(value.device == torch.device("cuda", 0) for value in results(program))
    return move_to_device_pass(program, "cpu").module()(x)


@pytest.mark.parametrize("function", NAMES.values(), ids=NAMES)
def test_code_that_names_cuda(function: Callable[..., Any]) -> None:
    x = torch.randn(4, 3)
    expected = _as_on_cpu(function, x)
    assert_equal(expected, on_cpu(function, x.clone()))


def _as_on_cpu(function: Callable[..., Any], x: torch.Tensor) -> Any:
    """The same computation with "cuda" read as "cpu"."""
    program = tracejet.trace(Lambda(function), arg_inputs=[x.clone()], device="cuda")
    return move_to_device_pass(program, "cpu").module()(x.clone())


def test_views_need_no_layout_elsewhere() -> None:
    """Which layout an attention leaves depends on the kernel that a GPU picks."""

    def forward(x: torch.Tensor) -> torch.Tensor:
        return nn.functional.scaled_dot_product_attention(x, x, x).transpose(1, 2).contiguous().view(-1, 6)

    here, there = (tracejet.trace(Lambda(forward), [batch(2, 5, 3)], device=device) for device in ("cpu", "cuda"))
    assert torch.ops.aten.view.default in {node.target for node in here.graph.nodes}
    assert torch.ops.aten.view.default not in {node.target for node in there.graph.nodes}
    x = torch.randn(3, 2, 5, 3)
    torch.testing.assert_close(move_to_device_pass(there, "cpu").module()(x), forward(x))


def test_without_device_code_that_names_cuda_fails_as_in_eager() -> None:
    with pytest.raises((AssertionError, RuntimeError), match="CUDA|NVIDIA"):
        tracejet.trace(Lambda(lambda x: x + torch.zeros(3, device="cuda")), arg_inputs=[torch.ones(3)])


def test_an_input_alone_may_be_on_cuda() -> None:
    x = tracejet.Input((2, 3), device="cuda")
    program = tracejet.trace(Lambda(lambda x: x.relu() + torch.ones(3, device="cuda")), arg_inputs=[x])
    assert devices(program) == {"cuda:0"}


MIXED = {
    "add": lambda x: x + torch.ones(3),
    "matmul": lambda x: x @ torch.ones(3, 3),
    "cat": lambda x: torch.cat([x, torch.ones(1, 3)]),
    "where": lambda x: torch.where(torch.ones(3) > 0, x, x),
    "addcmul": lambda x: torch.addcmul(x, x, torch.ones(3)),
}


@pytest.mark.parametrize("function", MIXED.values(), ids=MIXED)
def test_tensors_on_two_devices_are_refused_as_in_eager(function: Callable[..., Any]) -> None:
    with pytest.raises(tracejet.ShapeError, match=r"one device, got .* on (cuda:0|cpu) and .*\n.*test_device\.py:\d+"):
        tracejet.trace(Lambda(function), arg_inputs=[batch(3)], device="cuda")


def test_a_tensor_that_is_no_buffer_stays_where_it_is() -> None:
    model = Lambda(lambda x: x + model.table, table=torch.ones(3))
    with pytest.raises(tracejet.ShapeError, match="one device"):
        tracejet.trace(model, arg_inputs=[batch(3)], device="cuda")


AUTOCASTS = {
    "float16": ({}, torch.float16),
    "bfloat16": ({"dtype": torch.bfloat16}, torch.bfloat16),
    "disabled": ({"enabled": False}, torch.float32),
}


@pytest.mark.parametrize(("options", "dtype"), AUTOCASTS.values(), ids=AUTOCASTS)
def test_autocast_for_cuda(options: dict[str, Any], dtype: torch.dtype) -> None:
    linear = nn.Linear(3, 3)

    def forward(x: torch.Tensor) -> Any:
        with torch.autocast("cuda", **options):
            y = linear(x)
            with torch.autocast("cpu"):
                z = linear(x)
        return y, z, linear(x), y.exp()

    program = tracejet.trace(Lambda(forward, linear=linear), arg_inputs=[batch(3)], device="cuda")
    assert [value.dtype for value in results(program)] == [dtype, dtype, torch.float32, dtype]


def test_cuda_is_as_it_was_afterwards() -> None:
    tracejet.trace(nn.Linear(3, 3), arg_inputs=[batch(3)], device="cuda")
    assert not torch.cuda.is_available()
    assert not torch.cuda.is_initialized()
    with pytest.raises((AssertionError, RuntimeError), match="CUDA|NVIDIA"):
        torch.zeros(1, device="cuda")
    with pytest.raises((AssertionError, RuntimeError), match="CUDA|NVIDIA"):
        torch.ones(1).cuda()
    with pytest.warns(UserWarning, match="CUDA is not available"):
        torch.autocast("cuda")


def test_is_available_stays_honest() -> None:
    seen = []
    tracejet.trace(Lambda(lambda x: seen.append(torch.cuda.is_available()) or x + 1), [batch(3)], device="cuda")
    assert seen == [False]


def test_a_program_for_cuda_is_saved_and_loaded(tmp_path: Any) -> None:
    program = tracejet.trace(Net().eval(), arg_inputs=[batch(3, 8, 8)], device="cuda:0")
    torch.export.save(program, tmp_path / "cuda.pt2")
    assert devices(torch.export.load(tmp_path / "cuda.pt2")) == {"cuda:0"}


@pytest.mark.parametrize("device", ["nowhere", 3.5, "vulkan", "cpu:x"])
def test_a_wrong_device_is_refused(device: Any) -> None:
    with pytest.raises(tracejet.InvalidInput, match="device"):
        tracejet.trace(nn.Linear(3, 3), arg_inputs=[batch(3)], device=device)


def test_strict_traces_for_a_device_too() -> None:
    linear = nn.Linear(3, 3)
    forward = Lambda(lambda x: linear(x) + torch.ones(3, device=x.device), linear=linear)
    program = tracejet.trace(forward, arg_inputs=[batch(3)], device="cuda", strict=True)
    assert devices(program) == {"cuda:0"}


@pytest.mark.parametrize(("engine", "message"), [("openvino", "openvino runs on the CPU"), ("aten", "move the model")])
def test_a_program_for_cuda_is_not_compiled_for_a_cpu(engine: str, message: str) -> None:
    program = tracejet.trace(nn.Linear(3, 3), arg_inputs=[batch(3)], device="cuda")
    with pytest.raises(tracejet.InvalidInput, match=f"weight: .*cuda:0.*{message}"):
        tracejet.compile(program, engine=engine)
