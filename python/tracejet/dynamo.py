"""`tracejet.dynamo`: the names under which Torch-TensorRT offers tracing and compiling."""

from tracejet._compile import compile
from tracejet._dynamic_shapes import get_dynamic_shapes_args, get_dynamic_shapes_kwargs
from tracejet._trace import trace

__all__ = ["compile", "get_dynamic_shapes_args", "get_dynamic_shapes_kwargs", "trace"]
