"""What a branch on data or the body of a loop gives from outside is the same memory there in eager, and a tensor of its
own in a program: three calls give what eager gives, buffers and inputs too, or the model is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal
from tests.support.model_forms import (
    Form,
    TwoBuffers,
    as_file,
    as_script,
    assert_three_calls_leave_what_eager_leaves,
    in_a_module,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")


class ChosenAndRead(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        v = self.a if bool(x.sum() > 0) else self.b
        self.a = v * 2 + x
        return v


class ChosenAndOldDropped(nn.Module):
    """The tensor that the branch may give is read no more."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x * 2
        if bool(x.sum() > 0):
            h = h + 3
        h.add_(1)
        return h * 2


class ChosenAndCloned(TwoBuffers):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        v = self.a.clone() if bool(x.sum() > 0) else x.clone()
        v.add_(1)
        self.a.add_(x)
        return v, self.a * 1


SAME = [ChosenAndRead, ChosenAndOldDropped, ChosenAndCloned]


@pytest.mark.parametrize("kind", SAME)
@pytest.mark.parametrize("form", [as_script, as_file, in_a_module])
def test_three_calls_leave_what_eager_leaves(kind: type[nn.Module], form: Form) -> None:
    assert_three_calls_leave_what_eager_leaves(kind, form)


class ChosenAndWritten(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a = x.clone()
        c = a if bool(x.sum() > 0) else a * 2
        c.add_(1)
        return a, c


class ViewChosenAndSourceWritten(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = x.clone()
        v = a[:, :2] if bool(x.sum() > 0) else a[:, 1:]
        a.add_(1)
        return v + 0


class InputChosenAndWritten(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        v = x if bool(x.sum() > 0) else x * 2
        x.add_(1)
        return v


class MaybeTheInput(nn.Module):
    """The caller's tensor is written where the branch gives it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x.sum() > 0):
            x = x * 2
        x.add_(1)
        return x


class BufferChosenAndWritten(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        v = self.a if bool(x.sum() > 0) else self.b
        v.add_(1)
        return x + v


class BoundToChosen(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.b.add_(1)
        y = x + self.a
        v = self.a if bool(x.sum() > 0) else self.b
        self.a = v
        return y


class SameTwice(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if bool(x.sum() > 0):
            c = x * 2
            d = c
        else:
            c = x * 3
            d = x * 4
        c.add_(1)
        return c, d


class ChosenInABranch(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a = x.clone()
        c = a * 3
        if bool(x.sum() > 0):
            c = a if bool(x.mean() > 1) else a * 2
        c.mul_(2)
        return a, c


CHOSEN = r"(?s)a branch or loop body of control flow gives a tensor from outside.*clone\(\).*written here:.*(add_|mul_)"
REFUSED = {
    ChosenAndWritten: CHOSEN,
    ViewChosenAndSourceWritten: CHOSEN,
    InputChosenAndWritten: CHOSEN,
    MaybeTheInput: CHOSEN,
    BufferChosenAndWritten: CHOSEN,
    SameTwice: CHOSEN,
    ChosenInABranch: CHOSEN,
    BoundToChosen: r"(?s)binds a to the memory of b",
}


@pytest.mark.parametrize(("kind", "message"), REFUSED.items())
def test_what_a_program_keeps_apart_is_refused(kind: type[nn.Module], message: str) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match=message):
        tracejet.trace(as_script(kind()), arg_inputs=[torch.ones(2, 3)])


class Conditional(nn.Module):
    """torch.cond itself takes no branch that gives what it was given, unless it is traced."""

    def __init__(self, writes: str) -> None:
        super().__init__()
        self.writes = writes

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a = x.clone()
        (c,) = torch.cond(x.sum() > 0, lambda t: (t,), lambda t: (t * 2,), (a,))
        if self.writes == "result":
            c.add_(1)
        if self.writes == "operand":
            a.add_(1)
        return a, c


def test_torch_cond_that_gives_its_operand_may_be_read() -> None:
    run = tracejet.trace(Conditional("nothing"), arg_inputs=[torch.ones(2, 3)]).module()
    assert_equal(run(torch.ones(2, 3)), (torch.ones(2, 3), torch.ones(2, 3)))
    assert_equal(run(-torch.ones(2, 3)), (-torch.ones(2, 3), -2 * torch.ones(2, 3)))


@pytest.mark.parametrize("writes", ["result", "operand"])
def test_torch_cond_that_gives_its_operand_is_not_written(writes: str) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match=CHOSEN):
        tracejet.trace(Conditional(writes), arg_inputs=[torch.ones(2, 3)])


class Loop(nn.Module):
    """Carries a tensor that its body leaves alone, and one that it swaps with another."""

    def __init__(self, written: int) -> None:
        super().__init__()
        self.written = written

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        kept = [x * 1, x * 2, x * 3, x * 4]
        results = torch.while_loop(
            lambda a, b, c, d: d.sum() < 100,
            lambda a, b, c, d: (a, c, b, d * 2),
            kept,
        )
        results[self.written].add_(1)
        return (*kept, *results)


@pytest.mark.parametrize("written", [0, 1, 2])
def test_what_a_loop_carries_and_gives_back_is_not_written(written: int) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match=CHOSEN):
        tracejet.trace(Loop(written), arg_inputs=[torch.ones(2, 3)])


def test_what_a_loop_computes_may_be_written() -> None:
    run = tracejet.trace(Loop(3), arg_inputs=[torch.ones(2, 3)]).module()
    results = run(torch.ones(2, 3))
    assert_equal([results[3], results[7]], [torch.full((2, 3), 4.0), torch.full((2, 3), 33.0)])
