"""Programs that `trace` lowers anew compute what they computed, whoever made them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tracejet

Program = torch.export.ExportedProgram


class Net(nn.Module):
    """Attention, a norm, a buffer that is written, a constant, a dict, and a number that goes through."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.qkv = nn.LayerNorm(8), nn.Linear(8, 24)
        self.register_buffer("calls", torch.zeros(()))
        self.scale = torch.tensor([1.5, 2.0])

    def forward(self, x: torch.Tensor, factor: int = 2) -> dict[str, Any]:
        self.calls.add_(1)
        batch, length, _ = x.shape
        q, k, v = self.qkv(self.norm(x)).view(batch, length, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind()
        y = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, length, 8)
        return {"y": nn.functional.gelu(y) * factor, "rows": batch * 2, "scaled": y[..., :2] * self.scale + self.calls}


def of_trace(net: Net, folder: Path) -> Program:
    x = tracejet.Input(min_shape=(2, 3, 8), opt_shape=(4, 5, 8), max_shape=(16, 9, 8), name="x")
    return tracejet.trace(net, arg_inputs=[x], kwarg_inputs={"factor": 3}, decompositions="none")


def of_file(net: Net, folder: Path) -> Program:
    tracejet.save(of_trace(net, folder), folder / "net.pt2")
    return tracejet.load(folder / "net.pt2")


def of_export(net: Net, folder: Path) -> Program:
    batch, length = torch.export.Dim("batch", min=2, max=16), torch.export.Dim("length", min=3, max=9)
    shapes = {"x": {0: batch, 1: length}, "factor": None}
    return torch.export.export(net, (torch.randn(4, 5, 8),), {"factor": 3}, dynamic_shapes=shapes)


def of_exports_file(net: Net, folder: Path) -> Program:
    torch.export.save(of_export(net, folder).run_decompositions({}), folder / "net.pt2")
    return tracejet.load(folder / "net.pt2")


MAKERS = [of_trace, of_file, of_export, of_exports_file]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("decompositions", ["tensorrt", "core_aten", "none"])
def test_a_program_computes_the_same(make: Callable[[Net, Path], Program], decompositions: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Net().eval()
    eager = copy.deepcopy(net)  # a program writes to the buffers of its model
    program = make(net, tmp_path)
    before = {name: value.clone() for name, value in program.state_dict.items()}
    lowered = tracejet.trace(program, decompositions=decompositions)
    assert set(lowered.state_dict) == set(before)
    for name, value in program.state_dict.items():
        assert torch.equal(value, before[name])
    module = lowered.module()
    for size in ((2, 3), (4, 5), (16, 9), (7, 4)):
        x = torch.randn(*size, 8)
        torch.testing.assert_close(module(x, factor=3), eager(x, factor=3), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", MAKERS)
def test_the_set_decides_on_the_operators(make: Callable[[Net, Path], Program], tmp_path: Path) -> None:
    def operators(program: Program) -> set[str]:
        return {str(node.target) for node in program.graph.nodes if node.op == "call_function"}

    program = make(Net().eval(), tmp_path)
    attention = "aten.scaled_dot_product_attention.default"
    assert attention in operators(tracejet.trace(program))
    assert attention not in operators(tracejet.trace(program, decompositions="core_aten"))


def test_nodes_keep_their_lines_and_modules(tmp_path: Path) -> None:
    lowered = tracejet.trace(of_file(Net().eval(), tmp_path), decompositions="core_aten")
    norms = [node for node in lowered.graph.nodes if "norm" in str(node.meta.get("nn_module_stack"))]
    assert norms
    assert all("self.norm(x)" in node.meta["stack_trace"] for node in norms)


class Trained(nn.Module):
    """Batch norm in training writes its statistics in place in training IR."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def test_training_ir_with_batch_norm_updates_its_statistics() -> None:
    torch.manual_seed(0)
    net = Trained().train()
    eager = copy.deepcopy(net)
    batch = torch.export.Dim("batch", min=2, max=16)
    program = torch.export.export(net, (torch.randn(4, 3, 8, 8),), dynamic_shapes=({0: batch},))
    module = tracejet.trace(program).module()
    for size in (2, 4, 16):
        x = torch.randn(size, 3, 8, 8)
        torch.testing.assert_close(module(x), eager(x))
    for name, buffer in eager.named_buffers():
        torch.testing.assert_close(dict(module.named_buffers())[name], buffer)


class OfData(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        total = x.sum().item()
        return x * total, total * 2


@pytest.mark.parametrize("save", [torch.export.save, tracejet.save], ids=["torch", "tracejet"])
def test_floats_of_data_are_followed(save: Callable, tmp_path: Path) -> None:
    model, x = OfData(), torch.randn(3)
    if save is torch.export.save:
        program = torch.export.export(model, (x,)).run_decompositions({})
    else:
        program = tracejet.trace(model, arg_inputs=[x])
    save(program, tmp_path / "program.pt2")
    module = tracejet.trace(tracejet.load(tmp_path / "program.pt2"), decompositions="core_aten").module()
    for value in (x, torch.tensor([1.5, -4.0, 2.0])):
        torch.testing.assert_close(module(value), model(value))


def test_an_fx_graph_is_a_model_like_others() -> None:
    net = nn.Sequential(nn.Linear(4, 8), nn.GELU()).eval()
    x = tracejet.Input(min_shape=(1, 4), opt_shape=(2, 4), max_shape=(8, 4), name="x")
    module = tracejet.trace(torch.fx.symbolic_trace(net), arg_inputs=[x]).module()
    for batch in (1, 2, 8):
        example = torch.randn(batch, 4)
        torch.testing.assert_close(module(example), net(example))


def test_a_program_takes_no_other_inputs_and_no_diagnosis(tmp_path: Path) -> None:
    program = of_trace(Net().eval(), tmp_path)
    with pytest.raises(tracejet.InvalidInput, match="knows its inputs"):
        tracejet.trace(program, arg_inputs=[torch.randn(2, 3, 8)])
    with pytest.raises(tracejet.InvalidInput, match="device"):
        tracejet.trace(program, device="cuda")
    with pytest.raises(tracejet.InvalidInput, match="ExportedProgram"):
        tracejet.diagnose(program)
