"""Everything that runs a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tracejet

RUNNERS: dict[str, Callable[[Any], Any]] = {
    "module": lambda program: program.module(),
    "aten": lambda program: tracejet.compile(program, engine="aten"),
    "openvino": lambda program: tracejet.compile(program, engine="openvino"),
}
each_runner = pytest.mark.parametrize("runner", RUNNERS.values(), ids=RUNNERS)
