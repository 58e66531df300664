"""Binds the arguments of `trace` to a model's forward: flat inputs with names, shapes and dynamic dimensions."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.utils import _pytree as pytree

from tracejet._C import Dim as Dim
from tracejet._C import ErrorCode, InvalidInput, name_dimensions
from tracejet.frontend.input import Input
from tracejet.frontend.input_shapes import shown
from tracejet.frontend.near_name import did_you_mean
from tracejet.frontend.registered import Registered
from tracejet.frontend.tensor_subclasses import check_input
from tracejet.patches.pytree_nodes import node_of

#: What may stand in a model's arguments beside tensors; a program keeps such a value as it is.
LITERALS = (bool, int, float, complex, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format)


#: What holds several of them, for error messages.
HOW_TO_NEST = (
    "a container of these (register containers of your own with torch.export.register_dataclass or "
    "torch.utils._pytree.register_pytree_node, and the caches of transformers with "
    "transformers.integrations.executorch.register_dynamic_cache_export_support)"
)


@dataclass
class Leaf:
    """One flat input. The fields after `value` are None for a literal."""

    name: str  #: unique, an identifier: "x", "cache_0_key"
    path: str  #: how Python reaches it from forward's arguments: "cache[0]['key']"
    value: Any  #: a Tensor, an Input or a literal
    shape: list[int | Dim] | None = None
    dtype: torch.dtype | None = None
    device: torch.device | None = None
    strides: tuple[int, ...] | None = None  #: of a Tensor; an Input is dense in its memory format
    memory_format: torch.memory_format | None = None  #: of an Input


@dataclass
class BoundInputs:
    """The arguments of one trace."""

    leaves: list[Leaf]  #: in the order of `in_spec`
    in_spec: pytree.TreeSpec  #: of (args, kwargs)
    forward_names: list[str]  #: one per positional argument, then one per keyword
    defaults: dict[str, Any]  #: what forward takes for those of `forward_names` that are left out, where it may be

    @property
    def dims(self) -> dict[str, Dim]:
        """The dynamic dimensions by name, in the order of their first appearance."""
        return {size.name: size for leaf in self.leaves for size in leaf.shape or () if isinstance(size, Dim)}


def bind(
    module: nn.Module, arg_inputs: Any = None, kwarg_inputs: Any = None, device: torch.device | None = None
) -> BoundInputs:
    """Matches `arg_inputs` and `kwarg_inputs` with the parameters of `module.forward`.

    Both may be any pytree of Tensor, Input and literals; arguments that aren't passed keep their defaults. `device` is
    where Tensors will be, and Inputs that don't say so themselves: by default where the Tensors are, and where the
    module's first parameter or buffer is.

    Raises InvalidInput where the arguments don't fit the signature, a value can't be an input, or Inputs contradict
    each other.
    """
    check_module(module)
    registered = Registered.of(module)
    tensors = [*registered.parameters, *registered.buffers]
    _check_initialized(tensors)
    args, kwargs = positional(arg_inputs), keywords(kwarg_inputs)
    parameters = forward_parameters(module)
    roots = match_signature(module, parameters, args, kwargs)
    _check_complete(module, parameters, roots)
    models_device = tensors[0][1].device if tensors else torch.device("cpu")
    leaves = describe_leaves(roots, (*args, *kwargs.values()), device or models_device)
    if device is not None:
        for leaf in leaves:
            if isinstance(leaf.value, torch.Tensor):
                leaf.device = device
    _, in_spec = pytree.tree_flatten((args, kwargs))
    defaults = {root.name: root.parameter.default for root in roots}
    defaults = {name: default for name, default in defaults.items() if default is not inspect.Parameter.empty}
    return BoundInputs(leaves, in_spec, [root.name for root in roots], defaults)


def check_module(module: Any) -> None:
    """Raises InvalidInput unless `module` is a model."""
    if isinstance(module, nn.Module):
        return
    if isinstance(module, torch.export.ExportedProgram):
        raise InvalidInput(
            "expected a torch.nn.Module, got an ExportedProgram; pass program.module()", ErrorCode.NOT_A_MODULE
        )
    if isinstance(module, type) and issubclass(module, nn.Module):
        raise InvalidInput(
            f"expected a torch.nn.Module, got the class {module.__name__}; pass an instance, {module.__name__}(…)",
            ErrorCode.NOT_A_MODULE,
        )
    raise InvalidInput(f"expected a torch.nn.Module, got {shown(module)}", ErrorCode.NOT_A_MODULE)


def _check_initialized(tensors: Sequence[tuple[str, torch.Tensor]]) -> None:
    """Lazy modules (`nn.LazyLinear`) learn their shapes from the first call."""
    for name, tensor in tensors:
        if is_lazy(tensor):
            raise InvalidInput(
                f"{name} has no shape yet, as its module is lazy: call the model once before the trace",
                ErrorCode.UNSUPPORTED_ARGUMENT,
            )


def either_name(inputs: Any, arg_inputs: Any) -> Any:
    """What forward takes by position, under whichever of the argument's two names it was passed."""
    if inputs is not None and arg_inputs is not None:
        raise InvalidInput(
            "inputs and arg_inputs are two names of one argument; pass one of them", ErrorCode.MODEL_ARGUMENTS
        )
    return inputs if arg_inputs is None else arg_inputs


