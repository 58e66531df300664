"""Buffers that a program overwrites in part are written where they lie, and nowhere else is the difference seen."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from tests.support.kernel_passes import operators
from tests.support.lambda_module import batch

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
HERE = "tracejet::index_put_here"


class Cache(nn.Module):
    """Keeps what it was given, each at its place."""

    def __init__(self, how: str = "whole"):
        super().__init__()
        self.how = how
        self.register_buffer("kept", torch.zeros(2, 6, 4))
        self.register_buffer("other", self.kept[0] if how == "shared" else torch.ones(6, 4))

    def forward(self, x: torch.Tensor, position: torch.Tensor) -> Any:
        before = self.kept * 2 if self.how == "read before" else 0
        self.kept.index_copy_(1, position, x)
        if self.how == "given":
            return self.kept, self.kept.transpose(0, 1)
        if self.how == "added":
            self.kept.index_put_((torch.zeros_like(position),), x.sum((0, 1)), accumulate=True)
        return before + self.kept.sum() + self.other.sum()


def inputs(place: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(2, 1, 4, device=device), torch.tensor([place], device=device)


@torch.no_grad()
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("how", ["whole", "given", "read before", "added"])
def test_buffers_change_as_in_eager(how: str, device: str) -> None:
    torch.manual_seed(0)
    model, eager = Cache(how).to(device), Cache(how).to(device)
    program = tracejet.trace(model, arg_inputs=list(inputs(0, device)))
    assert (HERE in operators(program)) == (how in ("whole", "given"))
    assert HERE not in operators(program, skipped_passes=["write_in_place"])
    compiled = tracejet.compile(program, engine="aten")
    place = model.kept.data_ptr()
    given = []
    for call in range(6):
        one = inputs(call, device)
        got, expected = compiled(*one), eager(*one)
        torch.testing.assert_close(got, expected)
        torch.testing.assert_close(dict(model.named_buffers()), dict(eager.named_buffers()))
        given.append((got, [each.clone() for each in got] if how == "given" else got.clone()))
    assert model.kept.data_ptr() == place
    for got, copy in given:  # what was given doesn't change with later calls
        torch.testing.assert_close(list(got) if how == "given" else got, copy)


@torch.no_grad()
def test_buffers_that_share_memory_are_copied() -> None:
    model = Cache("shared")
    assert HERE not in operators(tracejet.trace(model, arg_inputs=list(inputs(0, "cpu"))))


@torch.no_grad()
def test_a_call_that_fails_before_leaves_the_buffer() -> None:
    model = Cache()
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=list(inputs(0, "cpu"))), engine="aten")
    with pytest.raises(IndexError):
        compiled(torch.ones(2, 1, 4), torch.tensor([6]))
    assert not model.kept.any()


@torch.no_grad()
def test_of_any_batch() -> None:
    class Rows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("kept", torch.zeros(8, 4))

        def forward(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
            self.kept.index_copy_(0, rows, x)
            return self.kept.sum()

    model, eager = Rows(), Rows()
    program = tracejet.trace(model, arg_inputs=[batch(4), batch(dtype=torch.int64)])
    assert HERE in operators(program)
    compiled = tracejet.compile(program, engine="aten")
    for size in (1, 3, 8):
        x, rows = torch.randn(size, 4), torch.randperm(8)[:size]
        torch.testing.assert_close(compiled(x, rows), eager(x, rows))
        torch.testing.assert_close(model.kept, eager.kept)
