"""Programs as `.pt2` files."""

from __future__ import annotations

import os
from collections import namedtuple

import torch
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet.export.fx_writer import Writer
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
