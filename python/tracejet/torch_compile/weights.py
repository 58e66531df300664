"""Whether the weights of a call are those that a program was built with."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, is_

import torch
from torch import nn

_version = attrgetter("_version")


class Weights:
    """Tensors that a program has taken in as they were."""

    def __init__(self, tensors: Sequence[torch.Tensor]):
        self._tensors = list(tensors)
        self._versions = list(map(_version, tensors))
        self._places = [tensor.data_ptr() for tensor in tensors]

    def are(self, tensors: Sequence[torch.Tensor]) -> bool:
        """Whether `tensors` are these very ones, unchanged. Writes through `.data` and through NumPy leave no trace."""
        return (
            all(map(is_, self._tensors, tensors))
            and list(map(_version, tensors)) == self._versions
            and [tensor.data_ptr() for tensor in tensors] == self._places
        )

    def changed(self, tensors: Sequence[torch.Tensor]) -> list[int]:
        """Which of `tensors` were written to since, or are others although the module has the same parameters."""
        are_same = [mine is other for mine, other in zip(self._tensors, tensors, strict=True)]
        changed = [
            i
            for i, tensor in enumerate(tensors)
            if are_same[i] and (tensor._version != self._versions[i] or tensor.data_ptr() != self._places[i])
        ]
        parameters = [i for i, tensor in enumerate(tensors) if isinstance(tensor, nn.Parameter)]
        if all(are_same[i] for i in parameters):
            changed += [i for i in range(len(tensors)) if not are_same[i]]
        return sorted(changed)
