"""Tasks, and calls in branches on data, of TorchScript."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import tracejet
from tracejet import Input

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")

X = Input(min_shape=(1, 4), opt_shape=(3, 4), max_shape=(8, 4), name="x")


class Forking(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tasks: list[torch.jit.Future[torch.Tensor]] = []
        for i in range(3):
            tasks.append(torch.jit.fork(self.layer, x + i))
        sine = torch.jit.fork(torch.sin, x)
        return torch.stack([torch.jit.wait(task) for task in tasks]).sum(0) + torch.jit.wait(sine)


class CallsInBranches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x.sum() > 0):
            x = self.layer(x)
        return x + 1


class NumbersOfData(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scale = float(x.sum())
        return x * scale + scale / 2


class Scales(nn.Module):
    """interpolate() asks whether the list of sizes is None."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.interpolate(x[None, None], size=[x.size(0) * 2, 3])


@pytest.mark.parametrize(
    "model", [Forking(), CallsInBranches(), NumbersOfData(), Scales()], ids=lambda model: type(model).__name__
)
def test_a_program_gives_what_the_script_gives(model: nn.Module) -> None:
    script = torch.jit.script(model.eval())
    program = tracejet.trace(script, arg_inputs=[X])
    compiled = tracejet.compile(program, engine="aten")
    for batch in (1, 3, 8):
        for x in (torch.rand(batch, 4), -torch.rand(batch, 4)):
            torch.testing.assert_close(compiled(x), script(x), rtol=1e-4, atol=1e-5)


class Counting(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(int(x.sum().item())):
            x = x + 1
        return x


class WritesInBranch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(4))

    def note(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.add_(x.sum(0))
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x.sum() > 0):
            x = self.note(x)
        return x


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (Counting(), tracejet.UnsupportedOperator, "one that comes from data"),
        (WritesInBranch(), tracejet.DataDependent, "reads the value of bool"),
    ],
    ids=["loop", "write"],
)
def test_a_refusal_says_that_it_is_about_data(model: nn.Module, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        tracejet.trace(torch.jit.script(model.eval()), arg_inputs=[X])
