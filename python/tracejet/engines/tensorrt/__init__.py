"""TensorRT, where it is installed."""

from collections.abc import Callable

from tracejet import _C
from tracejet.engines.tensorrt.engine import TensorRT
from tracejet.engines.tensorrt.library import installed_module, load


def register(chosen_profile: Callable[[], int | None] = lambda: None) -> None:
    """Makes TensorRT one of the engines, if its bindings are installed. They aren't imported yet."""
    if installed_module() is not None:
        _C.register_onnx_engine(TensorRT(load, chosen_profile))
