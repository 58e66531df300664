"""Tests of what PyTorch's own databases have, operator by operator and module by module."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import pytest

#: Why a test of a database is skipped.
NOTHING_COMPARED = "no sample that eager takes has an axis to be made dynamic"


def one_in_ten_by_default(entries: Iterable[Any]) -> list[Any]:
    """What a database has, as parameters of a test, of which nine in ten are marked as slow. The choice goes by name,
    so that an entry more or less in another version of PyTorch changes nothing for the others."""
    return [
        pytest.param(
            entry,
            id=entry.formatted_name,
            marks=() if zlib.crc32(entry.formatted_name.encode()) % 10 == 0 else pytest.mark.slow,
        )
        for entry in entries
    ]
