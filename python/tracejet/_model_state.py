"""Keeps a model as it was: whatever its forward binds, caches or creates during a trace is undone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn


class ModelState:
    """A snapshot of every module's attributes and of the containers in them, by identity. No tensor is copied."""

    def __init__(self, model: nn.Module):
        self._modules = list(model.named_modules())
        self._saved: list[tuple[Any, Any]] = []  # a dict, list or set, and a copy of it
        for _, module in self._modules:
            attributes = module.__dict__
            self._saved.append((attributes, attributes.copy()))
            self._saved.extend((value, value.copy()) for value in attributes.values() if type(value) in _CONTAINERS)
        self._buffers = {
            (f"{path}.{name}" if path else name): (module, name, buffer)
            for path, module in self._modules
            for name, buffer in module._buffers.items()
            if buffer is not None
        }

    def rebound_buffers(self) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
        """Buffers that another tensor has taken the place of: (path, buffer, replacement)."""
        for path, (module, name, buffer) in self._buffers.items():
            now = module._buffers.get(name)
            if now is not None and now is not buffer:
                yield path, buffer, now

    def restore(self) -> None:
        for container, content in self._saved:
            if not _holds_the_same(container, content):
                _refill(container, content)


_CONTAINERS = (dict, list, set)


def _holds_the_same(container: Any, content: Any) -> bool:
    if len(container) != len(content):
        return False
    if isinstance(container, dict):
        missing = object()
        return all(container.get(name, missing) is value for name, value in content.items())
    if isinstance(container, list):
        return all(now is before for now, before in zip(container, content))
    return container == content


def _refill(container: Any, content: Any) -> None:
    container.clear()
    if isinstance(container, list):
        container.extend(content)
    else:
        container.update(content)
