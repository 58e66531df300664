"""Measures: memory of this process, and what many calls took."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_PERCENTILES = (50, 90, 95, 99)


def resident_bytes() -> int:
    """The memory that this process holds; 0 where the system doesn't say."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def latency(seconds: Sequence[float]) -> dict[str, float]:
    """Mean, extremes and percentiles in milliseconds, and calls per second."""
    milliseconds = np.asarray(seconds) * 1e3
    found = {"mean_ms": float(milliseconds.mean()), "min_ms": float(milliseconds.min())}
    found |= {f"p{p}_ms": float(np.percentile(milliseconds, p)) for p in _PERCENTILES}
    return {**found, "max_ms": float(milliseconds.max()), "calls_per_second": float(len(seconds) / sum(seconds))}
