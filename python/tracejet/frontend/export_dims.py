"""What torch.export calls `dynamic_shapes`, said with Inputs: Dims, hints, collections, and torch.compile's specs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.export import AdditionalInputs, ShapesCollection
from torch.utils import _pytree as pytree

from tracejet._C import ErrorCode, InvalidInput
from tracejet.frontend import dynamic_specs
from tracejet.frontend.binding import Root, forward_parameters, keywords, match_signature, positional
from tracejet.frontend.input import Input
from tracejet.frontend.input_shapes import UNBOUNDED, as_int, is_dim, range_of_dim, shown
from tracejet.patches.pytree_nodes import node_of

_HINTS = ("AUTO", "DYNAMIC", "STATIC")


@dataclass(frozen=True)
class Declared:
    """The arguments of a trace, tensors that vary described by Inputs."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    #: By id of an Input: its axes whose range the model decides, each with the hint, "AUTO" or "DYNAMIC".
    open: dict[int, dict[int, str]]

    def narrowed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Declared:
        """The same with the open axes as in these inputs, which a report suggests. DYNAMIC ones stay dynamic."""
        leaves, spec = pytree.tree_flatten((self.args, self.kwargs))
        suggested = pytree.tree_leaves((args, kwargs))
        merged = [self._merged(leaf, other) for leaf, other in zip(leaves, suggested, strict=True)]
        merged_args, merged_kwargs = pytree.tree_unflatten(merged, spec)
        return Declared(merged_args, merged_kwargs, {})

    def _merged(self, given: Any, suggested: Any) -> Any:
        axes = self.open.get(id(given), {})
        if not axes or not isinstance(suggested, Input):
            return given
        shapes = [list(given.min_shape), list(given.opt_shape), list(given.max_shape)]
        names = dict(given.shared_dims)
        for axis, hint in axes.items():
            low, opt, high = (suggested.min_shape[axis], suggested.opt_shape[axis], suggested.max_shape[axis])
            if hint == "DYNAMIC" and low == high:
                continue
            shapes[0][axis], shapes[1][axis], shapes[2][axis] = low, opt, high
            if axis in suggested.shared_dims:
                names[axis] = suggested.shared_dims[axis]
        return _input(given.torch_tensor, shapes, names, given.device)


def declared(
    module: nn.Module, arg_inputs: Any, kwarg_inputs: Any, dynamic_shapes: Any, device: torch.device | None = None
) -> Declared:
    """`arg_inputs` and `kwarg_inputs` with an Input for each tensor that `dynamic_shapes` lets vary.

    Raises InvalidInput where the two don't fit, naming the argument.
    """
    args, kwargs = positional(arg_inputs), keywords(kwarg_inputs)
    if isinstance(dynamic_shapes, (ShapesCollection, AdditionalInputs)):
        try:
            dynamic_shapes = dynamic_shapes.dynamic_shapes(module, args, kwargs)
        except (AssertionError, ValueError) as error:
            raise InvalidInput(f"dynamic_shapes: {error}", ErrorCode.DYNAMIC_SHAPES) from error
    parameters = forward_parameters(module)
    roots = match_signature(module, parameters, args, kwargs)
    specs = _by_root(roots, dynamic_specs.by_parameter(dynamic_shapes, parameters))
    reader = _Reader(device)
    values = [
        reader.described(root.path, value, spec)
        for root, value, spec in zip(roots, (*args, *kwargs.values()), specs, strict=True)
    ]
    return Declared(tuple(values[: len(args)]), dict(zip(kwargs, values[len(args) :], strict=True)), reader.open)


def _by_root(roots: Sequence[Root], dynamic_shapes: Any) -> list[Any]:
    """What is said of each argument: a dict goes by forward's parameters, a sequence by their order."""
    names = list(dict.fromkeys(root.parameter.name for root in roots))
    if isinstance(dynamic_shapes, (tuple, list)):
        if len(dynamic_shapes) != len(names):
            raise InvalidInput(
                f"dynamic_shapes has {len(dynamic_shapes)} entries, but the inputs are {', '.join(names)}",
                ErrorCode.DYNAMIC_SHAPES,
            )
        dynamic_shapes = dict(zip(names, dynamic_shapes, strict=True))
    if not isinstance(dynamic_shapes, Mapping):
        raise InvalidInput(
            "dynamic_shapes: expected what torch.export.export takes: a dict by the names of forward's parameters, a "
            "sequence in their order, a ShapesCollection, AdditionalInputs, or a ShapesSpec of torch.compile; got "
            f"{shown(dynamic_shapes)}",
            ErrorCode.DYNAMIC_SHAPES,
        )
    if unknown := [name for name in dynamic_shapes if name not in {*names, *(root.name for root in roots)}]:
        raise InvalidInput(
            f"dynamic_shapes names {unknown[0]!r}, but the inputs are {', '.join(names)}", ErrorCode.DYNAMIC_SHAPES
        )
    counts: dict[str, int] = {}
    specs = []
    for root in roots:
        name = root.parameter.name
        spec = dynamic_shapes.get(name)
        if root.parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            index = counts[name] = counts.get(name, -1) + 1
            count = sum(other.parameter.name == name for other in roots)
            spec = _child(name, dynamic_specs.plain(spec, [None] * count), index, count)
        elif root.parameter.kind is inspect.Parameter.VAR_KEYWORD:
            spec = dynamic_shapes.get(root.name) if spec is None else spec.get(root.name)
        specs.append(spec)
    return specs


