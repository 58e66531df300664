"""Programs as `.pt2` files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import nn
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet._C import GraphInput
from tracejet.api.call_arguments import check_fit
from tracejet.api.compile import CompiledModule, compiled_module
from tracejet.api.native_call import native_call
from tracejet.api.upstream_keywords import answer_save
from tracejet.export.exported_program import ExportedProgram
from tracejet.export.fx_writer import Writer
from tracejet.frontend.binding import Dim, Leaf, either_name
from tracejet.frontend.call_spec import IN_GRAPH, CallSpec
from tracejet.frontend.input import Input
from tracejet.frontend.input_shapes import UNBOUNDED


def save(
    program: torch.export.ExportedProgram | CompiledModule,
    path: str | os.PathLike[str],
    *,
    inputs: Sequence[Any] | None = None,
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    **upstream: Any,
) -> None:
    """Writes a program, with its weights, as a `.pt2` file: `torch.export.load` gives of it what it gives of one that
    `torch.export.save` wrote, but for the example inputs.

    A program of `trace` is written in C++, without the making of its Python side. One that was edited, loaded by
    torch.export or exported by it is left to `torch.export.save`.

    What `compile` gave is written by its own `save`, with what the engines made of it.

    Args:
        program: a program from `trace`, `load` or `torch.export`, or what `compile` gave.
        path: the file, which is overwritten.
        inputs, arg_inputs, kwarg_inputs: what Torch-TensorRT asks for. A program knows its inputs; where they are
            passed all the same, they must fit it.
        upstream: what else `torch_tensorrt.save` takes: each has a BuildWarning that says why it has no effect, or
            raises InvalidInput (another `output_format`).

    Raises:
        InvalidInput: the inputs aren't the program's.
        UnsupportedOperator: the program has what such a file can't hold.
        Error: the file can't be written. What was there before is left alone.
    """
    answer_save(upstream, stacklevel=2)
    spec = program._spec if isinstance(program, CompiledModule) else getattr(program, "_tracejet_call_spec", None)
    args = either_name(inputs, arg_inputs)
    if spec is not None and (args is not None or kwarg_inputs is not None):
        check_fit(spec, tuple(args or ()), dict(kwarg_inputs or {}))
    if isinstance(program, CompiledModule):
        program.save(path)
        return
    graph = getattr(program, "_tracejet_graph", None)
    if graph is None:
        torch.export.save(program, path)
    else:
        _C.save_pt2(graph, native_call(program._tracejet_call_spec), os.fspath(path), Writer.source_line)


def load(
    path: str | os.PathLike[str], *, check_weights: bool = False, compiled: bool = True
) -> ExportedProgram | CompiledModule:
    """The program of a `.pt2` file that `save` or `torch.export.save` wrote, read in C++; the compiled program of one
    that `save` of a compiled module wrote.

    Nothing in the file is run or unpickled, and weights are mapped: they are read from the disk when they are first
    used. A program compiles as it is, without a trace; its Python side is made when somebody looks at it.

    Args:
        path: the file. It has to stay as it is for as long as the program lives.
        check_weights: reads all weights at once and compares their checksums. Those of everything else are always
            compared.
        compiled: whether a file of a compiled program gives that. Otherwise it gives the program.

    Warns:
        BuildWarning: a part of a compiled program isn't good for this machine (another version of an engine, another
            processor) or is damaged, and was compiled again.

    Raises:
        UnsupportedOperator: the program has what isn't known here; torch.export.load may read it.
        Error: the file isn't there, is none of that kind, or is damaged.
    """
    graph, call, saved = _C.load_pt2(os.fspath(path), check_weights)
    for given in graph.inputs:
        if given.kind == GraphInput.Kind.PARAMETER:
            given.data.__class__ = nn.Parameter  # PyTorch keeps the class with the tensor
    program = ExportedProgram(graph, _call_spec(graph, call, os.fspath(path)), {})
    return program if saved is None or not compiled else compiled_module(program, saved.settings, saved)


def _call_spec(graph: _C.Graph, call: _C.CallSpec, path: str) -> CallSpec:
    try:
        in_spec, out_spec = pytree.treespec_loads(call.in_spec), pytree.treespec_loads(call.out_spec)
    except (KeyError, NotImplementedError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _C.Error(
            f"can't load {path}: the structure of its arguments can't be read: {error}", _C.ErrorCode.UNREADABLE_FILE
        ) from error
    users = [given for given in graph.inputs if given.kind == GraphInput.Kind.USER]
    leaves = [_leaf(given, literal) for given, literal in zip(users, call.inputs, strict=True)]
    outputs = [IN_GRAPH if output is ... else output for output in call.outputs]
    if in_spec.num_leaves != len(leaves) or out_spec.num_leaves != len(outputs):
        raise _C.Error(
            f"can't load {path}: its arguments or results don't fit their structure", _C.ErrorCode.UNREADABLE_FILE
        )
    names = call.argument_names or [leaf.name for leaf in leaves]
    args, kwargs = in_spec.children()
    names = [*names[: args.num_children], *kwargs.context]  # a module's own name for a keyword may be another
    return CallSpec(in_spec, out_spec, leaves, outputs, names, constant_names=call.constant_names)


def _leaf(given: GraphInput, literal: Any) -> Leaf:
    tensor = cast("_C.Value | None", given.value)
    if tensor is None:
        return Leaf(given.name, given.name, literal)
    axes = [(name, low, opt, min(high, UNBOUNDED)) for name, low, opt, high in _C.axes_of_input(tensor)]
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
