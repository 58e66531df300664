"""Whether requests may share a call: do rows get the same result alone and beside others?"""

from __future__ import annotations

import torch

from tracejet._C import InvalidInput
from tracejet.frontend.input import Input
from tracejet.serve.program import ServedProgram
from tracejet.serve.rows import Request

#: Relative to the greatest value. An engine may round otherwise in a call of another size, by far less.
_TOLERANCE = 1e-3


def check(program: ServedProgram) -> None:
    """Answers two random requests one by one and in one call, and raises InvalidInput where that isn't the same. They
    differ in length where that is padded."""
    if not program.rows.is_merging:
        return
    requests = [_random_request(program, size) for size in ("opt", "min")]
    try:
        alone = [program.run(request.tensors) for request in requests]
        together = program.rows.split(requests, program.run(program.rows.merged(requests)))
    except Exception as error:
        raise InvalidInput(
            f"whether requests may share a call can't be tried on random inputs: {error}\n"
            "  Pass check_rows=False where you know that they may, or max_batch_size=1"
        ) from error
    for one, other in zip(alone, together, strict=True):
        for spec, expected, got in zip(program.signature.outputs, one, other, strict=True):
            if not _is_equal(expected, got):
                padded = f", padded in {', '.join(program.rows.padded_dims)}" if program.rows.padded_dims else ""
                raise InvalidInput(
                    f"{spec.name} of a request differs where another one is in the same call{padded}: rows of this "
                    "program depend on each other. Pass max_batch_size=1" + (", or leave out pad" if padded else "")
                )


def _random_request(program: ServedProgram, size: str) -> Request:
    """One row. All sizes but those that may be padded are the usual ones, so that such requests share a call."""
    tensors = []
    signature, rows = program.signature, program.rows
    for spec in signature.inputs:
        shape = []
        for axis in spec.shape:
            if axis == signature.batch:
                shape.append(1)
            elif isinstance(axis, str):
                dim = signature.dims[axis]
                shape.append(dim.min if size == "min" and axis in rows.padded_dims else dim.opt)
            else:
                shape.append(axis)
        tensors.append(Input(shape, dtype=spec.dtype).example_tensor())
    return rows.request(signature.checked(dict(zip((spec.name for spec in signature.inputs), tensors, strict=True))))


def _is_equal(expected: torch.Tensor, got: torch.Tensor) -> bool:
    if expected.shape != got.shape:
        return False
    if not expected.dtype.is_floating_point:
        return torch.equal(expected, got)
    scale = expected.double().nan_to_num(0, 0, 0).abs().max().item() if expected.numel() else 0.0
    return torch.allclose(got.double(), expected.double(), rtol=_TOLERANCE, atol=_TOLERANCE * scale, equal_nan=True)
