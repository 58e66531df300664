"""A compiled program has the weights that it was compiled with: one that is written to later is an error."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

import tracejet
from tests.support.compiled import batched, each_engine


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.linear = nn.Linear(8, 4)
        self.register_buffer("offset", torch.zeros(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(self.norm(self.convolution(x)).relu().mean((2, 3))) + self.offset


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("calls", torch.zeros(2))
        self.register_buffer("first", self.calls[:1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls.add_(1)
        return self.linear(x) + self.calls[0] + self.first


def load_other_weights(model: Net) -> None:
    model.load_state_dict(Net().state_dict())


def train(model: Net) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(IMAGES).sum().backward()
    optimizer.step()


IMAGES = torch.randn(2, 3, 8, 8)
WRITES: dict[str, tuple[Callable[[Net], object], str]] = {
    "weights are loaded": (load_other_weights, r"convolution\.weight.*and \d+ more were written to after"),
    "a step is trained": (train, r"convolution\.weight"),
    "a bias grows": (
        lambda model: model.linear.bias.data.mul_(1) is model.linear.bias.detach().add_(1),
        r"linear\.bias was",
    ),
    "a buffer is filled": (
        lambda model: model.offset.fill_(3),
        r"^offset was written to after the program was compiled",
    ),
    "statistics change": (lambda model: model.norm.running_mean.add_(1), r"norm\.running_mean was"),
}


@each_engine
@pytest.mark.parametrize("is_called_before", [False, True])
@pytest.mark.parametrize("write", WRITES)
def test_a_weight_that_was_written_to_is_an_error_until_it_is_refitted(
    write: str, is_called_before: bool, engine: str
) -> None:
    model = Net().eval()
    compiled = tracejet.compile(model, arg_inputs=[IMAGES], engine=engine)
    if is_called_before:
        compiled(IMAGES)
    change, message = WRITES[write]
    change(model)
    with pytest.raises(tracejet.InvalidInput, match=message) as raised:
        compiled(IMAGES)
    assert raised.value.code == tracejet.ErrorCode.WEIGHTS_CHANGED
    fitted = tracejet.refit_module_weights(compiled, model, arg_inputs=[IMAGES])
    torch.testing.assert_close(fitted(IMAGES), model(IMAGES).detach(), rtol=1e-4, atol=1e-5)


@each_engine
def test_buffers_that_a_program_writes_may_be_written_between_its_calls(engine: str) -> None:
    model, eager = Counting(), Counting()
    eager.load_state_dict(model.state_dict())
    compiled = tracejet.compile(model, arg_inputs=[batched(4)], engine=engine)
    for rows in (2, 3, 5):
        x = torch.randn(rows, 4)
        with torch.no_grad():
            torch.testing.assert_close(compiled(x), eager(x), rtol=1e-4, atol=1e-5)
        model.calls.mul_(2)
        eager.calls.mul_(2)


def test_a_buffer_that_another_program_writes_is_no_weight_of_this_one() -> None:
    class Reading(nn.Module):
        def __init__(self, calls: torch.Tensor) -> None:
            super().__init__()
            self.register_buffer("seen", calls)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.seen[0]

    counting = Counting()
    reading = tracejet.compile(Reading(counting.calls), arg_inputs=[batched(4)])
    writing = tracejet.compile(counting, arg_inputs=[batched(4)])
    x = torch.randn(3, 4)
    torch.testing.assert_close(reading(x), x)
    writing(x)
    with pytest.raises(tracejet.InvalidInput, match="seen was written to"):
        reading(x)
