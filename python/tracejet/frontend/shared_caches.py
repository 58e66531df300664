"""Caches beside a model: containers and `functools.lru_cache` in its classes, and in the files these come from."""

from __future__ import annotations

import functools
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch import nn

from tracejet.frontend.model_state import holds_the_same, is_users_type, refill
from tracejet.frontend.state_mutation import traced_tensors

_CONTAINERS = frozenset({dict, OrderedDict, defaultdict, list, set})
_CachedFunction = type(functools.lru_cache(lambda: None))


class SharedCaches:
    """A snapshot of them. Others may use them too, so only what a trace has left of its tensors is taken back."""

    def __init__(self, modules: Sequence[tuple[str, nn.Module]]):
        self._containers: list[tuple[Any, Any]] = []  # and what it held
        self._functions: list[tuple[Any, int]] = []  # and how often it was called anew
        for owner in _owners({type(module) for _, module in modules}):
            for value in vars(owner).values():
                kind = type(value)
                if kind in _CONTAINERS:
                    self._containers.append((value, value.copy()))
                elif kind is _CachedFunction:
                    self._functions.append((value, value.cache_info().misses))

    def restore(self) -> None:
        for function, misses in self._functions:
            if function.cache_info().misses != misses:
                function.cache_clear()
        for holder, content in self._containers:
            if not holds_the_same(holder, content) and next(traced_tensors(holder), None) is not None:
                refill(holder, content)


def _owners(kinds: Iterable[type[nn.Module]]) -> Iterator[Any]:
    """The model's own classes, and the modules of Python that define them."""
    classes = {base for kind in kinds for base in kind.__mro__}
    users = [kind for kind in classes if is_users_type(kind)]
    yield from users
    for name in {kind.__module__ for kind in users}:
        if name in sys.modules:
            yield sys.modules[name]
