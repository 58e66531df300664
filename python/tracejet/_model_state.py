"""Keeps a model as it was: whatever its forward binds, caches or creates during a trace is undone afterwards."""

from __future__ import annotations

import sys
import types
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import nn

#: Kinds of values that hold nothing that forward could change.
_ATOMS = frozenset(
    {type(None), bool, int, float, complex, str, bytes, type, torch.Tensor, nn.Parameter, torch.dtype, torch.device}
    | {torch.Size, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType}
)
#: What a module keeps its own tensors and modules in: to a reader, these are attributes too.
_REGISTRIES = ("_parameters", "_buffers", "_modules")

_MISSING: Any = type("Missing", (), {"__repr__": lambda _: "nothing"})()


class _Place(NamedTuple):
    """How the model reaches something: `layers[2].cache['x']` is three steps."""

    owner: _Place | None
    step: Any
    is_attribute: bool

    def __str__(self) -> str:
        before = "" if self.owner is None else str(self.owner)
        if not self.is_attribute:
            return f"{before}[{self.step!r}]"
        return f"{before}.{self.step}" if before and self.step else before or str(self.step)


class _Saved(NamedTuple):
    """A container and what it held."""

    holder: Any
    content: Any
    place: _Place
    has_attributes: bool


class Change(NamedTuple):
    """Something that forward has put in another's place."""

    place: str
    before: Any
    now: Any


class ModelState:
    """A snapshot of every module's attributes and of the containers and objects in them, by identity. No tensor is
    copied."""

    def __init__(self, model: nn.Module):
        self._saved: list[_Saved] = []
        self._seen: set[int] = set()
        for path, module in model.named_modules():
            self._save(module, _Place(None, path, True))
        for name, parameter in model.named_parameters():
            self._save_attributes(vars(parameter), _Place(None, name, True))
        self._buffers = {id(buffer) for buffer in model.buffers()}
        self._requires_grad = [(parameter, parameter.requires_grad) for parameter in model.parameters()]

    def changes(self) -> Iterator[Change]:
        """What is now in the place of something else, or of nothing."""
        for holder, content, place, has_attributes in self._saved:
            if not isinstance(holder, (dict, list)) or _holds_the_same(holder, content):
                continue
            before, now = _by_key(content), _by_key(holder)
            for key in [*before, *(key for key in now if key not in before)]:
                old, new = before.get(key, _MISSING), now.get(key, _MISSING)
                if old is not new:
                    yield Change(str(_Place(place, key, has_attributes)), old, new)

    def is_buffer(self, value: Any) -> bool:
        """Whether it was a buffer of the model when this was made."""
        return id(value) in self._buffers

    def restore(self) -> None:
        for holder, content, _, _ in self._saved:
            if not _holds_the_same(holder, content):
                _refill(holder, content)
        for parameter, requires_grad in self._requires_grad:
            if parameter.requires_grad != requires_grad:
                parameter.requires_grad_(requires_grad)

    def _save(self, value: Any, place: _Place) -> None:
        if type(value) in _ATOMS or id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, dict):
            self._saved.append(_Saved(value, value.copy(), place, False))
            for key, item in value.items():
                self._save(item, _Place(place, key, False))
        elif isinstance(value, (list, deque)):
            self._saved.append(_Saved(value, list(value), place, False))
            self._save_items(value, place)
        elif isinstance(value, tuple):
            self._save_items(value, place)
        elif isinstance(value, set):
            self._saved.append(_Saved(value, value.copy(), place, False))
        elif _is_users(value):
            self._save_attributes(vars(value), place)

    def _save_items(self, items: Any, place: _Place) -> None:
        for index, item in enumerate(items):
            self._save(item, _Place(place, index, False))

    def _save_attributes(self, attributes: dict[str, Any], place: _Place) -> None:
        self._saved.append(_Saved(attributes, attributes.copy(), place, True))
        for name, value in attributes.items():
            if name in _REGISTRIES:
                self._saved.append(_Saved(value, value.copy(), place, True))
            elif type(value) not in _ATOMS:
                self._save(value, _Place(place, name, True))


def _is_users(value: Any) -> bool:
    """Whether `value` is an object of the model's own making: a module, a cache, a configuration."""
    if isinstance(value, (nn.Module, types.SimpleNamespace)):
        return True
    library = type(value).__module__.partition(".")[0]
    return hasattr(value, "__dict__") and library != "torch" and library not in sys.stdlib_module_names


def _by_key(content: Any) -> dict[Any, Any]:
    return content if isinstance(content, dict) else dict(enumerate(content))


def _holds_the_same(holder: Any, content: Any) -> bool:
    if len(holder) != len(content):
        return False
    if isinstance(holder, dict):
        return all(holder.get(name, _MISSING) is value for name, value in content.items())
    if isinstance(holder, (list, deque)):
        return all(now is before for now, before in zip(holder, content))
    return holder == content


def _refill(holder: Any, content: Any) -> None:
    if isinstance(holder, dict):  # by the plain methods: a class of the model's may have changed them
        kind = OrderedDict if isinstance(holder, OrderedDict) else dict
        kind.clear(holder)
        kind.update(holder, content)
    elif isinstance(holder, set):
        holder.clear()
        holder.update(content)
    else:
        holder.clear()
        holder.extend(content)
