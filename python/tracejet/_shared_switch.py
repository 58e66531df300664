"""State of the whole process that traces need changed, however many threads trace at once."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class SharedSwitch:
    """On while anybody holds it. `switch_on` makes the change and returns what undoes it."""

    def __init__(self, switch_on: Callable[[], Callable[[], None]]):
        self.switch_on = switch_on
        self._switch_off: Callable[[], None] | None = None
        self._holders = 0
        self._lock = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            if self._holders == 0:
                self._switch_off = self.switch_on()
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0 and self._switch_off is not None:
                    self._switch_off()


def together(*switches: SharedSwitch) -> SharedSwitch:
    """One for all of them, which nobody may hold beside it. They are switched off in reverse order."""

    def switch_on() -> Callable[[], None]:
        undo: list[Callable[[], None]] = []

        def switch_off() -> None:
            for back in reversed(undo):
                back()

        try:
            for switch in switches:
                undo.append(switch.switch_on())
        except BaseException:
            switch_off()
            raise
        return switch_off

    return SharedSwitch(switch_on)


def switched_attribute(owner: object, name: str, value: object) -> SharedSwitch:
    """`owner.name` is `value` while it is held."""

    def switch_on() -> Callable[[], None]:
        before = getattr(owner, name)
        setattr(owner, name, value)
        return lambda: setattr(owner, name, before)

    return SharedSwitch(switch_on)


def _without_collections() -> Callable[[], None]:
    if not gc.isenabled():
        return lambda: None
    gc.disable()
    return gc.enable


#: While it is held, no garbage is collected: of many objects made and none dropped, collections would only cost.
without_collections = SharedSwitch(_without_collections)
