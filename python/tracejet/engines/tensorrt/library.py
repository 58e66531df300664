"""The Python bindings of TensorRT-RTX, or of TensorRT."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
import threading
from types import ModuleType
from typing import Any

from tracejet._C import ErrorCode, InvalidInput

#: TensorRT-RTX comes first: it builds for GPUs that aren't there.
_MODULES = {"tensorrt_rtx": "TensorRT-RTX", "tensorrt": "TensorRT"}

NOT_INSTALLED = "the engine \"tensorrt\" isn't installed: pip install 'tracejet[tensorrt]'"


class Library:
    """A module of bindings, and what its library says.

    `trt` is the module. It has no types that can be relied on: it is Any.
    """

    def __init__(self, trt: Any, name: str):
        self.trt = trt
        self.name = name  #: "TensorRT-RTX"
        self._said = threading.local()
        self.logger = _logger(trt, self._note)

    @property
    def version(self) -> str:
        return str(self.trt.__version__)

    @property
    def is_rtx(self) -> bool:
        """Whether it builds for GPUs that aren't there, and finishes kernels where they run."""
        return hasattr(self.trt, "ComputeCapability")

    def forget(self) -> None:
        """Begins to listen anew on this thread."""
        self._said.errors = []

    def said(self) -> str:
        """The errors since forget() on this thread."""
        return "; ".join(dict.fromkeys(getattr(self._said, "errors", []))) or "it doesn't say why"

    def _note(self, severity: Any, text: str) -> None:
        if severity in (self.trt.ILogger.ERROR, self.trt.ILogger.INTERNAL_ERROR):
            errors = getattr(self._said, "errors", None)
            if errors is not None:
                errors.append(essence_of(text))


def essence_of(text: str) -> str:
    """What an error of TensorRT's says, without the places in its source code."""
    text = re.sub(r"^\[\S+\] ", "", text.strip())
    text = re.sub(r"\s*[(:]?\s*In \S+ at \S+:\d+", "", text)
    while text.count(")") > text.count("("):
        text = "".join(text.rsplit(")", 1))
    return text.strip().rstrip(".")


def installed_module() -> str | None:
    """The bindings that are installed, without importing them."""
    return next((name for name in _MODULES if importlib.util.find_spec(name) is not None), None)


@functools.cache
def load() -> Library:
    """Raises InvalidInput where none is installed, or what is can't be loaded."""
    name = installed_module()
    if name is None:
        raise InvalidInput(NOT_INSTALLED, ErrorCode.UNKNOWN_ENGINE)
    try:
        module: ModuleType = importlib.import_module(name)
    except (ImportError, OSError) as error:
        raise InvalidInput(
            f"{_MODULES[name]} is installed, but can't be loaded: {error}", ErrorCode.UNKNOWN_ENGINE
        ) from error
    library = Library(module, _MODULES[name])
    module.init_libnvinfer_plugins(library.logger, "")  # the parser makes some operators of them
    return library


def _logger(trt: Any, note: Any) -> Any:
    class Logger(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            note(severity, text)

    return Logger()
