"""config.pbtxt, by which Triton Inference Server knows what a model takes and gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from tracejet import _C
from tracejet.api.request_batch import output_values, tensor_inputs
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.binding import Dim

#: Those of Triton's onnxruntime backend, which takes less than Triton has names for.
_TYPES = {
    torch.float32: "TYPE_FP32",
    torch.float16: "TYPE_FP16",
    torch.float64: "TYPE_FP64",
    torch.int64: "TYPE_INT64",
    torch.int32: "TYPE_INT32",
    torch.int16: "TYPE_INT16",
    torch.int8: "TYPE_INT8",
    torch.uint8: "TYPE_UINT8",
    torch.bool: "TYPE_BOOL",
}


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model."""

    kind: Literal["input", "output"]
    data_type: str
    sizes: Sequence[int]  #: without the batch; -1 for what varies

    def text(self, name: str) -> str:
        # `dims` may not be empty: one number per row is an axis of 1 for clients, and none for the model.
        dims, reshape = (", ".join(map(str, self.sizes)), "") if self.sizes else ("1", " reshape: { shape: [ ] }")
        return f'{self.kind} [ {{ name: "{name}" data_type: {self.data_type} dims: [ {dims} ]{reshape} }} ]'


def triton_tensors(program: ExportedProgram, batch: Dim | None) -> list[Tensor]:
    """The inputs and then the outputs of a program. Raises InvalidInput where Triton has no such tensors."""
    return [_checked(where, tensor, batch) for where, tensor in _described(program, 0 if batch is None else 1)]


def triton_config(name: str, tensors: Sequence[Tensor], tensor_names: Sequence[str], batch: Dim | None) -> list[str]:
    """The lines of the file. `tensor_names`: those of the ONNX model."""
    head = [f'name: "{name}"', 'backend: "onnxruntime"', f"max_batch_size: {0 if batch is None else batch.max}"]
    return [*head, *(tensor.text(named) for tensor, named in zip(tensors, tensor_names, strict=True))]


def _described(program: ExportedProgram, skipped: int) -> Iterator[tuple[str, Tensor]]:
    for leaf in tensor_inputs(program):
        sizes = [-1 if isinstance(size, Dim) else size for size in (leaf.shape or [])[skipped:]]
        yield leaf.name, Tensor("input", _type_of(leaf.name, leaf.dtype), sizes)
    for index, value in enumerate(output_values(program)):
        texts = [str(size) for size in value.shape[skipped:]]
        sizes = [int(text) if text.isdigit() else -1 for text in texts]
        yield f"output {index}", Tensor("output", _type_of(f"output {index}", value.dtype), sizes)


def _type_of(where: str, dtype: torch.dtype | None) -> str:
    if dtype not in _TYPES:
        raise _refused(where, f"Triton's onnxruntime backend has no {dtype}")
    return _TYPES[dtype]


def _checked(where: str, tensor: Tensor, batch: Dim | None) -> Tensor:
    if 0 in tensor.sizes:
        raise _refused(where, "it has an axis of size 0, which Triton takes none of")
    if not tensor.sizes and batch is None:
        raise _refused(where, "it is a scalar, which Triton takes none of: give it an axis, x.reshape(1)")
    return tensor


def _refused(where: str, why: str) -> _C.InvalidInput:
    return _C.InvalidInput(f"{where}: {why}", _C.ErrorCode.MODEL_REPOSITORY)
