"""`tracejet.dynamo`: the names under which Torch-TensorRT offers tracing and compiling."""

from tracejet.api.compile import compile
from tracejet.api.trace import trace
from tracejet.frontend.dynamic_shapes import get_dynamic_shapes_args, get_dynamic_shapes_kwargs

__all__ = ["compile", "get_dynamic_shapes_args", "get_dynamic_shapes_kwargs", "trace"]
