"""Requests as rows of one call: what may be put together, how, and who gets which part of the results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from tracejet._C import InvalidInput
from tracejet.serve.signature import Signature, TensorSpec

#: How much of a call may be padding, relative to the rest. A call of a few rows costs little more per row than a large
#: one, and padding costs as much as what is asked for.
MOST_PADDING = 0.25


@dataclass(frozen=True)
class Request:
    """The inputs of one request, in the program's order."""

    tensors: Sequence[torch.Tensor]
    rows: int
    group: tuple[int, ...]  #: sizes that are equal for all requests of one call
    padded: Mapping[str, int]  #: its own sizes of the dimensions that may be padded


class Rows:
    """How requests share a call: along the batch and nothing else. Other sizes that differ keep requests apart, unless
    their inputs may be padded."""

    def __init__(self, signature: Signature, max_batch_size: int | None = None, pad: Mapping[str, float] | None = None):
        """
        Args:
            signature: the program's.
            max_batch_size: rows of one call, at most; by default what the program takes, or one request at a time where
                it has no batch. 1 keeps requests apart.
            pad: inputs that may be padded at the end, with the value for it. All of their dynamic axes are, but for
                the batch.
        """
        self.signature = signature
        self.pad = dict(pad or {})
        self.max_rows = self._checked_max(max_batch_size)
        self.padded_dims = self._checked_pad()

    @property
    def is_merging(self) -> bool:
        return self.max_rows > 1

    def request(self, tensors: Sequence[torch.Tensor]) -> Request:
        """`tensors`: as `Signature.checked` gives them."""
        if not self.is_merging:
            return Request(tensors, 1, (), {})
        sizes = {
            axis: size
            for spec, tensor in zip(self.signature.inputs, tensors, strict=True)
            for axis, size in zip(spec.shape, tensor.shape, strict=True)
            if isinstance(axis, str)
        }
        rows = sizes.pop(self.signature.batch or "")
        padded = {dim: sizes.pop(dim) for dim in self.padded_dims}
        return Request(tensors, rows, tuple(sizes.values()), padded)

    def chosen(self, waiting: Sequence[Request]) -> list[int]:
        """Which of the requests that wait are the next call: the first one, and what fits beside it. Where sizes are
        padded, those that are nearest to its own, as long as padding stays small."""
        first = waiting[0]
        if not self.is_merging:
            return [0]
        others = [i for i in range(1, len(waiting)) if waiting[i].group == first.group]
        if self.padded_dims:
            others.sort(key=lambda i: _distance(waiting[i], first))
        call, taken = _Call(first), [0]
        for i in others:
            if call.rows >= self.max_rows:
                break
            larger = call.with_request(waiting[i])
            if larger.rows <= self.max_rows and larger.padding <= MOST_PADDING:
                call = larger
                taken.append(i)
        return taken

    def merged(self, requests: Sequence[Request]) -> list[torch.Tensor]:
        """The inputs of the call that answers all of these."""
        if len(requests) == 1:
            return list(requests[0].tensors)
        sizes = {dim: max(request.padded[dim] for request in requests) for dim in self.padded_dims}
        return [
            torch.cat([self._padded(spec, request.tensors[index], sizes) for request in requests])
            for index, spec in enumerate(self.signature.inputs)
        ]

    def split(self, requests: Sequence[Request], outputs: Sequence[torch.Tensor]) -> list[list[torch.Tensor]]:
        """What each of them gets of the results."""
        if len(requests) == 1:
            return [list(outputs)]
        counts = [request.rows for request in requests]
        parts = [output.split(counts) for output in outputs]
        return [
            [_cut(spec, part[index], request.padded) for spec, part in zip(self.signature.outputs, parts, strict=True)]
            for index, request in enumerate(requests)
        ]

    def _padded(self, spec: TensorSpec, tensor: torch.Tensor, sizes: Mapping[str, int]) -> torch.Tensor:
        missing = [
            sizes[axis] - size if isinstance(axis, str) and axis in sizes else 0
            for axis, size in zip(spec.shape, tensor.shape, strict=True)
        ]
        if not any(missing):
            return tensor
        ends = [count for lacking in reversed(missing) for count in (0, lacking)]
        return functional.pad(tensor, ends, value=self.pad[spec.name])

    def _checked_max(self, wanted: int | None) -> int:
        batch = self.signature.batch
        greatest = 1 if batch is None else self.signature.dims[batch].max
        if wanted is None:
            return greatest
        if wanted < 1 or wanted > greatest:
            why = (
                "" if batch is not None else ": axis 0 of all inputs and outputs isn't one dimension (see shared_dims)"
            )
            raise InvalidInput(f"max_batch_size is {wanted}, but the program takes 1 to {greatest}{why}")
        return wanted

    def _checked_pad(self) -> tuple[str, ...]:
        names = [spec.name for spec in self.signature.inputs]
        if unknown := [name for name in self.pad if name not in names]:
            raise InvalidInput(f"pad: there is no input {unknown[0]!r}; the inputs are {', '.join(names)}")
        if self.pad and not self.is_merging:
            raise InvalidInput("pad: requests are answered one by one, so that there is nothing to pad")
        batch = self.signature.batch
        dims = dict.fromkeys(
            axis
            for spec in self.signature.inputs
            if spec.name in self.pad
            for axis in spec.shape
            if isinstance(axis, str) and axis != batch
        )
        for spec in self.signature.inputs:
            if spec.name not in self.pad and (shared := [axis for axis in spec.shape if axis in dims]):
                raise InvalidInput(f"pad: {spec.name} has the dimension {shared[0]}, too: say what it is padded with")
        for spec in self.signature.outputs:
            for axis in spec.shape:
                words = _dims_in(axis, dims)
                if words and axis not in dims:
                    raise InvalidInput(
                        f"pad: {spec.name} has an axis of {axis}, which can't be cut back: leave {words[0]} unpadded"
                    )
        return tuple(dims)


class _Call:
    """How large a call is."""

    def __init__(self, request: Request):
        self.rows = request.rows
        self._sizes = dict(request.padded)
        self._own = request.rows * math.prod(self._sizes.values())

    def with_request(self, request: Request) -> _Call:
        call = _Call(request)
        call.rows += self.rows
        call._own += self._own
        call._sizes = {dim: max(size, self._sizes[dim]) for dim, size in request.padded.items()}
        return call

    @property
    def padding(self) -> float:
        """What is computed for padding, relative to what is asked for."""
        return self.rows * math.prod(self._sizes.values()) / self._own - 1


def _dims_in(axis: int | str, dims: Mapping[str, None]) -> list[str]:
    return [] if isinstance(axis, int) else [dim for dim in dims if dim in _names(axis)]


def _names(expression: str) -> list[str]:
    """ "(s0 + 1)//2" has s0."""
    return "".join(c if c.isalnum() or c == "_" else " " for c in expression).split()


def _distance(request: Request, first: Request) -> int:
    return sum(abs(size - first.padded[dim]) for dim, size in request.padded.items())


def _cut(spec: TensorSpec, part: torch.Tensor, sizes: Mapping[str, int]) -> torch.Tensor:
    for axis, dim in enumerate(spec.shape):
        if isinstance(dim, str) and dim in sizes:
            part = part.narrow(axis, 0, sizes[dim])
    return part
