"""What a model has registered: its modules, parameters and buffers by name, found in one walk."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

import torch
from torch import nn

from tracejet._C import ErrorCode, InvalidInput
from tracejet.patches.module_registries import buffers_of, children_of, names_otherwise, parameters_of

_T = TypeVar("_T")
_Named = list[tuple[str, _T]]


class Registered(NamedTuple):
    """As PyTorch's `named_modules(remove_duplicate=False)` and its like have it; `unique` leaves repetitions out.

    PyTorch's own walk for each kind, by generators in each other: it takes as long as a tenth of a trace, and in models
    that are deeply nested all of it.
    """

    modules: _Named[nn.Module]
    parameters: _Named[nn.Parameter]
    buffers: _Named[torch.Tensor]

    @classmethod
    def of(cls, model: nn.Module) -> Registered:
        modules = _walk(model)
        if any(names_otherwise(kind) for kind in {type(module) for _, module in modules}):
            return cls(
                list(model.named_modules(remove_duplicate=False)),
                list(model.named_parameters(remove_duplicate=False)),
                list(model.named_buffers(remove_duplicate=False)),
            )
        return cls(modules, list(_members(modules, parameters_of)), list(_members(modules, buffers_of)))


def unique(named: Iterable[tuple[str, _T]]) -> _Named[_T]:
    """Each by its first name."""
    found: dict[int, tuple[str, _T]] = {}
    for name, value in named:
        found.setdefault(id(value), (name, value))
    return list(found.values())


def _walk(model: nn.Module) -> _Named[nn.Module]:
    deepest = sys.getrecursionlimit()
    found: _Named[nn.Module] = []
    waiting: _Named[nn.Module] = [("", model)]
    while waiting:
        path, module = waiting.pop()
        found.append((path, module))
        if children := children_of(module):
            if path.count(".") >= deepest:
                raise InvalidInput(
                    f"{path[:40]}… goes on for {deepest} modules: one of the model's modules holds itself",
                    ErrorCode.NOT_A_MODULE,
                )
            prefix = f"{path}." if path else ""
            waiting += [(prefix + name, child) for name, child in reversed(children.items()) if child is not None]
    return found


def _members(modules: _Named[nn.Module], registry: Callable[[nn.Module], dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for path, module in modules:
        if members := registry(module):
            prefix = f"{path}." if path else ""
            for name, member in members.items():
                if member is not None:
                    yield prefix + name, member
