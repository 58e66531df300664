"""A compiled program over a data set, with Ray Data."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import numpy as np
import torch

from tracejet._C import InvalidInput
from tracejet.serve.program import Function, ServedProgram
from tracejet.serve.rows import Request


class Predictor:
    """For `map_batches` of a Ray data set: adds the program's outputs to the columns of each batch.

        rows.map_batches(Predictor, fn_constructor_args=("model.pt2",), batch_size=64, concurrency=2)

    A column is the input of its name, each row one row of the program's batch. Batches may be of any size. Rows whose
    sizes differ are computed apart from each other, or padded where `pad` says that they may be.
    """

    def __init__(
        self,
        file: str | os.PathLike[str],
        *,
        columns: Mapping[str, str] | None = None,
        max_batch_size: int | None = None,
        pad: Mapping[str, float] | None = None,
        function: Callable[[str], Function] | None = None,
    ):
        """
        Args:
            file: as `application` takes it.
            columns: which column an input is, where it has another name.
            max_batch_size, pad, function: as `application` takes them.

        Raises:
            InvalidInput: axis 0 of all inputs and outputs isn't one dimension, which a data set needs.
        """
        self._program = ServedProgram(file, max_batch_size=max_batch_size, pad=pad, function=function)
        signature = self._program.signature
        if signature.batch is None:
            raise InvalidInput("axis 0 of all inputs and outputs has to be one dimension, from 1 on: see shared_dims")
        self._columns = {spec.name: (columns or {}).get(spec.name, spec.name) for spec in signature.inputs}

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Raises InvalidInput where a column is missing, or a row isn't what the program takes."""
        signature, rows = self._program.signature, self._program.rows
        if missing := [column for column in self._columns.values() if column not in batch]:
            raise InvalidInput(f"there is no column {missing[0]!r}; the columns are {', '.join(batch)}")
        count = len(next(iter(batch.values())))
        waiting: list[tuple[int, Request]] = []
        for i in range(count):
            given = {spec.name: _row(batch[self._columns[spec.name]][i], spec.dtype) for spec in signature.inputs}
            waiting.append((i, rows.request(signature.checked(given))))
        found: list[list[torch.Tensor]] = [[] for _ in range(count)]
        while waiting:
            taken = set(rows.chosen([request for _, request in waiting]))
            call = [entry for place, entry in enumerate(waiting) if place in taken]
            waiting = [entry for place, entry in enumerate(waiting) if place not in taken]
            requests = [request for _, request in call]
            outputs = self._program.run(rows.merged(requests))
            for (i, _), parts in zip(call, rows.split(requests, outputs), strict=True):
                found[i] = parts
        added = {spec.name: _column([parts[place] for parts in found]) for place, spec in enumerate(signature.outputs)}
        return {**batch, **added}


def _row(value: object, dtype: torch.dtype) -> torch.Tensor:
    """A row as a batch of one."""
    array = np.array(value)
    if array.dtype == object:
        array = np.stack([np.asarray(part) for part in array])
    tensor = torch.from_numpy(array)
    if not torch.can_cast(tensor.dtype, dtype):
        raise InvalidInput(f"a column of {tensor.dtype} is given where the program takes {dtype}")
    return tensor.to(dtype)[None]


def _column(rows: list[torch.Tensor]) -> np.ndarray:
    """The rows of an output: an array, or one of arrays where they differ in size."""
    arrays = [row[0].numpy() for row in rows]
    if len({array.shape for array in arrays}) == 1:
        return np.stack(arrays)
    column = np.empty(len(arrays), dtype=object)
    column[:] = arrays
    return column
