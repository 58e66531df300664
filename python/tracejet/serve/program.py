"""A program as a replica, or a task over a data set, has it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from tracejet._C import InvalidInput
from tracejet.api.compile import CompiledModule, compile
from tracejet.api.files import load
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.call_spec import IN_GRAPH
from tracejet.serve.rows import Request, Rows
from tracejet.serve.signature import Signature

#: What is called like the model.
Function = Callable[..., Any]


class ServedProgram:
    """A file's program: its signature, and calls that answer several requests at once."""

    def __init__(
        self,
        file: str | os.PathLike[str],
        *,
        max_batch_size: int | None = None,
        pad: Mapping[str, float] | None = None,
        function: Callable[[str], Function] | None = None,
    ):
        """
        Args:
            file: of a compiled program, or of a program, which is compiled here.
            max_batch_size, pad: see `Rows`.
            function: gives what is called in the place of the compiled program, of the file's path.
        """
        path = os.fspath(file)
        program = load(path, compiled=False)
        assert isinstance(program, ExportedProgram)
        self.signature = Signature.of(program)
        self.rows = Rows(self.signature, max_batch_size, pad)
        self._call_spec = program._tracejet_call_spec
        self._function = (function or compiled_of)(path)

    def run(self, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The outputs for inputs in the program's order."""
        given = iter(tensors)
        leaves = [leaf.value if leaf.shape is None else next(given) for leaf in self._call_spec.inputs]
        args, kwargs = pytree.tree_unflatten(leaves, self._call_spec.in_spec)
        with torch.inference_mode():
            results = pytree.tree_leaves(self._function(*args, **kwargs))
        return [result for result, kind in zip(results, self._call_spec.outputs, strict=True) if kind is IN_GRAPH]

    def answers(self, requests: Sequence[Request]) -> list[list[torch.Tensor] | Exception]:
        """The outputs of each request, or why there are none. What one of them does wrong is no other's error."""
        try:
            return list(self.rows.split(requests, self.run(self.rows.merged(requests))))
        except Exception as error:
            if len(requests) == 1:
                return [error]
        return [self.answers([request])[0] for request in requests]


def compiled_of(path: str) -> CompiledModule:
    """The compiled program of a file; of a file with a program alone, it is compiled now."""
    found = load(path)
    return found if isinstance(found, CompiledModule) else compile(found)


def checked_name(name: str) -> str:
    """A model's name: a part of URLs."""
    if not name or not all(c.isalnum() or c in "-_." for c in name):
        raise InvalidInput(f"name: expected letters, digits, '-', '_' and '.', got {name!r}")
    return name
