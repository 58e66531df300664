"""Errors in PyTorch's own words come out as ours, with operator and line; those of the model stay what they are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tracejet
from tests.support.lambda_module import Lambda
from tracejet import Input

ROWS = Input(min_shape=(2, 4), opt_shape=(3, 4), max_shape=(8, 4), name="x")
PAIR = torch.tensor([2, 1])


def packed(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return nn.utils.rnn.pack_padded_sequence(torch.ones(2, 3, 4), i, batch_first=True).data * x


def resized(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return (x * 1).resize_(2, 2)


def formatted(x: torch.Tensor, i: torch.Tensor) -> Any:
    return f"{i[0].item():.2f}", x


def addressed(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return x + x.data_ptr()


def to_numpy(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(x.numpy())


def read_two(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return x * i.item()


def counted(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return sum(x for _ in range(i[0]))


def reshaped(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return x.view(-1, 3, 5)


def wrongly_joined(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return torch.cat([x, i])


def dropped(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return F.dropout(x, p=x.sum().item())


def dimension(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return x.sum(i[0].item())


def of_other_kind(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return F.conv2d(x[None, None], torch.ones(1, 1, 3, 3, dtype=torch.float64))


KINDS = tracejet.DataDependent | tracejet.UnsupportedOperator | tracejet.ShapeError | tracejet.InvalidInput
FOREIGN: dict[Callable[..., Any], tuple[Any, str]] = {
    packed: (
        tracejet.UnsupportedOperator,
        r"^\[aten::_pack_padded_sequence\] has no kernel .*\n  PyTorch says: 'lengths'",
    ),
    resized: (tracejet.UnsupportedOperator, r"^\[aten::resize"),
    formatted: (tracejet.DataDependent, r"computes with the text of u0"),
    addressed: (tracejet.DataDependent, r"a traced tensor has no memory"),
    to_numpy: (tracejet.DataDependent, r"has no data that NumPy could take"),
    read_two: (tracejet.Error, r"^\[aten::item\] refuses .*\n.*\n.*\n  PyTorch says: a Tensor with 2 elements"),
    counted: (tracejet.DataDependent, r"the number u0 depends on data"),
    reshaped: (tracejet.ShapeError, r"^\[aten::view\]"),
    wrongly_joined: (tracejet.ShapeError, r"^\[aten::cat\]"),
    dropped: (tracejet.DataDependent, r"f0.* depends on data"),
    dimension: (tracejet.DataDependent, r"u0 depends on data"),
    of_other_kind: (tracejet.ShapeError, r"^\[aten::conv"),
}


@pytest.mark.parametrize("forward", FOREIGN, ids=lambda forward: forward.__name__)
def test_errors_of_pytorch_become_ours(forward: Callable[..., Any]) -> None:
    kind, message = FOREIGN[forward]
    with pytest.raises(kind, match=message) as refused:
        tracejet.trace(Lambda(forward), arg_inputs=[ROWS, PAIR])
    text = str(refused.value)
    assert f"in {forward.__name__}: " in text
    assert "frame #" not in text and "Exception raised from" not in text
    assert text.count(f"in {forward.__name__}: ") == 1, text


class OwnError(Exception):
    def __init__(self, code: int, reason: str):
        super().__init__(code, reason)
        self.code = code


def own_value_error(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    raise ValueError("only squares are taken")


def own_runtime_error(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    raise RuntimeError("only squares are taken")


def own_class(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    raise OwnError(3, "only squares are taken")


def own_key_error(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return {}["only squares are taken"]


def own_assertion(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    assert x.dim() == 3, "only squares are taken"
    return x


OWN = {
    own_value_error: ValueError,
    own_runtime_error: RuntimeError,
    own_class: OwnError,
    own_key_error: KeyError,
    own_assertion: AssertionError,
}


@pytest.mark.parametrize("forward", OWN, ids=lambda forward: forward.__name__)
def test_errors_of_the_model_stay_what_they_are(forward: Callable[..., Any]) -> None:
    with pytest.raises(OWN[forward], match="only squares are taken") as raised:
        tracejet.trace(Lambda(forward), arg_inputs=[ROWS, PAIR])
    assert type(raised.value) is OWN[forward]
    if len(raised.value.args) == 1 and OWN[forward] is not KeyError:
        assert f"in {forward.__name__}: " in str(raised.value)


def test_an_error_that_the_model_handles_is_none() -> None:
    def forward(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        try:
            return x.view(3, 5)
        except RuntimeError:
            return x * 2

    x = torch.randn(5, 4)
    program = tracejet.trace(Lambda(forward), arg_inputs=[ROWS, PAIR])
    torch.testing.assert_close(program.module()(x, PAIR), x * 2)


def test_pytorchs_stacks_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_SHOW_CPP_STACKTRACES", "1")
    with pytest.raises(tracejet.Error) as refused:
        tracejet.trace(Lambda(read_two), arg_inputs=[ROWS, PAIR])
    assert "frame #" not in str(refused.value)
    assert sys.exc_info() == (None, None, None)


def _depth() -> int:
    """How deep a function can call itself here."""
    try:
        return 1 + _depth()
    except RecursionError:
        return 1


def test_a_recursion_without_end_is_an_error_and_leaves_python_as_it_was() -> None:
    def halves(x: torch.Tensor) -> torch.Tensor:
        middle = x.shape[0] // 2
        return x.sum(0) if x.shape[0] == 1 else halves(x[:middle]) + halves(x[middle:])

    def endless(x: torch.Tensor) -> torch.Tensor:
        return endless(x[: x.shape[0] // 2])

    before = _depth()
    for model in halves, endless:
        rows = tracejet.Input(min_shape=(1, 4), opt_shape=(4, 4), max_shape=(16, 4))
        with pytest.raises((tracejet.Error, RecursionError)):
            tracejet.trace(Lambda(model), arg_inputs=[rows])
        assert _depth() == before
