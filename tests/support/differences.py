"""The differences between engines and eager PyTorch that stay, as the documentation lists them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import fx

FILE = Path(__file__).parents[2] / "docs" / "engines" / "differences.json"


@dataclass(frozen=True)
class Difference:
    engine: str
    operators: tuple[str, ...]  #: as "aten.relu.default"
    when: str  #: a key of CONDITIONS
    what: str
    why: str


def _floats(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    return [tensor for tensor in tensors if tensor.is_floating_point()]


def _has_nan(tensors: list[torch.Tensor]) -> bool:
    return any(bool(tensor.isnan().any()) for tensor in _floats(tensors))


def _has_infinity(tensors: list[torch.Tensor]) -> bool:
    return any(bool(tensor.isposinf().any()) for tensor in _floats(tensors))


#: Conditions on the tensors that a call takes.
CONDITIONS = {
    "NaN": _has_nan,
    "not finite": lambda tensors: any(not bool(tensor.isfinite().all()) for tensor in _floats(tensors)),
    "NaN or +infinity": lambda tensors: _has_nan(tensors) or _has_infinity(tensors),
    "NaN beside +infinity": lambda tensors: _has_nan(tensors) and _has_infinity(tensors),
    "numbers below -8": lambda tensors: any(bool((tensor < -8).any()) for tensor in _floats(tensors)),
    "equal elements": lambda tensors: any(tensor.unique().numel() < tensor.numel() for tensor in tensors),
}


def known_differences() -> list[Difference]:
    if not FILE.exists():
        return []
    entries = json.loads(FILE.read_text())
    return [Difference(**{**entry, "operators": tuple(entry["operators"])}) for entry in entries]


class _Watching(fx.Interpreter):
    """Runs a program with PyTorch's kernels and notes which known difference a call meets."""

    def __init__(self, module: fx.GraphModule, differences: list[Difference]):
        super().__init__(module)
        self.differences = differences
        self.met: str | None = None

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        tensors = [leaf for leaf in torch.utils._pytree.tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        for difference in self.differences:
            if str(target) in difference.operators and CONDITIONS[difference.when](tensors):
                self.met = self.met or f"{target} of {difference.when}"
        return super().call_function(target, args, kwargs)


def excuse(
    program: torch.export.ExportedProgram,
    engine: str,
    args: tuple[torch.Tensor, ...],
    state: dict[str, torch.Tensor],
) -> str | None:
    """The known difference that these arguments meet on this engine."""
    differences = [difference for difference in known_differences() if difference.engine == engine]
    if not differences:
        return None
    module = program.module()
    watching = _Watching(module, differences)
    with torch.no_grad():
        for name, buffer in module.named_buffers():
            if name in state:
                buffer.data = state[name].clone()
        watching.run(*args)
    return watching.met
