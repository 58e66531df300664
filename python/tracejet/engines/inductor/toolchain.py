"""What Inductor compiles with, and for what."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import platform
import shutil
from pathlib import Path

import torch


def missing() -> str:
    """What there isn't on this machine and Inductor needs; empty where it has all."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler.split()[0]) is None:
        return f"it compiles with {compiler}, which isn't installed here; CXX names another compiler"
    if torch.cuda.is_available() and importlib.util.find_spec("triton") is None:
        return "it compiles for GPUs with Triton, which isn't installed here"
    return ""


def machine() -> str:
    """The processor, and the GPU where there is one: its code is for these alone."""
    text = f"{torch.backends.cpu.get_cpu_capability()} ({_processor()})"
    if not torch.cuda.is_available():
        return text
    major, minor = torch.cuda.get_device_capability()
    return f"{text}, {torch.cuda.get_device_name()} ({major}.{minor})"


@functools.cache
def _processor() -> str:
    """Tells processors apart by what they can do, as the compiler does for -march=native."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(" ".join(sorted(flags.split())).encode()).hexdigest()[:8]
