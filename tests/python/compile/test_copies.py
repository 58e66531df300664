"""Compiled programs are copied and pickled."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import nn

import tracejet


class Counts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls.add_(1)
        return self.linear(x).cumsum(0) * self.calls


def pickled(module: nn.Module) -> nn.Module:
    return pickle.loads(pickle.dumps(module))


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
@pytest.mark.parametrize(
    "options", [{"engine": "openvino"}, {"engine": "aten"}, {"torch_executed_ops": ["aten.cumsum"]}]
)
def test_a_copy_has_a_state_of_its_own(copied: Callable[[nn.Module], nn.Module], options: dict) -> None:
    model = Counts().eval()
    x = torch.randn(3, 4)
    given = tracejet.Input(min_shape=(1, 4), opt_shape=(3, 4), max_shape=(8, 4))
    compiled = tracejet.compile(copy.deepcopy(model), arg_inputs=[given], **options)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), model(x))
        other = copied(compiled)
        for _ in range(2):
            torch.testing.assert_close(other(x), model(x))
        assert other.report.engines == compiled.report.engines
        torch.testing.assert_close(compiled(x) * 2, other(x))  # its second call and the other's fourth


def test_what_python_has_of_a_module_is_copied_too() -> None:
    compiled = tracejet.compile(nn.ReLU(), arg_inputs=[torch.ones(2)]).eval()
    compiled.note = ["mine"]
    other = copy.deepcopy(nn.Sequential(compiled, nn.Tanh()))[0]
    assert other.note == ["mine"] and other.note is not compiled.note
    assert not other.training
    assert torch.equal(other(torch.tensor([-1.0, 2.0])), torch.tensor([0.0, 2.0]))


def test_a_shallow_copy_shares_the_state() -> None:
    compiled = tracejet.compile(Counts().eval(), arg_inputs=[torch.ones(1, 4)], engine="aten")
    other = copy.copy(compiled)
    first, second = compiled(torch.ones(1, 4)), other(torch.ones(1, 4))
    torch.testing.assert_close(first * 2, second)
