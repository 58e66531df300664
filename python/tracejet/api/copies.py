"""Copies of compiled programs, by `copy.deepcopy` and `pickle`: as files, which hold all of them."""

from __future__ import annotations

import copyreg
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from tracejet.api.compile import CompiledModule
from tracejet.api.files import load

#: What a file holds of a module: the rest of its attributes (hooks, the mode of training) is copied as Python's.
HELD = {"_program", "_spec", "_tensor_leaves"}


def restored(file: bytes) -> CompiledModule:
    """The compiled program of a file's bytes. Warns and raises as `tracejet.load` does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.pt2"
        path.write_bytes(file)
        return cast("CompiledModule", load(path))  # its memory stays mapped without a name


def reduced(module: CompiledModule) -> tuple[Callable[[bytes], CompiledModule], tuple[bytes], dict[str, Any]]:
    """What `copy.deepcopy` and `pickle` make another of: its buffers are as they are now, and its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.pt2"
        module.save(path)
        others = {name: value for name, value in module.__dict__.items() if name not in HELD}
        return restored, (path.read_bytes(),), others


def register_copies() -> None:
    """Has `copy` and `pickle` know it."""
    copyreg.pickle(CompiledModule, reduced)
