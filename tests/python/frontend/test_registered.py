"""What a model has registered is found as PyTorch finds it, in one walk."""

import pytest
import torch
from torch import nn

import tracejet
from tracejet.frontend.registered import Registered, unique


class Prefixed(nn.Module):
    """Names its parameters in a way of its own, as FSDP does."""

    def __init__(self, wrapped: nn.Module):
        super().__init__()
        self.wrapped = wrapped

    def named_parameters(self, *args, **kwargs):
        for name, parameter in super().named_parameters(*args, **kwargs):
            yield name.removeprefix("wrapped."), parameter

    def forward(self, x):
        return self.wrapped(x)


class Nothing(nn.Module):
    """Has registered None three times."""

    def __init__(self):
        super().__init__()
        self.register_module("child", None)
        self.register_parameter("weight", None)
        self.register_buffer("scale", None)


def shared():
    layer = nn.Linear(2, 2)
    block = nn.Sequential(layer, nn.BatchNorm1d(2))
    model = nn.ModuleDict({"first": block, "again": block, "layer": layer, "nothing": Nothing()})
    model.own = model["layer"].weight
    model["layer"].register_buffer("alias", block[1].running_mean)
    return model


MODELS = {
    "shared": shared,
    "torchscript": lambda: torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))),
    "named otherwise": lambda: Prefixed(nn.Linear(2, 2)),
    "alone": lambda: nn.Linear(2, 2),
    "empty": nn.Identity,
}


def named(pairs):
    return [(name, id(value)) for name, value in pairs]


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_a_walk_finds_what_pytorch_finds(make):
    model = make()
    found = Registered.of(model)
    assert named(found.parameters) == named(model.named_parameters(remove_duplicate=False))
    assert named(found.buffers) == named(model.named_buffers(remove_duplicate=False))
    assert named(unique(found.parameters)) == named(model.named_parameters())
    if make is not MODELS["torchscript"]:  # whose modules are wrapped anew each time
        assert named(found.modules) == named(model.named_modules(remove_duplicate=False))
        assert named(unique(found.modules)) == named(model.named_modules())


def test_parameters_keep_the_names_that_their_module_gives_them():
    program = tracejet.trace(Prefixed(nn.Linear(2, 2)), arg_inputs=[torch.randn(3, 2)])
    assert set(program.state_dict) == {"weight", "bias"}


def test_a_module_that_holds_itself_is_refused():
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].parent = model
    with pytest.raises(tracejet.InvalidInput, match=r"0\.parent\.0\.parent.*holds itself"):
        tracejet.trace(model, arg_inputs=[torch.randn(3, 2)])


def test_modules_nested_deeply_keep_their_paths():
    model: nn.Module = nn.Linear(2, 2)
    for _ in range(100):
        model = nn.Sequential(model)
    program = tracejet.trace(model, arg_inputs=[torch.randn(3, 2)])
    assert set(program.state_dict) == {"0." * 100 + "weight", "0." * 100 + "bias"}
