"""What `torch.compile(shapes_spec=…)` takes (torch.fx.experimental.dynamic_spec), said as torch.export says it.

A `ShapeVar` is a dimension, by identity and not by name; a size that is computed of some (`2 * batch`) has their range
alone, as a Dim that is computed has.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from tracejet._C import ErrorCode, InvalidInput
from tracejet.patches.dynamic_spec_classes import classes, entries_of, env_of_specs, number_of, parameters_of
from tracejet.patches.pytree_nodes import node_of
from tracejet.patches.size_bounds import bound_sympy

#: The variable that a dimension's name stands for, while it lives: another of the same name is another dimension.
_named: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


def is_size(value: Any) -> bool:
    """Whether it is a ShapeVar or an IntVar, or is computed of some."""
    return classes() is not None and isinstance(value, torch.SymInt) and _is_of_a_spec(value)


def _is_of_a_spec(size: torch.SymInt) -> bool:
    return isinstance(size, classes().IntVar) or getattr(size.node, "shape_env", None) is env_of_specs()


def range_of_size(size: Any, unbounded: int) -> tuple[int, int, str]:
    """The least and the greatest size, and the name of the dimension, which a computed size hasn't.

    As of a Dim, a least size of 0 is what a ShapeVar has that says none, so it counts as 1: an Input can say 0.
    """
    expression = size.node.expr
    bounds = bound_sympy(
        expression, {symbol: size.node.shape_env.var_to_range[symbol] for symbol in expression.free_symbols}
    )
    high = int(bounds.upper) if bounds.upper.is_Integer and bounds.upper < unbounded else unbounded
    low = int(bounds.lower) if bounds.lower.is_Integer else 1
    return max(1, low), high, _name_of(size) if isinstance(size, classes().IntVar) else ""


def usual_size(size: Any) -> int | None:
    """What engines tune for, where that is said."""
    return getattr(size, "optimization_hint", None)


def _name_of(variable: Any) -> str:
    name = variable.name if variable.name.isidentifier() and variable.name != "anon" else f"dim_{number_of(variable)}"
    if _named.setdefault(name, variable) is not variable:
        name = f"{name}_{number_of(variable)}"
        _named[name] = variable
    return name


def claim_names(owner: Any, shape: Any) -> None:
    """Keeps the names of a shape's variables theirs while `owner` lives; an attribute would be copied and pickled."""
    if classes() is not None and isinstance(shape, (tuple, list, classes().TensorSpec)):
        for size in shape:
            if isinstance(size, classes().IntVar):
                weakref.finalize(owner, id, size).atexit = False


def by_parameter(spec: Any, parameters: Iterable[inspect.Parameter]) -> Any:
    """A ShapesSpec or ParamsSpec as a dict by forward's parameters; everything else as it is."""
    if classes() is None or not isinstance(spec, (classes().ShapesSpec, classes().ParamsSpec)):
        return spec
    if isinstance(spec, classes().ShapesSpec) and spec.assumptions:
        raise InvalidInput(
            f"dynamic_shapes: {spec.assumptions[0]} is an assumption of a ShapesSpec, which isn't taken; say it in "
            "forward, by torch._check",
            ErrorCode.DYNAMIC_SHAPES,
        )
    said = parameters_of(spec)
    found = dict(said.by_name)
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL and said.of_args is not None:
            found[parameter.name] = classes().SeqSpec(said.of_args)
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            found.update(said.of_kwargs)
    return found


def plain(spec: Any, value: Any) -> Any:
    """What a spec says of one argument or element, in the words of `dynamic_shapes`: a list, a dict or a size."""
    if classes() is None:
        return spec
    if isinstance(spec, classes().TensorSpec):
        return list(spec)
    if isinstance(spec, classes().DictSpec):
        return dict(spec.items())
    if isinstance(spec, classes().SeqSpec):
        return _padded(entries_of(spec), value)
    if isinstance(spec, classes().ObjectSpec):
        return _by_field(spec, value)
    return spec


def _padded(entries: Sequence[Any], value: Any) -> list[Any]:
    """A SeqSpec may be shorter than what it is about: nothing is said of the rest."""
    count = len(value) if isinstance(value, Sequence) else len(entries)
    return [*entries, *[None] * (count - len(entries))]


def _by_field(spec: Any, value: Any) -> Any:
    """An ObjectSpec goes by attributes; the elements of a registered class are in an order of their own."""
    node = node_of(value)
    if node is None or node.flatten_with_keys_fn is None or isinstance(value, Mapping):
        return spec
    fields = [getattr(key, "name", None) for key, _ in node.flatten_with_keys_fn(value)[0]]
    if unknown := [name for name in spec if name not in fields]:
        raise InvalidInput(
            f"dynamic_shapes: a {type(value).__name__} has no field {unknown[0]!r}; its fields are "
            f"{', '.join(map(str, fields))}",
            ErrorCode.DYNAMIC_SHAPES,
        )
    entries = dict(spec.items())
    return [entries.get(name) for name in fields]
