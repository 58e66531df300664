"""Keeps a model as it was: whatever its forward binds, caches or creates during a trace is undone afterwards."""

from __future__ import annotations

import sys
import types
from collections import OrderedDict, deque
from collections.abc import Iterator
from operator import is_
from typing import Any, NamedTuple

import torch
from torch import nn

from tracejet import _C
from tracejet.frontend.registered import Registered, unique

#: Kinds of values that hold nothing that forward could change.
_ATOMS = frozenset(
    {type(None), bool, int, float, complex, str, bytes, type, torch.Tensor, nn.Parameter, torch.dtype, torch.device}
    | {torch.Size, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType}
)
_CONTAINERS = frozenset({dict, OrderedDict, list, set})
#: What a module keeps its own tensors and modules in: to a reader, these are attributes too.
_REGISTRIES = ("_parameters", "_buffers", "_modules")

_MISSING: Any = type("Missing", (), {"__repr__": lambda _: "nothing"})()


#: How the model reaches something: from where, by which name or key, and whether that is an attribute. None: the model.
_Place = tuple[Any, Any, bool] | None


def _path(place: _Place) -> str:
    """As Python writes it: `layers[2].cache['x']`."""
    if place is None:
        return ""
    owner, step, is_attribute = place
    before = _path(owner)
    if not is_attribute:
        return f"{before}[{step!r}]"
    return f"{before}.{step}" if before and step else before or str(step)


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
    copied. A model has thousands of containers, nearly all of them empty (hooks): these cost next to nothing.
    """

    def __init__(self, model: nn.Module, registered: Registered | None = None):
        registered = registered or Registered.of(model)
        parameters = unique(registered.parameters)
        self._model = model
        self._saved: list[_Saved] = []
        self._empty: list[tuple[Any, _Place, str]] = []  # of whom these are attributes, and their names
        self._seen: set[int] = set()
        for path, module in unique(registered.modules):
            self._save(module, (None, path, True))
        for path, parameter in parameters:
            if vars(parameter):
                self._save_attributes(vars(parameter), (None, path, True))
            else:
                self._empty.append((vars(parameter), (None, path, True), "__dict__"))
        self._buffers = {id(buffer) for _, buffer in registered.buffers}
        self._requires_grad = [(parameter, parameter.requires_grad) for _, parameter in parameters]

    def tensors(self) -> Iterator[tuple[str, torch.Tensor]]:
        """What is registered now, by name."""
        registered = Registered.of(self._model)
        yield from registered.parameters
        yield from registered.buffers

    def module(self, path: str) -> nn.Module | None:
        """The module of this path; None where something else has it."""
        try:
            return self._model.get_submodule(path)
        except AttributeError:
            return None

    def changes(self) -> Iterator[Change]:
        """What is now in the place of something else, or of nothing."""
        for holder, content, place, has_attributes in self._changed():
            if not isinstance(holder, (dict, list)):
                continue
            before, now = _by_key(content), _by_key(holder)
            for key in [*before, *(key for key in now if key not in before)]:
                old, new = before.get(key, _MISSING), now.get(key, _MISSING)
                if old is not new:
                    yield Change(_path((place, key, has_attributes)), old, new)

    def has_changed(self) -> bool:
        """Whether anything is other than it was."""
        return bool(self._changed())

    def is_buffer(self, value: Any) -> bool:
        """Whether it was a buffer of the model when this was made."""
        return id(value) in self._buffers

    def restore(self) -> None:
        for holder, content, _, _ in self._changed():
            refill(holder, content)
        for parameter, requires_grad in self._requires_grad:
            if parameter.requires_grad != requires_grad:
                parameter.requires_grad_(requires_grad)

    def _changed(self) -> list[_Saved]:
        changed = _C.changed_containers(self._saved, holds_the_same)
        return [*changed, *(_saved_empty(*filled) for filled in self._empty if filled[0])]

    def _save(self, value: Any, place: _Place) -> None:
        if type(value) in _ATOMS or id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, dict):
            self._saved.append(_Saved(value, value.copy(), place, False))
            for key, item in value.items():
                self._save(item, (place, key, False))
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
            self._save(item, (place, index, False))

    def _save_attributes(self, attributes: dict[str, Any], place: _Place) -> None:
        self._saved.append(_Saved(attributes, attributes.copy(), place, True))
        for name, value in attributes.items():
            kind = type(value)
            if kind in _ATOMS:
                continue
            if kind in _CONTAINERS and not value:
                self._empty.append((value, place, name))
            elif name in _REGISTRIES and kind is dict:  # TorchScript's aren't
                self._saved.append(_Saved(value, value.copy(), place, True))
            else:
                self._save(value, (place, name, True))


def _saved_empty(holder: Any, owner: _Place, name: str) -> _Saved:
    """A container that was an attribute of `owner`, and empty."""
    holds_attributes = name == "__dict__" or (name in _REGISTRIES and type(holder) is dict)
    return _Saved(holder, type(holder)(), owner if holds_attributes else (owner, name, True), holds_attributes)


def _is_users(value: Any) -> bool:
    """Whether `value` is an object of the model's own making: a module, a cache, a configuration."""
    if isinstance(value, (nn.Module, types.SimpleNamespace)):
        return True
    return hasattr(value, "__dict__") and is_users_type(type(value))


def is_users_type(kind: type) -> bool:
    """Whether a class is neither PyTorch's nor Python's."""
    library = kind.__module__.partition(".")[0]
    return library != "torch" and library not in sys.stdlib_module_names


def _by_key(content: Any) -> dict[Any, Any]:
    return content if isinstance(content, dict) else dict(enumerate(content))


def holds_the_same(holder: Any, content: Any) -> bool:
    """Whether a container holds the very objects of `content`."""
    if len(holder) != len(content):
        return False
    if isinstance(holder, dict):
        return all(map(is_, holder.values(), content.values())) and all(map(is_, holder, content))
    if isinstance(holder, (list, deque)):
        return all(map(is_, holder, content))
    return bool(holder == content)


def refill(holder: Any, content: Any) -> None:
    """Makes a container hold what `content` holds."""
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
