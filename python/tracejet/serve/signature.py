"""What a served program takes and gives, in the words of the Open Inference Protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

from tracejet._C import GraphOutput, InvalidInput
from tracejet.api.request_batch import batch_of, output_values, tensor_inputs
from tracejet.api.session_program import graph_of
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.binding import Dim, Leaf
from tracejet.frontend.call_spec import IN_GRAPH

#: The protocol's names. It has none for complex numbers, and KServe's SDK none for bfloat16.
DATATYPES = {
    torch.bool: "BOOL",
    torch.int8: "INT8",
    torch.int16: "INT16",
    torch.int32: "INT32",
    torch.int64: "INT64",
    torch.uint8: "UINT8",
    torch.uint16: "UINT16",
    torch.uint32: "UINT32",
    torch.uint64: "UINT64",
    torch.float16: "FP16",
    torch.float32: "FP32",
    torch.float64: "FP64",
}


@dataclass(frozen=True)
class TensorSpec:
    """One input or output. An axis is a size, or the dimension (of an output: what is computed of dimensions)."""

    name: str
    dtype: torch.dtype
    shape: tuple[int | str, ...]

    @property
    def datatype(self) -> str:
        return DATATYPES[self.dtype]

    def metadata(self) -> dict[str, Any]:
        sizes = [size if isinstance(size, int) else -1 for size in self.shape]
        return {"name": self.name, "datatype": self.datatype, "shape": sizes}


@dataclass(frozen=True)
class Signature:
    """What requests are held against before a program sees them."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    dims: Mapping[str, Dim]  #: of the inputs
    batch: str | None  #: the dimension that is the first axis of all inputs and outputs

    @classmethod
    def of(cls, program: ExportedProgram) -> Signature:
        """Raises InvalidInput where the program can't be served: it has state, or values that aren't on the wire."""
        results = graph_of(program).outputs
        if any(output.kind != GraphOutput.Kind.USER for output in results):
            raise InvalidInput("the program writes to buffers or inputs, and a server keeps no state between requests")
        leaves = tensor_inputs(program)
        shapes = [tuple(size.name if isinstance(size, Dim) else size for size in leaf.shape or ()) for leaf in leaves]
        names = _input_names(program)
        inputs = [_spec(name, leaf.dtype, shape) for name, leaf, shape in zip(names, leaves, shapes, strict=True)]
        dims = {size.name: size for leaf in leaves for size in leaf.shape or () if isinstance(size, Dim)}
        values = output_values(program)
        if any(not value.is_tensor for value in values):
            raise InvalidInput("the program gives numbers beside tensors, which the protocol has no place for")
        outputs = [
            _spec(name, value.dtype, tuple(int(text) if text.isdigit() else text for text in map(str, value.shape)))
            for name, value in zip(_output_names(program), values, strict=True)
        ]
        batch = batch_of(program)
        return cls(tuple(inputs), tuple(outputs), dims, None if batch is None else batch.name)

    def checked(self, given: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        """The tensors of a request in the program's order.

        Raises InvalidInput, naming the input, where one is missing, unknown, of another dtype or rank, or has a size
        out of range, or where two sizes differ that are one dimension.
        """
        names = [spec.name for spec in self.inputs]
        if unknown := [name for name in given if name not in names]:
            raise InvalidInput(f"there is no input {unknown[0]!r}; the inputs are {', '.join(names)}")
        if missing := [name for name in names if name not in given]:
            raise InvalidInput(f"the input {missing[0]!r} is missing; the inputs are {', '.join(names)}")
        seen: dict[str, tuple[int, str]] = {}
        for spec in self.inputs:
            self._check(spec, given[spec.name], seen)
        return [given[name] for name in names]

    def _check(self, spec: TensorSpec, tensor: torch.Tensor, seen: dict[str, tuple[int, str]]) -> None:
        if tensor.dtype != spec.dtype:
            got = DATATYPES.get(tensor.dtype, str(tensor.dtype))
            raise InvalidInput(f"{spec.name}: expected the datatype {spec.datatype}, got {got}")
        if tensor.dim() != len(spec.shape):
            shape = [axis if isinstance(axis, int) else -1 for axis in spec.shape]
            raise InvalidInput(f"{spec.name}: expected {len(shape)} axes, {shape}, got {list(tensor.shape)}")
        for axis, (expected, size) in enumerate(zip(spec.shape, tensor.shape, strict=True)):
            here = f"{spec.name}: axis {axis}"
            if isinstance(expected, int):
                if size != expected:
                    raise InvalidInput(f"{here} is {size}, expected {expected}")
                continue
            dim = self.dims[expected]
            if not dim.min <= size <= dim.max:
                raise InvalidInput(f"{here} is {size}, expected {dim.min} to {dim.max}")
            earlier, where = seen.setdefault(expected, (size, here))
            if size != earlier:
                raise InvalidInput(f"{here} is {size}, but {where} is {earlier}: they are one dimension")


def _spec(name: str, dtype: torch.dtype | None, shape: tuple[int | str, ...]) -> TensorSpec:
    if dtype not in DATATYPES:
        raise InvalidInput(f"{name} is {dtype}, for which the Open Inference Protocol has no name")
    return TensorSpec(name, dtype, shape)


def _input_names(program: ExportedProgram) -> list[str]:
    """After forward's parameters: a file's own names differ where Python has a word for something else (`input`)."""
    spec = program._tracejet_call_spec
    args, kwargs = pytree.tree_unflatten(spec.inputs, spec.in_spec)
    arguments = [*args, *kwargs.values()]
    is_flat = all(isinstance(argument, Leaf) for argument in arguments)
    names = spec.forward_names if is_flat else [leaf.name for leaf in spec.inputs]
    return [name for name, leaf in zip(names, spec.inputs, strict=True) if leaf.shape is not None]


def _output_names(program: ExportedProgram) -> list[str]:
    """After the model's own results: "output", "output_0", "logits"."""
    spec = program._tracejet_call_spec
    result = pytree.tree_unflatten(list(range(spec.out_spec.num_leaves)), spec.out_spec)
    names: list[str] = []
    for (path, _), kind in zip(pytree.tree_flatten_with_path(result)[0], spec.outputs, strict=True):
        if kind is not IN_GRAPH:
            continue
        words = re.sub(r"\W+", "_", pytree.keystr(path)).strip("_")
        name = words if words.isidentifier() else f"output_{words}".rstrip("_")
        names.append(name if name not in names else f"{name}_{len(names)}")
    return names
