"""Engines that are written in Python and come with tracejet."""

from collections.abc import Iterable

from tracejet import _C
from tracejet.engines.tensorrt.engine import TensorRT
from tracejet.engines.tensorrt.library import NOT_INSTALLED, installed_module


def require_installed(names: Iterable[str]) -> None:
    """Says how an engine that comes with tracejet is installed. Raises InvalidInput where one of these isn't."""
    for name in names:
        if name == TensorRT.name and installed_module() is None and name not in dict(_C.engines()):
            raise _C.InvalidInput(NOT_INSTALLED, _C.ErrorCode.UNKNOWN_ENGINE)
