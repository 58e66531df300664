"""The buffers and parameters that a program writes, of which each of its runners has its own."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Mapping

import torch
from torch import nn

from tracejet.export.compat.programs import storage_identity


class RunnerState:
    """What a program's state was before anything ran it.

    The first runner (`program.module()`, a compiled program) writes to the model's own tensors. Each later one begins
    where the first one began, with copies: several runners side by side don't count each other's calls.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start: dict[str, torch.Tensor] | None = None

    def claimed(self, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The tensors to put in the place of others, by name; empty for the first runner."""
        with self._lock:
            if self._start is None:
                self._start = _copied(state)
                return {}
            return _copied(self._start)


def written_memory(state: Mapping[str, torch.Tensor], written: Iterable[str]) -> dict[str, torch.Tensor]:
    """The tensors of `state` that are `written`, and those of the same storage."""
    storages = {storage_identity(state[name]) for name in written}
    return {name: tensor for name, tensor in state.items() if storage_identity(tensor) in storages}


def _copied(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies that share memory with each other as the tensors do."""
    memo: dict[int, object] = {}
    copies = {name: copy.deepcopy(tensor.detach(), memo) for name, tensor in state.items()}
    return {
        name: nn.Parameter(value, tensor.requires_grad) if (tensor := state[name]).requires_grad else value
        for name, value in copies.items()
    }
