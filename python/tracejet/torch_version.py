"""Holds the torch that is installed against the one that the extension was built with, if there is one at all."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import torch


def check_torch_version(built_with: str | None = None) -> None:
    """Raises ImportError where the two differ in more than a patch: loading the extension would fail, or worse. So does
    a source tree that hasn't been built.
    """
    if not _is_built():
        raise ImportError("tracejet's extension isn't built here: run `make extension` in its source tree")
    built_with = built_with or getattr(made_by_cmake(), "TORCH", None)
    if built_with is not None and _minor(built_with) != _minor(torch.__version__):
        raise ImportError(
            f"this tracejet was built for torch {_minor(built_with)}, but torch {torch.__version__} is installed: "
            f"install torch {_minor(built_with)}, or a tracejet whose version ends in +torch{_minor(torch.__version__)}"
        )


def _is_built() -> bool:
    """False where only the extension's stubs are there, which Python takes for a package without a file."""
    spec = importlib.util.find_spec("tracejet._C")
    return spec is not None and spec.origin is not None


def made_by_cmake() -> ModuleType | None:
    """What CMake noted of the extension; None where that was built by hand."""
    if importlib.util.find_spec("tracejet._built_with") is None:
        return None
    return importlib.import_module("tracejet._built_with")


def _minor(version: str) -> str:
    found = re.match(r"\d+\.\d+", version)
    return found[0] if found else version
