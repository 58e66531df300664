"""Indices that PyTorch's own indexing would read as plain numbers, while a trace runs.

They are `x[:, n - 1]`, `x[i]` and `x[:i]` where `i` is a tensor of one integer, and `x[[0, n - 1]]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tracejet import _C
from tracejet.patches.refcounted_patch import RefcountedPatch

_TensorBase = torch._C.TensorBase

_INTEGERS = frozenset({torch.int8, torch.int16, torch.int32, torch.int64})


def _getitem(tensor: torch.Tensor, index: Any) -> torch.Tensor:
    tensor, index = _after_selection(tensor, index)
    return _TensorBase.__getitem__(tensor, index)


def _setitem(tensor: torch.Tensor, index: Any, value: Any) -> None:
    tensor, index = _after_selection(tensor, index)
    _TensorBase.__setitem__(tensor, index, value)


def _after_selection(tensor: torch.Tensor, index: Any) -> tuple[torch.Tensor, Any]:
    """A view of the tensor, and what is left of the index once symbolic numbers in it have selected from their axes.

    PyTorch, too, selects by numbers before it looks at other tensors in an index.
    """
    items = list(index) if isinstance(index, tuple) else [index]
    items = [_with_numbers(item, tensor) for item in items]
    after = [sum(map(_axes_of, items[position + 1 :])) for position in range(len(items))]
    dots = next((position for position, item in enumerate(items) if item is ...), len(items))
    rest = []
    selections = []
    for position, item in enumerate(items):
        if not _is_symbolic_number(item):
            rest.append(item)
            continue
        before = sum(map(_axes_of, items[:position]))
        selections.append((before if position < dots else tensor.dim() - after[position] - 1, item))
    if not selections:
        return tensor, tuple(items) if isinstance(index, tuple) else items[0]
    for axis, number in sorted(selections, key=lambda selection: selection[0], reverse=True):
        if not 0 <= axis < tensor.dim():
            raise IndexError(f"too many indices for tensor of dimension {tensor.dim()}")
        tensor = tensor.select(axis, number.item() if isinstance(number, torch.Tensor) else number)
    return tensor, tuple(rest) or ...


def _with_numbers(item: Any, tensor: torch.Tensor) -> Any:
    """A list that holds symbolic numbers, as the tensor that it stands for; a slice with numbers for its tensors."""
    if isinstance(item, list) and any(isinstance(number, torch.SymInt) for number in item):
        return torch.tensor(item, device=tensor.device)
    if isinstance(item, slice):
        return slice(*map(_number, (item.start, item.stop, item.step)))
    return item


def _number(end: Any) -> Any:
    """An end of a slice: a tensor of one integer is that integer."""
    return end.item() if isinstance(end, torch.Tensor) and end.dtype in _INTEGERS else end


def _is_symbolic_number(item: Any) -> bool:
    if isinstance(item, torch.Tensor):
        return item.dim() == 0 and item.dtype in _INTEGERS
    return isinstance(item, torch.SymInt)


def _axes_of(item: Any) -> int:
    """How many axes of a tensor an item of an index is about."""
    if item is None or item is ... or isinstance(item, bool):
        return 0
    if isinstance(item, torch.Tensor) and item.dtype in (torch.bool, torch.uint8):
        return item.dim()
    return 1


def _switch_on() -> Callable[[], None]:
    _C.replace_indexing(torch.Tensor, _getitem, _setitem)
    return lambda: _C.restore_indexing(torch.Tensor)


#: While it is held, a trace takes such indices.
symbolic_indices = RefcountedPatch(_switch_on)
