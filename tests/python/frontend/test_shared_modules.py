"""Weights and modules that are shared, modules with hooks, and modules inside of others."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda, batch

# ---- sharing -------------------------------------------------------------------------------------------------------


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embed.weight
        self.norm = nn.LayerNorm(4)
        self.again = self.norm
        self.register_buffer("a", torch.zeros(4))
        self.register_buffer("b", self.a)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        self.a.add_(1)
        return self.head(self.again(self.norm(self.embed(tokens)))) + self.b.sum()


def test_tied_weights_and_shared_modules_are_one() -> None:
    model, eager = Tied(), Tied()
    eager.load_state_dict(model.state_dict())
    program = tracejet.trace(model, arg_inputs=[torch.arange(5)])
    assert program.state_dict["head.weight"] is program.state_dict["embed.weight"]
    assert set(program.state_dict) == set(model.state_dict())
    runner, tokens = program.module(), torch.arange(5)
    for _ in range(3):
        with torch.no_grad():
            torch.testing.assert_close(runner(tokens), eager(tokens))


def test_a_new_value_of_a_shared_weight_reaches_every_use() -> None:
    model, eager = Tied(), Tied()
    eager.load_state_dict(model.state_dict())
    runner = tracejet.trace(model, arg_inputs=[torch.arange(5)]).module()
    with torch.no_grad():
        for module in (eager, runner):
            dict(module.named_parameters())["embed.weight"].mul_(0.25)
        torch.testing.assert_close(runner(torch.arange(5)), eager(torch.arange(5)))


def test_parameters_that_are_views_of_one_another() -> None:
    base = torch.randn(2, 3)
    model = Lambda(lambda x: x * model.whole + model.row, whole=nn.Parameter(base), row=nn.Parameter(base[0]))
    assert_same_as_eager(model, [batch(2, 3)])


# ---- hooks ---------------------------------------------------------------------------------------------------------


def test_hooks_are_part_of_the_program() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    model[0].register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    model[1].register_forward_hook(lambda module, args, output: output + args[0].mean())
    model[2].register_forward_hook(lambda module, args, kwargs, output: output - 1, with_kwargs=True)
    model.register_forward_pre_hook(lambda module, args, kwargs: ((args[0] + 1,), kwargs), with_kwargs=True)
    model[2].register_full_backward_hook(lambda *_: None)
    assert_same_as_eager(model, [batch(3)])


def test_global_hooks_are_part_of_the_program() -> None:
    handles = [
        nn.modules.module.register_module_forward_pre_hook(lambda module, args: (args[0] + 1,)),
        nn.modules.module.register_module_forward_hook(lambda module, args, output: output * 2),
    ]
    model, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU()), torch.randn(2, 3)
    try:
        program = tracejet.trace(model, arg_inputs=[x])
        expected = model(x)
    finally:
        for handle in handles:
            handle.remove()
    torch.testing.assert_close(program.module()(x), expected)


def test_a_hook_that_gathers_activations_leaves_nothing_in_the_model() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    gathered: list[Any] = []
    model[0].register_forward_hook(lambda module, args, output: gathered.append(output))
    program = tracejet.trace(model, arg_inputs=[torch.ones(2, 3)])
    assert torch.equal(program.module()(torch.ones(2, 3)), model(torch.ones(2, 3)))
