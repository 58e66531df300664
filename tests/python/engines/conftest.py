"""Fixtures of several files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.python_engines import Adder, registered


@pytest.fixture
def adder() -> Iterator[Adder]:
    engine = Adder()
    with registered(engine):
        yield engine
