"""Tensors that are one memory in eager and apart in a program: buffers that are bound to each other or to inputs, and
what a branch on data takes from outside. Three calls give what eager gives, buffers and inputs too, or the model is
refused."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")


class TwoBuffers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("a", torch.zeros(2, 3))
        self.register_buffer("b", torch.ones(2, 3))


class Swapped(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t = self.a
        self.a = self.b
        self.b = t
        return x + self.a - 2 * self.b


class SwappedAndWritten(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t = self.a
        self.a = self.b
        self.b = t
        self.a.add_(x)
        return x + self.a - self.b


class ShiftedByOne(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t = self.a
        self.a = self.b + 1
        self.b = t
        return x + self.a - 2 * self.b


class SwappedViews(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t = self.a.flip(0)
        self.a = self.b.view(2, 3)
        self.b = t
        return x + self.a - 2 * self.b


class SwappedByCopies(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t = self.b.clone()
        self.b.copy_(self.a)
        self.a.copy_(t)
        return x + self.a - 2 * self.b


class GivesTheOldOne(TwoBuffers):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        old = self.a
        row = self.b[0]
        self.a = x * 2
        self.b = x * 3
        return old, row


class TransposesItself(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("a", torch.arange(9.0).view(3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.a = self.a.t()
        return x.sum() + self.a


class BoundToAnother(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x + self.a
        self.a = self.b
        self.b = self.b + 1
        return y


class BoundToRowOfFresh(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(2, 3))
        self.register_buffer("last", torch.zeros(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x + self.last
        kept = self.kept * 0.5 + x
        self.kept = kept
        self.last = kept[1]
        return y


class BoundToClone(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.b.add_(x)
        y = x + self.a
        self.a = self.b.clone()
        return y


class BoundBeforeItIsRead(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.b.add_(x)
        self.a = self.b.view(2, 3)
        return x + self.a


class BoundToInput(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x + self.a
        self.a = x
        return y


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


SAME = [
    Swapped,
    SwappedAndWritten,
    ShiftedByOne,
    SwappedViews,
    SwappedByCopies,
    GivesTheOldOne,
    TransposesItself,
    BoundToAnother,
    BoundToRowOfFresh,
    BoundToClone,
    BoundBeforeItIsRead,
    BoundToInput,
]
SAME_IN_SCRIPTS = [ChosenAndRead, ChosenAndOldDropped, ChosenAndCloned]


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


FORMS = [as_module, as_script, as_file, in_a_module]


@pytest.mark.parametrize(
    ("kind", "form"),
    [(kind, form) for kind in SAME for form in FORMS]
    + [(kind, form) for kind in SAME_IN_SCRIPTS for form in (as_script, as_file, in_a_module)],
)
def test_three_calls_leave_what_eager_leaves(kind: type[nn.Module], form: Callable[[nn.Module], nn.Module]) -> None:
    eager = form(kind())
    run = tracejet.trace(form(kind()), arg_inputs=[torch.ones(2, 3)]).module()
    for step in (1.0, -2.0, 3.0):
        x = torch.arange(6.0).view(2, 3) + step * 4
        given = x.clone()
        assert_equal(run(given), copy.deepcopy(eager(x)))
        assert torch.equal(given, x)
        for name, buffer in eager.named_buffers():
            assert torch.equal(dict(run.named_buffers())[name], buffer), name


class BoundToAnotherThatIsWritten(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.b.add_(x)
        y = x + self.a
        self.a = self.b
        return y


class BoundToViewThatIsWritten(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.b.add_(x)
        y = x + self.a
        self.a = self.b.view(2, 3)
        return y


class BoundToViewAndWritten(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.a.add_(x)
        self.a = self.b.view(2, 3)
        return x + self.b


class Delayed(TwoBuffers):
    """What was written is read in the call after the next one."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("c", torch.zeros(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x + self.c
        self.c = self.a
        self.a = self.b
        self.b.add_(x)
        return y


class BothBoundToOne(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.a.add_(x)
        y = self.a + self.b
        self.a = y
        self.b = y
        return y * 2


class BoundToWrittenInput(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x + self.a
        self.a = x.view(2, 3)
        x.add_(1)
        return y


class BoundToInputAndWritten(TwoBuffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.a.add_(1)
        y = x + self.a
        self.a = x
        return y


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("a", torch.zeros(3))
        self.register_buffer("b", self.a)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.a = self.a + x.sum(0)
        return x + self.a + 10 * self.b


class Accumulates(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("h", torch.zeros(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.h = self.h + x.sum(0)
        return x + self.h


class UnderTwoNames(nn.Module):
    """TorchScript makes two modules of it, with the same tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.a = Accumulates()
        self.b = self.a

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(self.a(x))


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


BOUND = r"(?s)binds a to the memory of (b|x).*clone\(\).*self\.a = "
CHOSEN = r"(?s)a branch or loop body of control flow gives a tensor from outside.*clone\(\).*written here:.*(add_|mul_)"
BINDS = [
    BoundToAnotherThatIsWritten,
    BoundToViewThatIsWritten,
    BoundToViewAndWritten,
    BothBoundToOne,
    BoundToWrittenInput,
    BoundToInputAndWritten,
]
REFUSED = [
    *[(kind, as_module, BOUND) for kind in BINDS],
    *[(kind, form, r"binds a to the memory of (b|x)") for kind in BINDS for form in (as_script, as_file)],
    (Delayed, as_module, "binds a to the memory of b"),
    (Delayed, as_file, "binds a to the memory of b"),
    (Tied, as_module, "binds a to another tensor, while b shows"),
    (Tied, as_script, r"(?s)binds a to another tensor, while b shows.*self\.a = "),
    (UnderTwoNames, as_script, r"(?s)binds (a|b)\.h to another tensor, while (a|b)\.h shows.*self\.h = "),
    (BoundToViewThatIsWritten, as_file, BOUND),
    (BoundToChosen, as_script, r"(?s)binds a to the memory of b"),
    *[
        (kind, as_script, CHOSEN)
        for kind in (
            ChosenAndWritten,
            ViewChosenAndSourceWritten,
            InputChosenAndWritten,
            MaybeTheInput,
            BufferChosenAndWritten,
            SameTwice,
            ChosenInABranch,
        )
    ],
]


@pytest.mark.parametrize(("kind", "form", "message"), REFUSED)
def test_what_a_program_keeps_apart_is_refused(
    kind: type[nn.Module], form: Callable[[nn.Module], nn.Module], message: str
) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match=message):
        tracejet.trace(form(kind()), arg_inputs=[torch.ones(2, 3)])


class GivesItsState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("h", torch.zeros(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.h = self.h + x
        return self.h


class WritesToStateOfAScript(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.script = torch.jit.script(GivesItsState())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.script(x).mul_(2) + 0


def test_what_is_written_after_a_script_is_state_of_it() -> None:
    eager = WritesToStateOfAScript()
    run = tracejet.trace(WritesToStateOfAScript(), arg_inputs=[torch.ones(2, 3)]).module()
    for _ in range(3):
        x = torch.randn(2, 3)
        torch.testing.assert_close(run(x), eager(x))


def test_a_module_under_two_names_keeps_its_state() -> None:
    eager = UnderTwoNames()
    run = tracejet.trace(UnderTwoNames(), arg_inputs=[torch.ones(2, 3)]).module()
    for _ in range(3):
        x = torch.randn(2, 3)
        torch.testing.assert_close(run(x), eager(x))


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
