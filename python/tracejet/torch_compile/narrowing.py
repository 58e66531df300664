"""Where a model takes fewer sizes than TorchDynamo's guards allow, these are narrowed: it compiles again for others."""

from __future__ import annotations

from dataclasses import replace

from tracejet.frontend.input import Input
from tracejet.frontend.report import Report
from tracejet.torch_compile.graph_inputs import GraphInputs, guard


def narrow(inputs: GraphInputs, report: Report) -> GraphInputs:
    """The inputs as a failed trace suggests them, with TorchDynamo's guards to match."""
    suggested, _ = report.suggested_inputs()
    given = dict(zip(inputs.given, suggested, strict=True))
    first: dict[str, str] = {}
    for index, now in given.items():
        before = inputs.tensors.get(index) or inputs.numbers[index]
        for axis, name in before.shared_dims.items():
            size, low, high = inputs.dimensions[name], now.min_shape[axis], now.max_shape[axis]
            if low == high:
                guard(size == low)
                continue
            guard(size >= low)
            guard(size <= high)
            same = first.setdefault(now.shared_dims.get(axis, name), name)
            if same != name:
                guard(size == inputs.dimensions[same])
    return _with(inputs, given)


def fix_all(inputs: GraphInputs) -> GraphInputs:
    """Inputs of the sizes of this call alone."""
    for size in inputs.dimensions.values():
        int(size)  # TorchDynamo guards on it
    given = {}
    for index in inputs.given:
        before = inputs.tensors.get(index) or inputs.numbers[index]
        given[index] = Input(before.opt_shape, dtype=before.dtype, device=before.device)
    fixed = _with(inputs, given)
    fixed.dimensions = {}
    for index in list(fixed.numbers):
        fixed.fixed[index] = fixed.numbers.pop(index).opt_shape[0]
    return fixed


def _with(inputs: GraphInputs, given: dict[int, Input]) -> GraphInputs:
    return replace(
        inputs,
        weights=list(inputs.weights),
        tensors={index: given[index] for index in inputs.tensors},
        numbers={index: given[index] for index in inputs.numbers},
        fixed=dict(inputs.fixed),
    )
