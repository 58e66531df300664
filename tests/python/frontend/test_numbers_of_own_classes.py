"""Numbers of classes of their own (IntEnum) beside sizes and data: they are numbers to Python."""

from __future__ import annotations

import enum
from collections.abc import Callable

import pytest
import torch

import tracejet
from tests.support.lambda_module import Lambda, batch


class Kind(enum.IntEnum):
    SINGLE = 1
    FIVE = 5


class Length(int):
    pass


class Real(float):
    pass


QUESTIONS: dict[str, Callable[[torch.Tensor, int], object]] = {
    "equal": lambda x, n: x * 100 if n == Kind.SINGLE else x * 2,
    "from the left": lambda x, n: x * 100 if Kind.SINGLE == n else x * 2,  # noqa: SIM300
    "not equal": lambda x, n: x * 100 if n != Length(1) else x * 2,
    "a float": lambda x, n: x * 100 if n == Real(1) else x * 2,
    "in": lambda x, n: x * 100 if n in (Kind.SINGLE, Kind.FIVE) else x * 2,
    "a shape": lambda x, n: x * 100 if x.shape == (Length(1), 3) else x * 2,
    "less": lambda x, n: x * 100 if n < Kind.FIVE else x * 2,
    "computed with": lambda x, n: x * (n + Kind.FIVE) * (Kind.FIVE - n) * (n * Real(0.5)) * (n % Length(3)),
    "min": lambda x, n: x * min(n, Kind.FIVE),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_sizes_beside_numbers_of_own_classes(question: Callable[..., object]) -> None:
    """A branch is decided for all sizes or refused, as with plain numbers; what it computes is right."""

    def model(x: torch.Tensor) -> object:
        return question(x, x.shape[0])

    ends: set[str] = set()
    for low, high in ((1, 9), (1, 4), (2, 4), (6, 9), (1, 1), (5, 5)):
        try:
            run = tracejet.trace(Lambda(model), arg_inputs=[batch(3, low=low, opt=high, high=high)]).module()
        except tracejet.ConstraintViolation:
            ends.add("refused")
            continue
        for size in range(low, high + 1):
            x = torch.rand(size, 3)
            torch.testing.assert_close(run(x), model(x))
            ends.add("right")
    assert "right" in ends


def test_a_number_of_data_is_no_way_to_decide() -> None:
    model = Lambda(lambda x, n: x * 100 if n.item() == Kind.FIVE else x * 2)
    with pytest.raises(tracejet.DataDependent):
        tracejet.trace(model, arg_inputs=[torch.ones(2), torch.tensor(5)])