def positional(arg_inputs: Any) -> tuple[Any, ...]:
    """`arg_inputs` as a tuple; a lone Tensor or Input counts as the only argument."""
    if arg_inputs is None:
        return ()
    if isinstance(arg_inputs, (torch.Tensor, Input)):
        return (arg_inputs,)
    if type(arg_inputs) in (tuple, list):
        return tuple(arg_inputs)
    raise InvalidInput(
        f"arg_inputs must be a tuple or list with one entry per positional argument, got {shown(arg_inputs)}",
        ErrorCode.MODEL_ARGUMENTS,
    )


def keywords(kwarg_inputs: Any) -> dict[str, Any]:
    """`kwarg_inputs` as a dict with names for keys."""
    if kwarg_inputs is None:
        return {}
    if not isinstance(kwarg_inputs, Mapping):
        raise InvalidInput(
            f"kwarg_inputs must be a dict of forward's keyword arguments, got {shown(kwarg_inputs)}",
            ErrorCode.MODEL_ARGUMENTS,
        )
    for key in kwarg_inputs:
        if not isinstance(key, str):
            raise InvalidInput(
                f"kwarg_inputs has the key {key!r}; expected the name of an argument of forward",
                ErrorCode.MODEL_ARGUMENTS,
            )
    return dict(kwarg_inputs)


@dataclass(frozen=True)
class Root:
    """A top-level argument: its name, how Python reaches it, and the parameter of forward that takes it."""

    name: str
    path: str
    parameter: inspect.Parameter