class _Reader:
    """Reads dynamic_shapes along with the arguments."""

    def __init__(self, device: torch.device | None):
        self.open: dict[int, dict[int, str]] = {}
        self._device = device

    def described(self, path: str, value: Any, spec: Any) -> Any:
        """`value` with Inputs in the place of tensors that vary."""
        spec = dynamic_specs.plain(spec, value)
        if spec is None:
            return value
        if isinstance(value, torch.Tensor):
            return self._of_tensor(path, value, spec)
        if isinstance(value, Input):
            raise InvalidInput(
                f"{path}: an Input says itself what varies; pass a tensor, or leave it out of dynamic_shapes",
                ErrorCode.DYNAMIC_SHAPES,
            )
        node = node_of(value)
        if node is None:
            raise InvalidInput(
                f"{path}: dynamic_shapes says {shown(spec)} of {shown(value)}; only tensors can vary",
                ErrorCode.DYNAMIC_SHAPES,
            )
        children, context = node.flatten_fn(value)
        is_by_key = isinstance(value, Mapping) and isinstance(spec, Mapping)
        if is_by_key and (unknown := [key for key in spec if key not in value]):
            raise InvalidInput(f"dynamic_shapes: {path} has no {unknown[0]!r}", ErrorCode.DYNAMIC_SHAPES)
        keys = list(value) if isinstance(value, Mapping) else range(len(children))
        described = []
        for index, (key, child) in enumerate(zip(keys, children, strict=True)):
            own = spec.get(key) if is_by_key else _child(path, spec, index, len(children))
            described.append(self.described(f"{path}[{key!r}]", child, own))
        return node.unflatten_fn(described, context)

    def _of_tensor(self, path: str, tensor: torch.Tensor, spec: Any) -> torch.Tensor | Input:
        axes = spec if isinstance(spec, Mapping) else None
        if isinstance(spec, (tuple, list)) and len(spec) == tensor.dim():
            axes = dict(enumerate(spec))
        if axes is None:
            raise InvalidInput(
                f"dynamic_shapes of {path}: expected a dict from axes to Dims, or one entry for each of {tensor.dim()} "
                f"axes, got {shown(spec)}",
                ErrorCode.DYNAMIC_SHAPES,
            )
        shapes = [list(tensor.shape) for _ in range(3)]
        names: dict[int, str] = {}
        hints: dict[int, str] = {}
        for axis, dim in axes.items():
            place = as_int(axis)
            if place is None or not 0 <= place < tensor.dim():
                raise InvalidInput(
                    f"dynamic_shapes of {path}: there is no axis {axis!r}; it has {tensor.dim()}",
                    ErrorCode.DYNAMIC_SHAPES,
                )
            low, high, name, hint = _range(f"dynamic_shapes of {path}: axis {place}", dim, int(tensor.shape[place]))
            shapes[0][place], shapes[2][place] = low, high
            shapes[1][place] = dynamic_specs.usual_size(dim) or shapes[1][place]
            if name:
                names[place] = name
            if hint:
                hints[place] = hint
        if shapes[0] == shapes[2]:
            return tensor
        described = _input(tensor, shapes, names, self._device or tensor.device)
        if hints:
            self.open[id(described)] = hints
        return described


def _child(path: str, spec: Any, index: int, count: int) -> Any:
    """What is said of one element of a container."""
    if spec is None:
        return None
    if not isinstance(spec, (tuple, list)):
        node = node_of(spec)
        spec = None if node is None else node.flatten_fn(spec)[0]
    if not isinstance(spec, (tuple, list)) or len(spec) != count:
        raise InvalidInput(
            f"dynamic_shapes of {path}: expected {count} entries, one for each element, got {shown(spec)}",
            ErrorCode.DYNAMIC_SHAPES,
        )
    return spec[index]


def _range(here: str, dim: Any, size: int) -> tuple[int, int, str, str]:
    """The least and the greatest size, the name, and the hint of what dynamic_shapes says of an axis."""
    if dim is None:
        return size, size, "", ""
    if is_dim(dim):
        low, high, name = range_of_dim(dim)
        return low, high, name, ""
    fixed = as_int(dim)
    if fixed is not None:
        if fixed != size:
            raise InvalidInput(f"{here} is said to be {fixed}, but the tensor has {size}", ErrorCode.DYNAMIC_SHAPES)
        return size, size, "", ""
    hint = getattr(getattr(dim, "type", None), "name", None)
    if hint not in _HINTS:
        raise InvalidInput(
            f"{here}: expected a torch.export.Dim, Dim.AUTO, Dim.DYNAMIC, Dim.STATIC, a ShapeVar, a size or None, got "
            f"{shown(dim)}",
            ErrorCode.DYNAMIC_SHAPES,
        )
    if hint == "STATIC":
        return size, size, "", ""
    low = min(1, size) if dim.min is None else int(dim.min)
    return low, UNBOUNDED if dim.max is None else int(dim.max), "", hint


def _input(
    tensor: torch.Tensor, shapes: Sequence[Sequence[int]], names: Mapping[int, str], device: torch.device | None
) -> Input:
    like = Input.from_tensor(tensor, disable_memory_format_check=True)
    return Input(
        min_shape=tuple(shapes[0]),
        opt_shape=tuple(shapes[1]),
        max_shape=tuple(shapes[2]),
        dtype=like.dtype,
        format=like.format,
        shared_dims=dict(names),
        torch_tensor=tensor,
        device=device,
    )
