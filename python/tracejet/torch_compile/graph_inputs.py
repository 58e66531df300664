"""The inputs of a graph of TorchDynamo's, sorted: weights, tensors that a call brings, and numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from torch.fx import GraphModule, Node

from tracejet import _C
from tracejet.frontend.input import Input, input_like
from tracejet.patches import dynamo

#: The largest size that dynamic axes without an upper bound are compiled for. A guard says so: TorchDynamo compiles
#: again for what is larger. Engines plan memory for the largest sizes, whose product has to fit into 63 bits.
LARGEST = 65536
_LARGEST_OF_MANY = 4096  # where more than three axes vary
_LARGEST_NUMBER = 2**31 - 1


@dataclass
class GraphInputs:
    """What becomes of each input of a graph, by its index."""

    names: list[str]  #: as the user's code has them where TorchDynamo says it: "x" of "l_x_"
    weights: list[int]  #: tensors that are the same in every call, as far as one can tell
    tensors: dict[int, Input]  #: tensors that a call brings
    sizes: dict[int, tuple[int, int]]  #: numbers that are the size of a tensor: its index, and the axis
    numbers: dict[int, Input]  #: numbers that a call brings, as the only axis of a tensor without elements
    fixed: dict[int, Any] = field(default_factory=dict)  #: numbers that TorchDynamo guards on
    dimensions: dict[str, torch.SymInt] = field(default_factory=dict)  #: what varies, by the name that Inputs share

    @property
    def is_dynamic(self) -> bool:
        """Whether the program takes more than the sizes and numbers of one call."""
        return bool(self.dimensions or self.numbers)

    @property
    def given(self) -> list[int]:
        """The inputs that the program takes, in its order."""
        return [*self.tensors, *self.numbers]

    def with_tensors_for(self, weights: Sequence[int], examples: Sequence[Any]) -> GraphInputs:
        """The same, but that each call brings these weights."""
        return replace(
            self,
            weights=[index for index in self.weights if index not in weights],
            tensors={**self.tensors, **{index: _static(examples[index]) for index in weights}},
        )


def sort_inputs(gm: GraphModule, examples: Sequence[Any], *, keeps_numbers: bool) -> GraphInputs:
    """Sorts the inputs of `gm`.

    `keeps_numbers`: floats that a caller passes stay inputs; if not, they are constants that TorchDynamo guards on.
    """
    placeholders = gm.graph.find_nodes(op="placeholder")
    values = [node.meta["example_value"] for node in placeholders]
    inputs = GraphInputs(_names([node.name for node in placeholders]), [], {}, {}, {})
    where: dict[str, tuple[int, int]] = {}
    _guard_ranges(values)
    for index, (node, value, example) in enumerate(zip(placeholders, values, examples, strict=True)):
        if not isinstance(value, torch.Tensor):
            continue
        if _is_weight(node, example):
            inputs.weights.append(index)
        elif _is_float(node) and not (keeps_numbers and not dynamo.is_of_a_module(node)):
            inputs.fixed[index] = torch.tensor(_guarded_float(node), dtype=torch.float64)
        else:
            inputs.tensors[index] = _described(value, inputs.dimensions)
            for axis, size in enumerate(value.shape):
                if dynamo.is_symbol(size):
                    where.setdefault(dynamo.text_of(size), (index, axis))
    for index, value in enumerate(values):
        if not isinstance(value, torch.Tensor):
            _sort_number(inputs, index, value, where)
    return inputs


def _names(of_dynamo: Sequence[str]) -> list[str]:
    short = [re.sub(r"^l_(self_|args_|kwargs_)?(.+?)_?$", r"\2", name) for name in of_dynamo]
    taken = {*dir(nn.Module()), "replayed"}  # names of weights become attributes
    return [
        name if name.isidentifier() and short.count(name) == 1 and name not in taken else full
        for name, full in zip(short, of_dynamo, strict=True)
    ]


def _is_weight(node: Node, example: Any) -> bool:
    """Parameters, and what else modules hold. TorchDynamo makes inputs of them."""
    if _is_float(node) or example.is_inference():  # memory of these may change without anybody noticing
        return False
    return isinstance(example, nn.Parameter) or dynamo.is_of_a_module(node)


def _is_float(node: Node) -> bool:
    """A Python float, which comes as a tensor that is read at once."""
    return bool(node.users) and all(
        user.target == "item" and isinstance(user.meta.get("example_value"), torch.SymFloat) for user in node.users
    )


def _guarded_float(node: Node) -> float:
    """Its value, on which TorchDynamo guards from here on."""
    return float(next(iter(node.users)).meta["example_value"])


def _sort_number(inputs: GraphInputs, index: int, value: Any, where: dict[str, tuple[int, int]]) -> None:
    if not isinstance(value, torch.SymInt):
        if isinstance(value, (torch.SymFloat, torch.SymBool)):
            value = float(value) if isinstance(value, torch.SymFloat) else bool(value)
        inputs.fixed[index] = value
        return
    text = dynamo.text_of(value)
    if text in where:
        inputs.sizes[index] = where[text]
    elif dynamo.hint_of(value) < 0 or not dynamo.is_symbol(value):
        inputs.fixed[index] = int(value)  # TorchDynamo guards on it
    else:
        low, high = _range(value)
        opt = dynamo.hint_of(value)
        name = _name_of(value)
        inputs.dimensions[name] = value
        inputs.numbers[index] = Input(
            min_shape=(low, 0), opt_shape=(opt, 0), max_shape=(high, 0), shared_dims={0: name}
        )


def _described(value: torch.Tensor, dimensions: dict[str, torch.SymInt]) -> Input:
    """An Input like a placeholder: dynamic where its sizes are symbols."""
    sizes, names = [], {}
    for axis, size in enumerate(value.shape):
        if not isinstance(size, torch.SymInt) or size.node.is_constant():
            low = opt = high = int(size)
        else:
            (low, high), opt = _range(size), dynamo.hint_of(size)
            names[axis] = _name_of(size)
            dimensions[names[axis]] = size
        sizes.append((low, opt, high))
    return input_like(value, sizes, names)


def _static(tensor: torch.Tensor) -> Input:
    return Input(tensor.shape, dtype=tensor.dtype, device=tensor.device)


def _unbounded(values: Sequence[Any]) -> set[str]:
    """The symbols without an upper bound."""
    sizes = [size for value in values if isinstance(value, torch.Tensor) for size in value.shape]
    return {dynamo.text_of(size) for size in sizes if isinstance(size, torch.SymInt) and not dynamo.bounds(size)[1]}


def _guard_ranges(values: Sequence[Any]) -> None:
    """Where programs are for fewer sizes than TorchDynamo's, it guards on them. Each guard may narrow other ranges."""
    largest = LARGEST if len(_unbounded(values)) <= 3 else _LARGEST_OF_MANY
    sizes = [(size, largest) for value in values if isinstance(value, torch.Tensor) for size in value.shape]
    sizes += [(value, _LARGEST_NUMBER) for value in values]  # behind those that are the size of a tensor
    for size, limit in sizes:
        if not isinstance(size, torch.SymInt) or dynamo.hint_of(size) < 0:
            continue
        limit = max(limit, 16 * dynamo.hint_of(size))
        low, high = dynamo.bounds(size)
        if high is None or high > limit:
            guard(size <= limit)
        if low < 0:
            guard(size >= 0)


def _range(size: torch.SymInt) -> tuple[int, int]:
    low, high = dynamo.bounds(size)
    assert high is not None
    return low, high


def guard(condition: torch.SymBool | bool) -> None:
    """Makes TorchDynamo compile again where it doesn't hold."""
    if not condition:
        raise _C.UnsupportedOperator(f"{condition} doesn't hold for the call that is compiled")


def _name_of(size: torch.SymInt) -> str:
    text = dynamo.text_of(size)
    return text if text.isidentifier() else "d_" + "".join(c if c.isalnum() else f"_{ord(c):x}_" for c in text)
