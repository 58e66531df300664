"""What scikit-build-core asks about a wheel: its version and its dependencies, which name the torch it is built for.

The extension is linked to that torch's libraries, whose binary interface changes with each minor version.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def dynamic_metadata(field: str, settings: Mapping[str, Any]) -> str | list[str]:
    torch = torch_minor()
    if field == "version":
        found = re.search(r"project\(tracejet VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
        assert found is not None
        return f"{found[1]}+torch{torch}"
    return [f"torch=={torch}.*", *settings["others"]]


def torch_minor() -> str:
    """ "2.13": of the torch that cmake/LibTorch.cmake finds, which is why it is looked for in the same way."""
    command = [sys.executable, "-I", "-c", "import importlib.metadata as m; print(m.version('torch'))"]
    found = subprocess.run(command, capture_output=True, text=True)
    version = re.match(r"\d+\.\d+", found.stdout)
    if version is None:
        raise RuntimeError(
            f"tracejet needs an installed torch, which {sys.executable} doesn't have: "
            "install one first (pip install 'torch>=2.11,<2.16')"
        )
    return version[0]
