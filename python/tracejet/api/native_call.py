"""How a program is called, as C++ writes it into files."""

from __future__ import annotations

from collections import namedtuple

import torch
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet.frontend.call_spec import IN_GRAPH, CallSpec
from tracejet.frontend.input import Input


def native_call(spec: CallSpec) -> _C.CallSpec:
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
