"""Forms in which a model may be traced: as it is, as TorchScript, from a file, as a part of another one."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable

import torch
from torch import nn

import tracejet
from testing.compare import assert_equal

Form = Callable[[nn.Module], nn.Module]


class TwoBuffers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("a", torch.zeros(2, 3))
        self.register_buffer("b", torch.ones(2, 3))


def as_module(model: nn.Module) -> nn.Module:
    return model


def as_script(model: nn.Module) -> nn.Module:
    return torch.jit.script(model)


def as_file(model: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(model), file)
    file.seek(0)
    return torch.jit.load(file)


def in_a_module(model: nn.Module) -> nn.Module:
    return nn.Sequential(torch.jit.script(model))


def assert_three_calls_leave_what_eager_leaves(kind: type[nn.Module], form: Form) -> None:
    """Results, inputs and buffers."""
    eager = form(kind())
    run = tracejet.trace(form(kind()), arg_inputs=[torch.ones(2, 3)]).module()
    for step in (1.0, -2.0, 3.0):
        x = torch.arange(6.0).view(2, 3) + step * 4
        given = x.clone()
        assert_equal(run(given), copy.deepcopy(eager(x)))
        assert torch.equal(given, x)
        for name, buffer in eager.named_buffers():
            assert torch.equal(dict(run.named_buffers())[name], buffer), name
