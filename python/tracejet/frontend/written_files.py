"""The one error of a file that can't be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tracejet._C import Error, ErrorCode


def unwritable(path: str | os.PathLike[str], why: str) -> Error:
    """The error, to raise."""
    return Error(f"can't write {os.fspath(path)}: {why}", ErrorCode.UNWRITABLE_FILE)


@contextmanager
def writing_to(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raises Error in the place of what the system says while `path` is written."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error.strerror or str(error)) from error
