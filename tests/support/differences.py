"""The differences between engines and eager PyTorch that stay, as the documentation lists them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import fx
from torch.utils import _pytree as pytree

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


def _reach(tensor: torch.Tensor) -> float:
    finite = tensor[tensor.isfinite()]
    return float(finite.max() - finite.min()) if finite.numel() else 0.0


def _has_beyond(tensor: torch.Tensor, limit: float) -> bool:
    return not bool((tensor.abs() < limit).all())


def _product_of(tensor: torch.Tensor) -> float:
    """The greatest that some elements have."""
    return float(tensor.double().abs().clamp(min=1).prod())


def _has_subnormal(tensor: torch.Tensor) -> bool:
    return bool(((tensor != 0) & (tensor.abs() < torch.finfo(torch.float32).tiny)).any())


#: Conditions on the tensors that a call takes.
CONDITIONS: dict[str, Callable[[list[torch.Tensor]], bool]] = {
    "NaN": _has_nan,
    "not finite": lambda tensors: any(not bool(tensor.isfinite().all()) for tensor in _floats(tensors)),
    "not finite, or beyond 1e18": lambda tensors: any(_has_beyond(tensor, 1e18) for tensor in _floats(tensors)),
    "a product beyond 2^63": lambda tensors: any(
        _product_of(tensor) >= 2.0**63 for tensor in tensors if not tensor.is_floating_point()
    ),
    "NaN or +infinity": lambda tensors: _has_nan(tensors) or _has_infinity(tensors),
    "NaN beside +infinity": lambda tensors: _has_nan(tensors) and _has_infinity(tensors),
    "numbers below -3": lambda tensors: any(bool((tensor < -3).any()) for tensor in tensors),
    "numbers below -8": lambda tensors: any(bool((tensor < -8).any()) for tensor in tensors),
    "numbers below -87": lambda tensors: any(bool((tensor < -87).any()) for tensor in tensors),
    "numbers above 9": lambda tensors: any(bool((tensor > 9).any()) for tensor in tensors),
    "numbers more than 87 apart": lambda tensors: any(_reach(tensor) > 87 for tensor in _floats(tensors)),
    "numbers near 0": lambda tensors: any(
        bool(((tensor.abs() < 0.1) & (tensor != 0)).any()) for tensor in _floats(tensors)
    ),
    "subnormal numbers": lambda tensors: any(_has_subnormal(tensor) for tensor in _floats(tensors)),
    "equal elements": lambda tensors: any(tensor.unique().numel() < tensor.numel() for tensor in tensors),
}


def known_differences() -> list[Difference]:
    if not FILE.exists():
        return []
    entries = json.loads(FILE.read_text())
    return [Difference(**{**entry, "operators": tuple(entry["operators"])}) for entry in entries]


class _Watching(fx.Interpreter):
    """Runs a program with PyTorch's kernels and notes which values follow from a call that meets a known difference."""

    def __init__(self, module: fx.GraphModule, differences: list[Difference]):
        super().__init__(module)
        self.differences = differences
        self.met: dict[fx.Node, str] = {}

    def run_node(self, n: fx.Node) -> Any:
        met = [self.met[operand] for operand in n.all_input_nodes if operand in self.met]
        if n.op == "call_function":
            operands = [self.env[operand] for operand in n.all_input_nodes]
            met += self._met(str(n.target), [operand for operand in operands if isinstance(operand, torch.Tensor)])
        if met:
            self.met[n] = met[0]
            # What is written is another value from now on, as a buffer or an argument.
            if n.target is torch.ops.aten.copy_.default:
                self.met[n.all_input_nodes[0]] = met[0]
        return super().run_node(n)

    def _met(self, operator: str, tensors: list[torch.Tensor]) -> list[str]:
        return [
            f"{operator} of {difference.when}"
            for difference in self.differences
            if operator in difference.operators and CONDITIONS[difference.when](tensors)
        ]


def excuses(
    program: torch.export.ExportedProgram,
    engine: str,
    args: tuple[torch.Tensor, ...],
    state: dict[str, torch.Tensor],
) -> dict[int, str]:
    """Which results of these arguments follow from a known difference that they meet on this engine: by their places
    among the leaves of (results, arguments, buffers)."""
    differences = [difference for difference in known_differences() if difference.engine == engine]
    if not differences:
        return {}
    module = program.module()
    watching = _Watching(module, differences)
    with torch.no_grad():
        for name, buffer in module.named_buffers():
            if name in state:
                buffer.data = state[name].clone()
        # Kernels that the program calls may take dense tensors only.
        watching.run(*(arg.contiguous() for arg in args))
    nodes = list(module.graph.nodes)
    results = pytree.tree_leaves(nodes[-1].args[0])
    given = [node for node in nodes if node.op == "placeholder"]
    buffers = [[node for node in nodes if node.op == "get_attr" and node.target == name] for name in state]
    places: list[list[Any]] = [*([node] for node in results), *([node] for node in given), *buffers]
    for i, arg in enumerate(args):  # one tensor may be several arguments
        places[len(results) + i] = [node for node, other in zip(given, args, strict=True) if other is arg]
    found = {}
    for place, producers in enumerate(places):
        met = [watching.met[node] for node in producers if isinstance(node, fx.Node) and node in watching.met]
        if met:
            found[place] = met[0]
    return found