def match_signature(
    module: nn.Module, parameters: Sequence[inspect.Parameter], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[Root]:
    """The root of each positional argument, then of each keyword. Raises InvalidInput where the call doesn't fit."""

    def forward() -> str:
        return _forward_text(module, parameters)

    by_position = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    by_keyword = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    rest = next((p for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    extra = next((p for p in parameters if p.kind is p.VAR_KEYWORD), None)

    if len(args) > len(by_position) and rest is None:
        raise InvalidInput(
            f"{forward()} takes at most {len(by_position)} positional arguments, got {len(args)}",
            ErrorCode.MODEL_ARGUMENTS,
        )
    roots = [Root(p.name, p.name, p) for p in by_position[: len(args)]]
    if rest is not None:
        roots += [Root(f"{rest.name}_{i}", f"{rest.name}[{i}]", rest) for i in range(len(args) - len(roots))]

    passed = {root.parameter.name for root in roots}
    for key in kwargs:
        if key in passed and key in by_keyword:
            raise InvalidInput(
                f"{forward()} gets '{key}' twice: in arg_inputs and in kwarg_inputs", ErrorCode.MODEL_ARGUMENTS
            )
        parameter = by_keyword.get(key, extra)
        if parameter is None:
            hint = did_you_mean(key, by_keyword)
            raise InvalidInput(f"{forward()} has no keyword argument '{key}'{hint}", ErrorCode.MODEL_ARGUMENTS)
        roots.append(Root(key, key, parameter))
    return roots


def _check_complete(module: nn.Module, parameters: Sequence[inspect.Parameter], roots: Sequence[Root]) -> None:
    passed = {root.parameter.name for root in roots}
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    required = [p.name for p in parameters if p.default is p.empty and p.kind not in optional]
    missing = [f"'{name}'" for name in required if name not in passed]
    if missing:
        raise InvalidInput(
            f"{_forward_text(module, parameters)} misses {', '.join(missing)}; pass what has no default",
            ErrorCode.MODEL_ARGUMENTS,
        )


def describe_leaves(roots: Sequence[Root], values: Sequence[Any], device: torch.device) -> list[Leaf]:
    """The flat inputs under each root, with unique names and their dynamic dimensions."""
    leaves: list[Leaf] = []
    taken: set[str] = set()
    for root, value in zip(roots, values, strict=True):
        for steps, leaf in _walk(value):
            name = unique_name(_identifier([root.name, *map(_word, steps)]), taken)
            leaves.append(_describe(name, root.path + "".join(map(_subscript, steps)), leaf, device))
    inputs = [leaf for leaf in leaves if isinstance(leaf.value, Input)]
    shapes = name_dimensions([(leaf.name, leaf.path, leaf.value) for leaf in inputs])
    for leaf, shape in zip(inputs, shapes, strict=True):
        leaf.shape = shape
    return leaves


def forward_parameters(module: nn.Module) -> list[inspect.Parameter]:
    """What a model's forward takes."""
    forward = module.forward
    if isinstance(module, torch.jit.ScriptModule):  # its Python signature is (*args, **kwargs); the schema knows more
        arguments = forward.schema.arguments[1:]
        empty, kind = inspect.Parameter.empty, inspect.Parameter.POSITIONAL_OR_KEYWORD
        return [
            inspect.Parameter(a.name, kind, default=a.default_value if a.has_default_value() else empty)
            for a in arguments
        ]
    return [p.replace(annotation=p.empty) for p in inspect.signature(forward).parameters.values()]


def _forward_text(module: nn.Module, parameters: Sequence[inspect.Parameter]) -> str:
    return f"{type(module).__name__}.forward{inspect.Signature(parameters)}"


def _describe(name: str, path: str, value: Any, device: torch.device) -> Leaf:
    if isinstance(value, Input):
        return Leaf(name, path, value, list(value.opt_shape), value.dtype, value.device or device, None, value.format)
    if isinstance(value, torch.Tensor):
        check_input(path, value)
        return Leaf(name, path, value, list(value.shape), value.dtype, value.device, tuple(value.stride()))
    if isinstance(value, LITERALS):
        return Leaf(name, path, value)
    raise InvalidInput(
        f"{path}: {type(value).__module__}.{type(value).__qualname__} can't be an input; expected a Tensor, an "
        f"Input, a number, a string, a bool, None, or {HOW_TO_NEST}",
        ErrorCode.UNSUPPORTED_ARGUMENT,
    )


def _walk(tree: Any) -> Iterator[tuple[list[Any], Any]]:
    """The leaves of a pytree with the keys that lead to them, in pytree's order."""
    node = node_of(tree)
    if node is None:
        yield [], tree
        return
    if node.flatten_with_keys_fn is not None:
        children, _ = node.flatten_with_keys_fn(tree)
    else:  # registered without names for its children: they are numbered
        children = [(pytree.SequenceKey(i), child) for i, child in enumerate(node.flatten_fn(tree)[0])]
    for key, child in children:
        for steps, leaf in _walk(child):
            yield [key, *steps], leaf


def _word(key: Any) -> str:
    """The part of a name that stands for one step into a container."""
    match key:
        case pytree.MappingKey():
            return str(key.key)
        case pytree.SequenceKey():
            return str(key.idx)
        case pytree.GetAttrKey():
            return key.name
    return str(key)


def _subscript(key: Any) -> str:
    """One step into a container, as Python writes it."""
    match key:
        case pytree.MappingKey():
            return f"[{key.key!r}]"
        case pytree.SequenceKey():
            return f"[{key.idx}]"
        case pytree.GetAttrKey():
            return f".{key.name}"
    return f"[{key}]"


def _identifier(words: Sequence[str]) -> str:
    name = re.sub(r"\W", "_", "_".join(words), flags=re.ASCII)
    return f"_{name}" if name[:1].isdigit() or keyword.iskeyword(name) else name


def unique_name(name: str, taken: set[str]) -> str:
    """`name`, or the first of name_1, name_2, … that isn't taken; it is then."""
    candidate, n = name, 0
    while candidate in taken:
        n += 1
        candidate = f"{name}_{n}"
    taken.add(candidate)
    return candidate
