"""Makes torch.compile know the backends by name, also where tracejet isn't installed and so has no entry points."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, DistributionFinder, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from tracejet._C import __version__
from tracejet.patches import dynamo

_GROUP = "torch_dynamo_backends"
#: As in pyproject.toml.
_ENTRY_POINTS = {
    "tracejet": "tracejet.torch_compile.entry_points:tracejet",
    "tensorrt": "tracejet.torch_compile.entry_points:tensorrt",
    "torch_tensorrt": "tracejet.torch_compile.entry_points:torch_tensorrt",
}


def register() -> None:
    """Adds the backends to TorchDynamo's list where that exists already; else it finds them once it looks."""
    if _is_installed():
        return
    if "torch._dynamo.backends.registry" not in sys.modules:
        sys.meta_path.append(_Finder())
        return
    from tracejet.torch_compile import entry_points

    dynamo.add_backends((name, getattr(entry_points, name)) for name in _ENTRY_POINTS)


def _is_installed() -> bool:
    try:
        return any(entry_point.group == _GROUP for entry_point in distribution("tracejet").entry_points)
    except PackageNotFoundError:
        return False


class _Tree(Distribution):
    """A source tree as Python's metadata has it."""

    def read_text(self, filename: str) -> str | None:
        if filename == "METADATA":
            return f"Metadata-Version: 2.1\nName: tracejet\nVersion: {__version__}\n"
        if filename == "entry_points.txt":
            return "\n".join([f"[{_GROUP}]", *(f"{name} = {target}" for name, target in _ENTRY_POINTS.items())])
        return None

    def locate_file(self, path: Any) -> Path:
        return Path(__file__).parents[2] / path


class _Finder(DistributionFinder):
    """Tells Python's metadata of the tree that tracejet was imported from."""

    def find_spec(self, *_: Any) -> None:
        """It has no modules."""

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterator[Distribution]:
        if context is None or context.name in (None, "tracejet"):
            yield _Tree()
