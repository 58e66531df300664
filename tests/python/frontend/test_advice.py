"""What a message about data advises to type can be typed, and then works."""

from __future__ import annotations

import re
import textwrap
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal
from tests.support.runners import each_runner
from tracejet import Input

#: By what the model does: its forward with a place for the advice, and data that are as it says.
BRANCHES: dict[str, tuple[str, torch.Tensor]] = {
    "a number": (
        """
        n = i[0].item()
        HERE
        return x[:n] if n > 1 else x * 2
        """,
        torch.tensor([3, 1]),
    ),
    "a number with a size": (
        """
        start = i[1].item()
        rows = x.shape[0]
        HERE
        return x * 2 if start + rows <= 40 else x
        """,
        torch.tensor([3, 1]),
    ),
    "a size of data": (
        """
        found = x[x[:, 0] > 0]
        HERE
        if found.shape[0] > 6:
            return found * 2
        return found
        """,
        torch.tensor([3, 1]),
    ),
    "a float": (
        """
        total = x.abs().sum().item()
        HERE
        return x / total if total > 0.5 else x
        """,
        torch.tensor([3, 1]),
    ),
    "of a list": (
        """
        ends = i.tolist()
        HERE
        return x * ends[0] if ends[0] > ends[1] else x
        """,
        torch.tensor([3, 1]),
    ),
    "of a dict": (
        """
        ends = {"first": i[0].item(), "second": i[1].item()}
        HERE
        return x * ends["first"] if ends["first"] > ends["second"] else x
        """,
        torch.tensor([3, 1]),
    ),
    "of an object": (
        """
        state = Namespace(count=i[0].item())
        HERE
        return x * 2 if state.count > 1 else x
        """,
        torch.tensor([3, 1]),
    ),
    "computed": (
        """
        end = i[0].item() + x.shape[0]
        HERE
        return x * 2 if end <= 40 else x
        """,
        torch.tensor([3, 1]),
    ),
    "a part of what is computed": (
        """
        start = i[0].item()
        end = start + x.shape[0]
        HERE
        return x * 2 if 2 * start + x.shape[0] > 3 else x
        """,
        torch.tensor([3, 1]),
    ),
    "in a function": (
        """
        def scaled(value, by):
            HERE
            return value * by if by > 2 else value
        return scaled(x, i[0].item())
        """,
        torch.tensor([3, 1]),
    ),
    "a plain number": (
        """
        count = i[0].item()
        HERE
        total = x
        for _ in range(count):
            total = total + x
        return total
        """,
        torch.tensor([3, 1]),
    ),
}

ROWS = Input(min_shape=(2, 4), opt_shape=(9, 4), max_shape=(30, 4), name="x")


def model_of(body: str, advice: str) -> nn.Module:
    lines = textwrap.indent(textwrap.dedent(body.replace("HERE", advice)).strip(), "    ")
    scope: dict[str, Any] = {"torch": torch, "Namespace": SimpleNamespace}
    exec(f"def forward(x, i):\n{lines}", scope)
    model = nn.Module()
    model.forward = scope["forward"]
    return model


@each_runner
@pytest.mark.parametrize(("body", "data"), BRANCHES.values(), ids=BRANCHES)
def test_advice_works_when_typed(body: str, data: torch.Tensor, runner) -> None:
    inputs = [ROWS, torch.zeros(2, dtype=torch.int64)]
    with pytest.raises(tracejet.DataDependent) as refused:
        tracejet.trace(model_of(body, "pass"), arg_inputs=inputs)
    advice = re.search(r"torch\._check\(.*\)(?=\.\n)", str(refused.value))
    assert advice, str(refused.value)
    model = model_of(body, advice.group())
    run = runner(tracejet.trace(model, arg_inputs=inputs))
    for rows in (9, 20):
        x = torch.rand(rows, 4) + 0.1
        assert_equal(model.forward(x, data), run(x, data), 1e-6, f"{rows}: ")


def test_a_number_without_a_name_is_to_be_given_one() -> None:
    model = nn.Module()
    model.forward = lambda x, i: x * 2 if (i[0] + 1).item() > 3 else x
    with pytest.raises(tracejet.DataDependent, match=r"Give these numbers a name before"):
        tracejet.trace(model, arg_inputs=[ROWS, torch.zeros(2, dtype=torch.int64)])
