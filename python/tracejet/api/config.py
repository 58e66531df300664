"""`show_config`: what a bug report has to say of the machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any, Literal

import torch

from tracejet import _C
from tracejet.api.engine import engines

#: Packages that a trace or an engine may use, where they are installed.
_PACKAGES = "numpy openvino tensorrt-rtx tensorrt-rtx-cu13 triton torchvision torchao timm transformers".split()


def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, Any] | None:
    """Prints what a bug report needs: versions, engines, the processor, and what the environment sets. Called as
    `numpy.show_config`.

    Args:
        mode: "stdout" prints it, "dicts" returns it.

    Raises:
        InvalidInput: `mode` is neither.
    """
    if mode not in ("stdout", "dicts"):
        raise _C.InvalidInput(f'mode: expected "stdout" or "dicts", got {mode!r}', _C.ErrorCode.INVALID_SETTING)
    found = config()
    if mode == "dicts":
        return found
    print(config_text(found))
    return None


def config() -> dict[str, Any]:
    """What `show_config` shows."""
    cuda = torch.version.cuda
    return {
        "tracejet": _C.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "cuda": f"{cuda}, {torch.cuda.device_count()} devices" if cuda is not None else "torch has none",
        "engines": engines(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name)) is not None},
        "engine cache": _C.default_engine_cache_dir(),
        "environment": {name: value for name, value in sorted(os.environ.items()) if name.startswith("TRACEJET_")},
    }


def config_text(found: dict[str, Any]) -> str:
    """For people."""
    lines = []
    for name, value in found.items():
        if not isinstance(value, dict):
            lines.append(f"{name}: {value}")
            continue
        lines.append(f"{name}:" if value else f"{name}: nothing")
        lines += [f"  {key}: {text}" for key, text in value.items()]
    return "\n".join(lines)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    """Its name, which `platform.processor` doesn't know on Linux."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
