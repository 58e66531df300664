"""`BaseEngineCache`: a user's own place for what engines compile."""

from __future__ import annotations

import abc


class BaseEngineCache(abc.ABC):
    """Keeps what engines compile, under keys: `compile(…, custom_engine_cache=this)` uses it in the place of a folder.
    As Torch-TensorRT's class of this name.

    Its methods are called on any thread, and on several at once. What they raise is said with a `BuildWarning`, and
    the program is compiled all the same. An entry is checked after it is loaded: one that is damaged is compiled again.
    """

    @abc.abstractmethod
    def save(self, key: str, blob: bytes) -> None:
        """Keeps an entry, in the place of an earlier one of this key. Keys are letters and digits."""

    @abc.abstractmethod
    def load(self, key: str) -> bytes | None:
        """What was saved under this key; None where there is nothing."""

    def insert(self, key: str, entry: bytes) -> None:
        """What `compile` calls with what was compiled."""
        self.save(key, entry)

    def check(self, key: str) -> bytes | None:
        """What `compile` asks before an engine compiles."""
        return self.load(key)
