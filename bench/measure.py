"""Times, memory and the machine they were measured on."""

from __future__ import annotations

import gc
import json
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console


@dataclass(frozen=True)
class Times:
    """Seconds of repeated runs. The median is what is reported; the least tells how much the machine disturbed."""

    median: float
    least: float
    runs: int

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Times:
        seconds = list(seconds)
        return cls(statistics.median(seconds), min(seconds), len(seconds))


def seconds(run: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> tuple[float, Any]:
    """How long `run` takes by a clock, and what it returns. Garbage of what ran before isn't charged to it."""
    gc.collect()
    start = clock()
    result = run()
    return clock() - start, result


def cpu_seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    """The same in CPU time of this process, all its threads: what else the machine does hardly changes it.

    For tracing, which is sequential and waits for nothing, this is the time that passes on an idle machine. The clock
    on the wall would favour the faster tool on a busy one, since short runs fit between two interruptions.
    """
    return seconds(run, time.process_time)


def _status(field: str) -> float:
    """A number of MiB that Linux knows of this process."""
    match = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert match, f"/proc/self/status has no {field}"
    return int(match[1]) / 1024


def resident_mib() -> float:
    """The memory of this process, in MiB."""
    return _status("VmRSS")


class Peak:
    """How far memory rose, in MiB, at its highest since the block was entered. `rise` is set when it ends."""

    rise: float

    @classmethod
    @contextmanager
    def of_block(cls) -> Any:
        peak = cls()
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts again from the current VmRSS
        before = _status("VmRSS")
        yield peak
        peak.rise = _status("VmHWM") - before


def wide_console() -> Console:
    """The terminal, or lines long enough for the tables where the output goes to a file."""
    console = Console()
    return console if console.is_terminal else Console(width=150)


def machine() -> dict[str, Any]:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": cpu[1] if cpu else platform.processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def write_json(path: str | None, rows: list[dict[str, Any]]) -> None:
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1, default=asdict) + "\n")
