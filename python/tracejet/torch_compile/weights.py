"""Whether the weights of a call are those that a program was built with."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_

import torch
from torch import nn

from tracejet.patches.torch_internals import has_own_dispatch, version_of


def place_of(tensor: torch.Tensor) -> int:
    """Where its memory is, or that of what it wraps: such a tensor has none of its own."""
    return id(tensor) if has_own_dispatch(tensor) else tensor.data_ptr()


class Weights:
    """Tensors that a program has taken in as they were."""

    def __init__(self, tensors: Sequence[torch.Tensor]):
        self._tensors = list(tensors)
        self._versions = list(map(version_of, tensors))
        self._places = list(map(place_of, tensors))

    def are(self, tensors: Sequence[torch.Tensor]) -> bool:
        """Whether `tensors` are these very ones, unchanged. Writes through `.data` and through NumPy leave no trace."""
        return (
            all(map(is_, self._tensors, tensors))
            and list(map(version_of, tensors)) == self._versions
            and list(map(place_of, tensors)) == self._places
        )

    def changed(self, tensors: Sequence[torch.Tensor]) -> list[int]:
        """Which of `tensors` were written to since, or are others although most of the module's parameters are not."""
        are_same = [mine is other for mine, other in zip(self._tensors, tensors, strict=True)]
        changed = [
            i
            for i, tensor in enumerate(tensors)
            if are_same[i] and (version_of(tensor), place_of(tensor)) != (self._versions[i], self._places[i])
        ]
        parameters = [i for i, tensor in enumerate(tensors) if isinstance(tensor, nn.Parameter)]
        if 2 * sum(are_same[i] for i in parameters) >= len(parameters):
            changed += [i for i in range(len(tensors)) if not are_same[i]]
        return sorted(changed)
