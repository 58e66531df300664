"""Buffers that are one memory in eager and apart in a program, bound to each other or to inputs: three calls give what
eager gives, buffers and inputs too, or the model is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import tracejet
from tests.support.model_forms import (
    Form,
    TwoBuffers,
    as_file,
    as_module,
    as_script,
    assert_three_calls_leave_what_eager_leaves,
    in_a_module,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")


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
FORMS = [as_module, as_script, as_file, in_a_module]


@pytest.mark.parametrize("kind", SAME)
@pytest.mark.parametrize("form", FORMS)
def test_three_calls_leave_what_eager_leaves(kind: type[nn.Module], form: Form) -> None:
    assert_three_calls_leave_what_eager_leaves(kind, form)


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


BOUND = r"(?s)binds a to the memory of (b|x).*clone\(\).*self\.a = "
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
]


@pytest.mark.parametrize(("kind", "form", "message"), REFUSED)
def test_what_a_program_keeps_apart_is_refused(kind: type[nn.Module], form: Form, message: str) -> None:
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
