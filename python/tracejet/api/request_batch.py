"""The batch of a program that answers requests: the axis along which several of them are one call."""

from __future__ import annotations

from typing import Any

from tracejet.api.session_program import graph_of
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.binding import Dim, Leaf


def tensor_inputs(program: ExportedProgram) -> list[Leaf]:
    """The inputs that are tensors, in the order in which the graph takes them."""
    return [leaf for leaf in program._tracejet_call_spec.inputs if leaf.shape is not None]


def output_values(program: ExportedProgram) -> list[Any]:
    """The values in the graph that the program gives."""
    return [output.value for output in graph_of(program).outputs if output.value is not None]


def batch_of(program: ExportedProgram) -> Dim | None:
    """The dimension that comes first in all inputs and outputs, where it may be 1."""
    shapes = [leaf.shape or [] for leaf in tensor_inputs(program)]
    first = shapes[0][0] if shapes and shapes[0] else None
    if not isinstance(first, Dim) or first.min > 1:
        return None
    is_shared = all(shape and isinstance(shape[0], Dim) and shape[0].name == first.name for shape in shapes)
    values = output_values(program)
    is_given = all(value.is_tensor and value.shape and str(value.shape[0]) == first.name for value in values)
    return first if is_shared and is_given else None
