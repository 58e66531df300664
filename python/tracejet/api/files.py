"""Programs as `.pt2` files."""

from __future__ import annotations

import os
from collections import namedtuple
from typing import Any

import torch
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet._C import GraphInput
from tracejet.export.exported_program import ExportedProgram
from tracejet.export.fx_writer import Writer
from tracejet.frontend.binding import Dim, Leaf
from tracejet.frontend.call_spec import IN_GRAPH, CallSpec
from tracejet.frontend.input import Input


def save(program: torch.export.ExportedProgram, path: str | os.PathLike[str]) -> None:
    """Writes a program, with its weights, as a `.pt2` file: `torch.export.load` gives of it what it gives of one that
    `torch.export.save` wrote, but for the example inputs.

    A program of `trace` is written in C++, without the making of its Python side. One that was edited, loaded by
    torch.export or exported by it is left to `torch.export.save`.

    Raises:
        UnsupportedOperator: the program has what such a file can't hold.
        Error: the file can't be written. What was there before is left alone.
    """
    graph = getattr(program, "_tracejet_graph", None)
    if graph is None:
        torch.export.save(program, path)
    else:
        _C.save_pt2(graph, _native(program._tracejet_call_spec), os.fspath(path), Writer.source_line)


def load(path: str | os.PathLike[str], *, check_weights: bool = False) -> ExportedProgram:
    """The program of a `.pt2` file that `save` or `torch.export.save` wrote, read in C++.

    Nothing in the file is run or unpickled, and weights are mapped: they are read from the disk when they are first
    used. The program compiles as it is, without a trace; its Python side is made when somebody looks at it.

    Args:
        path: the file. It has to stay as it is for as long as the program lives.
        check_weights: reads all weights at once and compares their checksums. Those of everything else are always
            compared.

    Raises:
        UnsupportedOperator: the program has what isn't known here; torch.export.load may read it.
        Error: the file isn't there, is none of that kind, or is damaged.
    """
    graph, call = _C.load_pt2(os.fspath(path), check_weights)
    try:
        in_spec, out_spec = pytree.treespec_loads(call.in_spec), pytree.treespec_loads(call.out_spec)
    except (KeyError, NotImplementedError, TypeError, ValueError, AttributeError) as error:
        raise _C.Error(
            f"can't load {os.fspath(path)}: the structure of its arguments can't be read: {error}"
        ) from error
    users = [given for given in graph.inputs if given.kind == GraphInput.Kind.USER]
    leaves = [_leaf(given, literal) for given, literal in zip(users, call.inputs, strict=True)]
    outputs = [IN_GRAPH if output is ... else output for output in call.outputs]
    if in_spec.num_leaves != len(leaves) or out_spec.num_leaves != len(outputs):
        raise _C.Error(f"can't load {os.fspath(path)}: its arguments or results don't fit their structure")
    names = call.argument_names or [leaf.name for leaf in leaves]
    return ExportedProgram(graph, CallSpec(in_spec, out_spec, leaves, outputs, names, call.constant_names), {})


def _leaf(given: GraphInput, literal: Any) -> Leaf:
    if given.value is None:
        return Leaf(given.name, given.name, literal)
    axes = [(name, low, opt, min(high, _UNBOUNDED)) for name, low, opt, high in _C.axes_of_input(given.value)]
    value = Input(
        min_shape=[low for _, low, _, _ in axes],
        opt_shape=[opt for _, _, opt, _ in axes],
        max_shape=[high for _, _, _, high in axes],
        dtype=given.value.dtype,
        device=given.value.device,
        shared_dims={axis: name for axis, (name, *_) in enumerate(axes) if name.isidentifier()},
    )
    shape = [Dim(name, low, opt, high) if low != high else low for name, low, opt, high in axes]
    return Leaf(given.name, given.name, value, shape, given.value.dtype, given.value.device)


#: For axes without an upper bound: the largest size that every engine can count.
_UNBOUNDED = 2**31 - 1


def _native(spec: CallSpec) -> _C.CallSpec:
    fields: dict[str, list[str]] = {}
    for tree in (spec.in_spec, spec.out_spec):
        _collect_namedtuples(tree, fields)
    return _C.CallSpec(
        in_spec=pytree.treespec_dumps(spec.in_spec),
        out_spec=pytree.treespec_dumps(spec.out_spec),
        inputs=[None if isinstance(leaf.value, (torch.Tensor, Input)) else leaf.value for leaf in spec.inputs],
        outputs=[... if output is IN_GRAPH else output for output in spec.outputs],
        argument_names=spec.forward_names,
        constant_names=spec.constant_names,
        namedtuple_fields=fields,
    )


def _collect_namedtuples(spec: pytree.TreeSpec, fields: dict[str, list[str]]) -> None:
    if spec.type is namedtuple:
        name = pytree.SUPPORTED_SERIALIZED_TYPES[spec.context].serialized_type_name
        fields[name] = list(spec.context._fields)
    for child in spec.children():
        _collect_namedtuples(child, fields)
