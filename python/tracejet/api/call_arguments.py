"""What a program is called with: held against what it was traced for."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils import _pytree as pytree

from tracejet._C import ErrorCode, InvalidInput
from tracejet.api.array_arguments import as_tensor
from tracejet.frontend.binding import Dim, Leaf
from tracejet.frontend.call_spec import CallSpec
from tracejet.frontend.input import Input
from tracejet.frontend.literals import check_literal, is_same_literal
from tracejet.frontend.near_name import did_you_mean

#: Of how a value is nested, in messages.
_LONGEST = 80


def flat_arguments(spec: CallSpec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """The arguments of a call in the order in which the program takes them, arrays of other libraries as tensors.

    Raises InvalidInput, naming the input, where an argument isn't what the program was traced for.
    """
    leaves, in_spec = pytree.tree_flatten((args, kwargs))
    if in_spec != spec.in_spec:
        leaves, in_spec = pytree.tree_flatten(_as_traced(spec, args, kwargs))
        if in_spec != spec.in_spec:
            raise InvalidInput(_structure_problem(spec, args, kwargs), ErrorCode.CALL_ARGUMENTS)
    return [_as_program_takes(leaf, traced) for leaf, traced in zip(leaves, spec.inputs, strict=True)]


def _as_traced(spec: CallSpec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same arguments, each by position or keyword as the model was traced. Those may be left out that were traced
    with forward's own default."""
    names = spec.forward_names
    example_args, example_kwargs = pytree.tree_unflatten(spec.inputs, spec.in_spec)
    if len(args) > len(names):
        raise InvalidInput(f"this program takes {len(names)} arguments, got {len(args)}", ErrorCode.CALL_ARGUMENTS)
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name in given:
            raise InvalidInput(f"{name}: given twice, by position and by keyword", ErrorCode.CALL_ARGUMENTS)
        given[name] = value
    if unknown := [name for name in given if name not in names]:
        hint = did_you_mean(unknown[0], names)
        raise InvalidInput(
            f"this program has no input {', '.join(unknown)}{hint}; it takes {', '.join(names)}",
            ErrorCode.CALL_ARGUMENTS,
        )
    for name, example in zip(names, (*example_args, *example_kwargs.values()), strict=True):
        if name not in given:
            given[name] = _left_out(spec, name, example)
    count = len(example_args)
    keywords = dict(zip(example_kwargs, (given[name] for name in names[count:]), strict=True))
    return tuple(given[name] for name in names[:count]), keywords


def _structure_problem(spec: CallSpec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Which argument is otherwise nested than the traced one, and how."""
    traced_args, traced_kwargs = pytree.tree_unflatten(spec.inputs, spec.in_spec)
    args, kwargs = _as_traced(spec, args, kwargs)
    given, traced = (*args, *kwargs.values()), (*traced_args, *traced_kwargs.values())
    for name, ours, theirs in zip(spec.forward_names, given, traced, strict=True):
        if pytree.tree_structure(ours) != pytree.tree_structure(theirs):
            return f"{name}: this program takes {_nested(theirs)}, got {_nested(ours)}"
    raise AssertionError("the arguments are nested as the traced ones")


class _Star:
    def __repr__(self) -> str:
        return "*"


def _nested(value: Any) -> str:
    """How a value is nested, with a star for each tensor or plain value: "[*, {'key': *}]"."""
    tree = pytree.tree_map(lambda leaf: _Star(), value)
    if isinstance(tree, _Star):
        return "one tensor" if isinstance(value, (Leaf, torch.Tensor)) else f"one {type(value).__name__}"
    text = repr(tree)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _left_out(spec: CallSpec, name: str, example: Any) -> Any:
    """What the program was traced with, which has to be what the model takes when the argument is left out."""
    leaves, structure = pytree.tree_flatten(example, is_leaf=_is_leaf)
    if any(leaf.shape is not None for leaf in leaves):
        raise InvalidInput(f"{name}: this input is missing", ErrorCode.CALL_ARGUMENTS)
    traced = pytree.tree_unflatten([leaf.value for leaf in leaves], structure)
    if spec.defaults is None:
        why = "files don't keep what the model takes then"
    elif name not in spec.defaults:
        why = "the model has no default for it"
    elif not _is_same(spec.defaults[name], traced):
        why = f"the model takes {spec.defaults[name]!r} then"
    else:
        return traced
    raise InvalidInput(
        f"{name}: it is left out, and {why}; this program was traced with {traced!r}: pass that",
        ErrorCode.CALL_ARGUMENTS,
    )


def _is_same(default: Any, traced: Any) -> bool:
    ours, structure = pytree.tree_flatten(default)
    theirs, expected = pytree.tree_flatten(traced)
    return structure == expected and all(map(is_same_literal, ours, theirs))


def _is_leaf(value: Any) -> bool:
    return isinstance(value, Leaf)


def _as_program_takes(value: Any, traced: Leaf) -> Any:
    if traced.shape is not None:
        return as_tensor(traced.path, value)
    check_literal(traced.path, value, traced.value)
    return value


def check_fit(spec: CallSpec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Inputs that are given beside a program must lie in what it was traced for."""
    leaves, in_spec = pytree.tree_flatten((args, kwargs))
    if in_spec != spec.in_spec:
        raise InvalidInput(
            f"the inputs' structure is {in_spec}, but the program was traced with {spec.in_spec}",
            ErrorCode.CALL_ARGUMENTS,
        )
    for leaf, traced in zip(leaves, spec.inputs, strict=True):
        if traced.shape is None:
            check_literal(traced.path, leaf, traced.value)
            continue
        if not isinstance(leaf, (torch.Tensor, Input)):
            raise InvalidInput(
                f"{traced.path}: the program was traced with a tensor, got {leaf!r}", ErrorCode.CALL_ARGUMENTS
            )
        smallest = leaf.min_shape if isinstance(leaf, Input) else leaf.shape
        largest = leaf.max_shape if isinstance(leaf, Input) else leaf.shape
        if len(smallest) != len(traced.shape) or leaf.dtype != traced.dtype:
            raise InvalidInput(
                f"{traced.path}: the program was traced with {traced.dtype} of rank {len(traced.shape)}, "
                f"got {leaf.dtype} of rank {len(smallest)}",
                ErrorCode.CALL_ARGUMENTS,
            )
        for axis, (low, high, size) in enumerate(zip(smallest, largest, traced.shape, strict=True)):
            bounds = (size.min, size.max) if isinstance(size, Dim) else (size, size)
            if low < bounds[0] or high > bounds[1]:
                raise InvalidInput(
                    f"{traced.path}: axis {axis} is {low} to {high}, but the program was traced for "
                    f"{bounds[0]} to {bounds[1]}",
                    ErrorCode.CALL_ARGUMENTS,
                )
