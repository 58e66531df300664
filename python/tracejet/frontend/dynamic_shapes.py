"""Says the dynamic axes of Inputs in the words of `torch.export.export(dynamic_shapes=…)`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from tracejet.frontend.binding import (
    Dim,
    Leaf,
    Root,
    check_module,
    describe_leaves,
    forward_parameters,
    keywords,
    match_signature,
    positional,
)
from tracejet.patches.pytree_nodes import node_of, node_type


def get_dynamic_shapes_args(module: nn.Module, arg_inputs: Any) -> dict[str, Any]:
    """The `dynamic_shapes` of positional inputs: a dict from the parameters of `module.forward` to what varies in them.

    An Input becomes `{axis: torch.export.Dim}` with its dynamic axes, a Tensor `{}`, a literal None. Containers keep
    their structure; what `*args` takes becomes a tuple under its name. Axes that share a dimension share a name.

    Raises:
        InvalidInput: `module` isn't a model, or its forward doesn't take these inputs.
    """
    check_module(module)
    args = positional(arg_inputs)
    roots = match_signature(module, forward_parameters(module), args, {})
    specs = _specs(roots, args)
    shapes: dict[str, Any] = {}
    for root, spec in zip(roots, specs, strict=True):
        if root.parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            shapes[root.parameter.name] = (*shapes.get(root.parameter.name, ()), spec)
        else:
            shapes[root.name] = spec
    return shapes


def get_dynamic_shapes_kwargs(kwarg_inputs: Any) -> dict[str, Any]:
    """The `dynamic_shapes` of keyword inputs, as `get_dynamic_shapes_args` gives them for positional ones.

    Raises:
        InvalidInput: it isn't a dict from names to what forward can take.
    """
    kwargs = keywords(kwarg_inputs)
    roots = [Root(key, key, inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY)) for key in kwargs]
    return dict(zip(kwargs, _specs(roots, tuple(kwargs.values())), strict=True))


def _specs(roots: Sequence[Root], values: Sequence[Any]) -> list[Any]:
    leaves = iter(describe_leaves(roots, values, torch.device("cpu")))
    dims: dict[str, torch.export.Dim] = {}
    return [_spec(value, leaves, dims) for value in values]


def _spec(tree: Any, leaves: Iterator[Leaf], dims: dict[str, torch.export.Dim]) -> Any:
    """`tree` with each leaf replaced by what varies in it; takes as many leaves as the tree has."""
    node = node_of(tree)
    if node is None:
        return _axes(next(leaves), dims)
    children, context = node.flatten_fn(tree)
    specs = [_spec(child, leaves, dims) for child in children]
    if node_type(tree) in pytree.BUILTIN_TYPES:
        return node.unflatten_fn(specs, context)
    return type(children)(specs)  # torch.export sees other containers as what they flatten to


def _axes(leaf: Leaf, dims: dict[str, torch.export.Dim]) -> dict[int, torch.export.Dim] | None:
    if leaf.shape is None:
        return None
    return {
        axis: dims.setdefault(size.name, torch.export.Dim(size.name, min=size.min, max=size.max))
        for axis, size in enumerate(leaf.shape)
        if isinstance(size, Dim)
    }
