"""How a program is called, as C++ writes it into files."""

from __future__ import annotations

from collections import namedtuple

import torch
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet._C import ErrorCode, UnsupportedOperator
from tracejet.export.compat.graphs import names_in_code
from tracejet.frontend.call_spec import IN_GRAPH, CallSpec
from tracejet.frontend.input import Input


def native_call(spec: CallSpec) -> _C.CallSpec:
    """
    Raises:
        UnsupportedOperator: a container among the arguments or results has no name that a file could give it.
    """
    fields: dict[str, list[str]] = {}
    in_spec, out_spec = _written(spec.in_spec, "arguments"), _written(spec.out_spec, "results")
    for tree in (spec.in_spec, spec.out_spec):
        _collect_namedtuples(tree, fields)
    return _C.CallSpec(
        in_spec=in_spec,
        out_spec=out_spec,
        inputs=[None if isinstance(leaf.value, (torch.Tensor, Input)) else leaf.value for leaf in spec.inputs],
        outputs=[... if output is IN_GRAPH else output for output in spec.outputs],
        argument_names=names_in_code(spec.forward_names),
        constant_names=spec.constant_names,
        namedtuple_fields=fields,
    )


def _written(spec: pytree.TreeSpec, what: str) -> str:
    try:
        return pytree.treespec_dumps(spec)
    except (NotImplementedError, TypeError) as error:
        kind = _unwritable(spec)
        raise UnsupportedOperator(
            f"the program's {what} hold a {kind.__module__}.{kind.__qualname__}, which .pt2 files have no name for: use"
            " a tuple, a list or a dict, or give it a serialized_type_name with torch.utils._pytree",
            ErrorCode.FILE_CONTENT,
        ) from error


def _unwritable(spec: pytree.TreeSpec) -> type:
    for child in spec.children():
        try:
            pytree.treespec_dumps(child)
        except (NotImplementedError, TypeError):
            return _unwritable(child)
    kind: type = spec.context if spec.type is namedtuple else spec.type
    return kind


def _collect_namedtuples(spec: pytree.TreeSpec, fields: dict[str, list[str]]) -> None:
    if spec.type is namedtuple:
        name = pytree.SUPPORTED_SERIALIZED_TYPES[spec.context].serialized_type_name
        fields[name] = list(spec.context._fields)
    for child in spec.children():
        _collect_namedtuples(child, fields)
