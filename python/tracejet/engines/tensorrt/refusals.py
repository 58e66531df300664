"""What TensorRT can't take of a program, before its parser is asked."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from tracejet._C import OnnxProgram

#: What the memory of inputs and outputs can hold.
_DTYPES = frozenset(
    {
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.int8,
        torch.uint8,
        torch.bool,
    }
)
_MOST_AXES = 8


def refused_inputs(program: OnnxProgram) -> list[tuple[int, str]]:
    """The ONNX nodes that read or give what an engine can't be handed: by node, with the reason."""
    return [*_of_inputs(program), *_of_outputs(program)]


def _of_inputs(program: OnnxProgram) -> Iterator[tuple[int, str]]:
    for given in program.inputs:
        if not given.is_used:
            continue
        reason = _problem(given.dtype, len(given.sizes))
        if any(most is None for _, _, most in given.sizes):
            reason = "takes a size without an upper bound, which TensorRT's profiles need"
        if reason is None:
            continue
        for index, node in enumerate(program.nodes):
            if given.name in node.inputs:
                yield index, reason


def _of_outputs(program: OnnxProgram) -> Iterator[tuple[int, str]]:
    makers = {name: index for index, node in enumerate(program.nodes) for name in node.outputs}
    for output in program.outputs:
        reason = _problem(output.dtype, output.rank)
        if reason is not None:
            # The last node only gives the output its name.
            index = makers[output.name]
            yield makers.get(program.nodes[index].inputs[0], index), reason


def _problem(dtype: torch.dtype, rank: int) -> str | None:
    if dtype not in _DTYPES:
        return f"has tensors of {dtype}, which TensorRT doesn't compute in"
    if rank > _MOST_AXES:
        return f"has tensors of {rank} axes, and TensorRT's have {_MOST_AXES} at most"
    return None
