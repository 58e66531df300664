"""Calls that eager may refuse: those of PyTorch's database of operators, with one tensor altered."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from random import Random
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

import tracejet

#: What eager says of data types that it has no kernel for, and of those that it wants to be others: what operators are
#: made of knows these types all the same, and gives what follows from its definition.
OF_DATA_TYPES = (
    "not implemented for",
    "dtype",
    "scalar type",
    "expected index",
    "Unsupported input type",
    "index type",
    "Bool inputs",
    "boolean",
    "unsigned type",
    "floating point or complex",
    "LongTensor",
    "a long tensor",
    "ByteTensor",
    "IntTensor",
)
#: What eager asks of data, on CPUs only.
OF_DATA = ("cannot be negative", "without overflow", "should be between 0 and 1", "Class values must be")
#: `out=` tensors of another data type are converted to: what is written is what eager would have written.
OF_OUTPUTS = ("Expected out tensor to have dtype", "for input and out to match")
KNOWN = OF_DATA_TYPES + OF_DATA + OF_OUTPUTS

TYPES = (torch.float32, torch.float64, torch.int64, torch.int32, torch.bool, torch.uint8)
ALTERATIONS_PER_TENSOR = 6
#: Enough for any sample but those that only take long.
MOST_ELEMENTS = 5000


class Judgement(Enum):
    """Of a call that isn't taken wrongly."""

    NOT_COMPARED = "eager takes it, or refuses it for a reason that is known not to hold for traces"
    REFUSED = "refused by both"


class Called(nn.Module):
    """An operator with all arguments but its tensors."""

    def __init__(self, op: Any, leaves: list[Any], spec: Any):
        super().__init__()
        self._op, self._leaves, self._spec = op, leaves, spec

    def forward(self, *tensors: torch.Tensor) -> Any:
        left = iter(tensors)
        leaves = [next(left) if isinstance(leaf, torch.Tensor) else leaf for leaf in self._leaves]
        args, kwargs = pytree.tree_unflatten(leaves, self._spec)
        return self._op(*args, **kwargs)


def call_of(op: Any, sample: Any) -> tuple[Called, list[torch.Tensor]] | None:
    """The call that a sample stands for; None where the tensors are none that a program takes."""
    leaves, spec = pytree.tree_flatten(((sample.input, *sample.args), sample.kwargs))
    tensors = [leaf.detach() for leaf in leaves if isinstance(leaf, torch.Tensor)]
    if not tensors or any(t.layout != torch.strided or t.numel() > MOST_ELEMENTS or not t.is_cpu for t in tensors):
        return None
    return Called(op.op, leaves, spec), tensors


def altered(tensors: list[torch.Tensor], rng: Random) -> Iterator[list[torch.Tensor]]:
    """One tensor with another size, another rank or another data type."""
    for place, tensor in enumerate(tensors):
        others = list(_others(tensor))
        rng.shuffle(others)
        for other in others[:ALTERATIONS_PER_TENSOR]:
            yield [(other if i == place else t).clone() for i, t in enumerate(tensors)]


def _others(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    for axis, size in enumerate(tensor.shape):
        if size == 0:
            continue
        yield torch.cat([tensor, tensor], axis)
        yield tensor.narrow(axis, 0, 0)
        if size > 1:
            yield tensor.narrow(axis, 0, 1)
            yield tensor.narrow(axis, 0, size - 1)
    yield tensor.unsqueeze(0)
    if tensor.dim() > 0 and tensor.shape[0] > 0:
        yield tensor.select(0, 0)
    if not tensor.is_complex():
        yield from (tensor.to(dtype) for dtype in TYPES if dtype is not tensor.dtype)


def wrongly_taken(model: nn.Module, tensors: list[torch.Tensor]) -> str | Judgement:
    """What eager says of a call that it refuses, and that is traced and run all the same."""
    try:
        with torch.no_grad():
            model(*(t.clone() for t in tensors))
    except Exception as error:
        refusal = str(error)
    else:
        return Judgement.NOT_COMPARED
    if any(words in refusal for words in KNOWN):
        return Judgement.NOT_COMPARED
    for kind, inputs in (("fixed", [t.clone() for t in tensors]), ("dynamic", _with_dynamic_first_axes(tensors))):
        try:
            tracejet.trace(model, arg_inputs=inputs).module()(*(t.clone() for t in tensors))
        except Exception:
            continue
        shapes = ", ".join(f"{str(t.dtype).removeprefix('torch.')}{list(t.shape)}" for t in tensors)
        return f"eager refuses {shapes} ({kind}): {refusal.splitlines()[0] if refusal else ''}"
    return Judgement.REFUSED


def _with_dynamic_first_axes(tensors: list[torch.Tensor]) -> list[Any]:
    """First axes of one size are one dimension. What has nothing to vary stays a tensor."""
    inputs: list[Any] = []
    for tensor in tensors:
        if tensor.dim() == 0 or tensor.shape[0] < 2:
            inputs.append(tensor.clone())
            continue
        first, *rest = tensor.shape
        least, most = [first - 1, *rest], [first + 1, *rest]
        names = {0: f"axis_of_{first}"}
        shapes = {"min_shape": least, "opt_shape": [*tensor.shape], "max_shape": most}
        inputs.append(tracejet.Input(**shapes, dtype=tensor.dtype, shared_dims=names))
    return inputs
