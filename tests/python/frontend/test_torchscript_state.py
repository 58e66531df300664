"""Lists, dicts and objects that a TorchScript module has: what forward makes of them is no silent part of a program."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

import tracejet
from tracejet import Input

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")


class History:
    def __init__(self, count: int) -> None:
        self.count = count
        self.seen: list[torch.Tensor] = [torch.ones(4)]

    def add(self, x: torch.Tensor) -> None:
        self.seen.append(x)
        self.count += 1

    def total(self) -> torch.Tensor:
        return torch.stack(self.seen).sum(0) * self.count


X = Input(min_shape=(1, 4), opt_shape=(3, 4), max_shape=(8, 4), name="x")


class Containing(nn.Module):
    """Has containers, of which forward changes one."""

    def __init__(self, change: str) -> None:
        super().__init__()
        self.change = change
        self.tensors, self.numbers = [torch.zeros(4), torch.ones(4)], [1, 2]
        self.named, self.history = {"a": torch.ones(4)}, History(2)
        self.nested, self.pair = {"a": [torch.ones(4)]}, (1, [2])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.tensors[0]
        if self.change == "an item":
            self.tensors[0] = x.sum(0)
        elif self.change == "one more":
            self.tensors.append(x.sum(0))
        elif self.change == "one less":
            x = x + self.tensors.pop()
        elif self.change == "a number":
            self.numbers[0] += 1
        elif self.change == "a key":
            self.named["a"] = x.sum(0)
        elif self.change == "inside":
            self.nested["a"][0] = x.sum(0)
        elif self.change == "in a tuple":
            self.pair[1].append(3)
        elif self.change == "a method":
            self.history.add(x.sum(0))
        elif self.change == "an attribute":
            self.history.count = 5
        elif self.change == "and back":
            self.tensors[0] = first + 1
            x = x + self.tensors[0]
            self.tensors[0] = first
        x = x * self.numbers[1] + self.tensors[0] + self.nested["a"][0] + len(self.pair[1])
        return x + self.history.total() + self.named["a"]


CHANGES = ["an item", "one more", "one less", "a number", "a key", "inside", "in a tuple", "a method", "an attribute"]


def held_by(script: torch.jit.ScriptModule) -> list:
    named = [*script.named.items(), *script.nested["a"]]
    return pytree.tree_leaves([script.tensors, script.numbers, named, script.pair, script.history.count])


@pytest.mark.parametrize("change", CHANGES)
def test_a_container_that_forward_changes_is_refused_and_stays_as_it_was(change: str) -> None:
    script = torch.jit.script(Containing(change))
    before = held_by(script)
    with pytest.raises(
        tracejet.UnsupportedOperator, match="forward sets (tensors|numbers|named|nested|pair|history) from"
    ):
        tracejet.trace(script, arg_inputs=[X])
    after = held_by(script)
    assert len(before) == len(after)
    assert all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("change", ["nothing", "and back"])
def test_containers_are_read_and_put_back_as_they_were(change: str) -> None:
    script = torch.jit.script(Containing(change))
    program = tracejet.trace(script, arg_inputs=[X])
    for batch in (1, 3, 8):
        x = torch.randn(batch, 4)
        torch.testing.assert_close(program.module()(x), script(x))
