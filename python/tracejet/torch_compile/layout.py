"""How a tensor lies in memory: which of its axes is innermost."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tracejet.patches import dynamo


@dataclass(frozen=True)
class Layout:
    """A dense layout other than row by row."""

    order: tuple[int, ...]  #: the axes, outermost first

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Layout | None:
        """None where the tensor lies row by row, or isn't dense: such a result is made dense."""
        if not all(map(dynamo.has_hint, (*tensor.shape, *tensor.stride()))):
            return None  # the data decides
        sizes, strides = ([_number(n) for n in numbers] for numbers in (tensor.shape, tensor.stride()))
        order = tuple(sorted(range(len(sizes)), key=lambda axis: (-strides[axis], axis)))
        if order == tuple(range(len(sizes))) or 0 in sizes:
            return None
        expected = 1
        for axis in reversed(order):
            if sizes[axis] != 1 and strides[axis] != expected:
                return None
            expected *= sizes[axis]
        return cls(order)

    def applied(self, tensor: torch.Tensor) -> torch.Tensor:
        """The same values in this layout."""
        outermost_first = tensor.permute(self.order)
        if outermost_first.is_contiguous():
            return tensor
        back = sorted(range(len(self.order)), key=self.order.__getitem__)
        return outermost_first.contiguous().permute(back)


def _number(size: int | torch.SymInt) -> int:
    return dynamo.hint_of(size) if isinstance(size, torch.SymInt) else size
