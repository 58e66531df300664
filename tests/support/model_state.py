"""Calls of a model and of its program, one after the other: what each finds, and what it leaves."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

import tracejet
from testing.compare import assert_equal, assert_unchanged, snapshot


def calls_agree(model: nn.Module, *arguments: tuple[Any, ...]) -> None:
    """Program and model give the same, call after call, and leave the same in their buffers."""
    eager = copy.deepcopy(model)
    before = snapshot(model)
    runner = tracejet.trace(model, arg_inputs=arguments[0]).module()
    assert_unchanged(model, before)
    for call in arguments:
        ours, theirs = ([value.clone() for value in call] for _ in range(2))
        with torch.no_grad():
            assert_equal(eager(*theirs), runner(*ours))
        assert_equal(theirs, ours)
    state = {**dict(runner.named_buffers()), **dict(runner.named_parameters())}
    for name, tensor in (*eager.named_buffers(), *eager.named_parameters()):
        torch.testing.assert_close(state[name], tensor)


def three(*shape: int) -> list[tuple[torch.Tensor]]:
    torch.manual_seed(0)
    return [(torch.randn(*shape),) for _ in range(3)]


def assign(module: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(module, name, value)
