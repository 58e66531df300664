"""Models that are compiled."""

from __future__ import annotations

import pytest

from tracejet import Input

ENGINES = ["openvino", "aten"]


each_engine = pytest.mark.parametrize("engine", ENGINES)


def batched(*shape: int, low: int = 2, high: int = 16, name: str = "") -> Input:
    return Input(min_shape=(low, *shape), opt_shape=(4, *shape), max_shape=(high, *shape), name=name)
