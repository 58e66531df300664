"""What a model writes to its buffers, parameters and inputs: the writes are in the program, the model is as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tracejet
from testing.compare import assert_unchanged, snapshot
from tests.support.lambda_module import Lambda
from tests.support.model_state import assign, calls_agree, three


class WithBuffer(nn.Module):
    """Runs `update(self, x)`; has a buffer `total` of three zeros, and one that isn't saved."""

    def __init__(self, update: Callable[[Any, torch.Tensor], Any]):
        super().__init__()
        self.register_buffer("total", torch.zeros(3))
        self.register_buffer("mask", torch.ones(3, dtype=torch.bool), persistent=False)
        self.update = update

    def forward(self, x: torch.Tensor) -> Any:
        return self.update(self, x)


BUFFER_WRITES = {
    "in place": lambda m, x: (m.total.add_(x.sum(0)), x + m.total)[1],
    "item": lambda m, x: (m.total.__setitem__(1, x.sum()), x + m.total)[1],
    "slice": lambda m, x: (m.total[1:].copy_(x[0, 1:]), x + m.total)[1],
    "view": lambda m, x: (m.total.view(3, 1)[0].fill_(5), x + m.total)[1],
    "by data": lambda m, x: (m.total.data.add_(x.sum(0)), x + m.total)[1],
    "detached": lambda m, x: (m.total.detach().mul_(0.5).add_(x[0]), x + m.total)[1],
    "out": lambda m, x: (torch.add(m.total, x[0], out=m.total), x + m.total)[1],
    "index_put": lambda m, x: (m.total.index_put_((torch.tensor([0, 2]),), x[0, :2], accumulate=True), x + m.total)[1],
    "masked": lambda m, x: (m.mask.logical_and_(x[0] > 0), m.total.masked_fill_(m.mask, 2.0), x + m.total)[2],
    "bound": lambda m, x: (assign(m, total=m.total + x.sum(0)), x + m.total)[1],
    "bound and written": lambda m, x: (assign(m, total=m.total + x[0]), m.total.mul_(2), x + m.total)[2],
    "bound to an input": lambda m, x: (x + m.total, assign(m, total=x[0].clone()))[0],
    "bound to a constant": lambda m, x: (x + m.total, assign(m, total=torch.arange(3.0)))[0],
    "registered anew": lambda m, x: (x + m.total, m.register_buffer("total", x[1] * 2))[0],
    "written and given": lambda m, x: m.total.add_(x[0]),
    "read, then written": lambda m, x: (x + m.total, m.total.add_(1))[0],
    "copied from the other": lambda m, x: (m.total.copy_(m.mask), x * m.total)[1],
    "under no_grad": torch.no_grad()(lambda m, x: (m.total.add_(x.sum(0)), x + m.total)[1]),
    "under inference_mode": torch.inference_mode()(lambda m, x: (m.total.add_(x.sum(0)), x + m.total)[1].clone()),
}


@pytest.mark.parametrize("update", BUFFER_WRITES.values(), ids=BUFFER_WRITES)
def test_a_write_to_a_buffer_is_part_of_the_program(update: Callable[..., Any]) -> None:
    calls_agree(WithBuffer(update), *three(2, 3))


INPUT_WRITES = {
    "in place": lambda x: (x.mul_(2), x + 1)[1],
    "item": lambda x: (x.__setitem__((slice(None), 0), 5.0), x + 1)[1],
    "view": lambda x: (x.view(-1)[2:4].zero_(), x * 1)[1],
    "transposed": lambda x: (x.t()[0].add_(1), x.sum())[1],
    "given back": lambda x: x.add_(1),
    "a view given back": lambda x: x.add_(1).view(-1),
    "twice": lambda x: (x.relu_(), x.sigmoid_(), x + 1)[2],
    "by relu in place": lambda x: F.relu(x, inplace=True) + 1,
    "by out": lambda x: torch.neg(x, out=x) * 2,
    "by set": lambda x: x.set_(torch.full((2, 3), 2.0)) + 1,
    "by data": lambda x: (assign(x, data=x * 2), x + 1)[1],
    "transposed in place and back": lambda x: x.t_().mul_(2).t_() + 1,
}


@pytest.mark.parametrize("function", INPUT_WRITES.values(), ids=INPUT_WRITES)
def test_a_write_to_an_input_is_part_of_the_program(function: Callable[..., Any]) -> None:
    calls_agree(Lambda(function), *three(2, 3))


RESHAPED_INPUTS = {
    "transpose": lambda x: x.t_().sum(0),
    "unsqueeze": lambda x: x.unsqueeze_(0) + 1,
    "resize": lambda x: x.resize_(3, 2) + 1,
    "set": lambda x: x.set_(torch.ones(4)) + 1,
    "data": lambda x: (assign(x, data=torch.ones(4)), x + 1)[1],
    "dtype of data": lambda x: (assign(x, data=x.double()), x + 1)[1],
}


@pytest.mark.parametrize("function", RESHAPED_INPUTS.values(), ids=RESHAPED_INPUTS)
def test_an_input_that_gets_another_shape_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="bind a new tensor"):
        tracejet.trace(Lambda(function), arg_inputs=[torch.ones(2, 3)])


PARAMETER_WRITES = {
    "data": lambda m, x: (m.weight.data.mul_(2), x * m.weight)[1],
    "no_grad": torch.no_grad()(lambda m, x: (m.weight.mul_(2), x * m.weight)[1]),
    "data bound": lambda m, x: (assign(m.weight, data=m.weight.data * 2), x * m.weight)[1],
}


class WithParameter(nn.Module):
    """Runs `update(self, x)`; has a parameter `weight` of three ones."""

    def __init__(self, update: Callable[[Any, torch.Tensor], Any]):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.update = update

    def forward(self, x: torch.Tensor) -> Any:
        return self.update(self, x)


@pytest.mark.parametrize("update", PARAMETER_WRITES.values(), ids=PARAMETER_WRITES)
def test_a_write_to_a_parameter_is_part_of_the_program(update: Callable[..., Any]) -> None:
    calls_agree(WithParameter(update), *three(2, 3))


def test_a_parameter_bound_to_another_one_is_refused() -> None:
    model = Lambda(lambda x: (assign(model, weight=nn.Parameter(model.weight * 2)), x * model.weight)[1])
    model.weight = nn.Parameter(torch.ones(3))
    before = snapshot(model)
    with pytest.raises(tracejet.Error, match="weight"):
        tracejet.trace(model, arg_inputs=[torch.ones(2, 3)])
    assert_unchanged(model, before)
