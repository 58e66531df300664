"""Files that TensorRT keeps between processes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tracejet._C import CompileSettings
from tracejet.frontend.written_files import unwritable, writing_to


def cache_path(settings: CompileSettings, kind: str) -> str:
    """The file of a cache, "timing" or "runtime": as the settings say, or in their `cache_dir`; empty for none."""
    path = str(getattr(settings, f"{kind}_cache_path"))
    if path or not settings.cache_dir:
        return path
    return os.path.join(settings.cache_dir, f"tensorrt_{kind}.cache")


def read_bytes(path: str) -> bytes:
    """Nothing where there is no such file."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return b""


def write_bytes(path: str, data: bytes) -> None:
    """All or nothing: another process never sees a part. Links are written through; a device or a fifo stays."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise unwritable(path, "there is something else than a file")
    with writing_to(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
