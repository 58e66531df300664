"""State of the whole process that traces need changed, however many threads trace at once."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class RefcountedPatch:
    """On while anybody holds it. `apply` makes the change and returns what undoes it."""

    def __init__(self, apply: Callable[[], Callable[[], None]]):
        self.apply = apply
        self._undo: Callable[[], None] | None = None
        self._holders = 0
        self._lock = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            if self._holders == 0:
                self._undo = self.apply()
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0 and self._undo is not None:
                    self._undo()


def together(*patches: RefcountedPatch) -> RefcountedPatch:
    """One for all of them, which nobody may hold beside it. They are undone in reverse order."""

    def apply() -> Callable[[], None]:
        undos: list[Callable[[], None]] = []

        def undo() -> None:
            for back in reversed(undos):
                back()

        try:
            for patch in patches:
                undos.append(patch.apply())
        except BaseException:
            undo()
            raise
        return undo

    return RefcountedPatch(apply)


def patched_attribute(owner: object, name: str, value: object) -> RefcountedPatch:
    """`owner.name` is `value` while it is held."""

    def apply() -> Callable[[], None]:
        before = getattr(owner, name)
        setattr(owner, name, value)
        return lambda: setattr(owner, name, before)

    return RefcountedPatch(apply)


def _without_collections() -> Callable[[], None]:
    if not gc.isenabled():
        return lambda: None
    gc.disable()
    return gc.enable


#: While it is held, no garbage is collected: of many objects made and none dropped, collections would only cost.
without_collections = RefcountedPatch(_without_collections)
