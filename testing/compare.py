"""Compares traced programs with eager: values, dtypes, trees and mutated state, and that the model is left alone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

import tracejet
from tracejet import Input
from tracejet.frontend.binding import BoundInputs, Dim, bind

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Sizes = Mapping[str, int]

#: The greatest difference allowed, relative to the greatest value of the expected tensor. Integers must be equal.
TOLERANCE = {torch.float64: 1e-9, torch.complex128: 1e-9, torch.float16: 1e-2, torch.bfloat16: 3e-2}
DEFAULT_TOLERANCE = 1e-4


def assert_same_as_eager(
    model: nn.Module,
    inputs: Sequence[Any] = (),
    sizes: Iterable[Sizes] | None = None,
    *,
    kwargs: Mapping[str, Any] | None = None,
    make: Callable[[Sizes], Arguments] | None = None,
    tolerance: float | None = None,
) -> torch.export.ExportedProgram:
    """Traces `model` and compares the program with the model at every one of `sizes`, by default `sizes_to_try`.

    Compared are the output's tree, dtypes, shapes and values, and what both leave in their inputs and buffers. The
    program must pass torch's verifier, keep the declared ranges, and the model must be as it was before the trace.
    `make` gives the arguments for a choice of sizes; without it, they are drawn from the Inputs.

    Returns the program.
    """
    bound = bind(model, inputs, kwargs)
    make = make or (lambda chosen: arguments_at(bound, chosen))
    original, before = copy.deepcopy(model), snapshot(model)
    program = tracejet.dynamo.trace(model, arg_inputs=inputs, kwarg_inputs=kwargs)
    assert_unchanged(model, before)
    program._validate()
    assert_ranges_kept(program, bound)

    runner = program.module()
    state = {name: tensor.detach().clone() for name, tensor in state_of(runner).items()}
    for chosen in sizes_to_try(bound.dims) if sizes is None else sizes:
        for name, tensor in state_of(runner).items():
            tensor.data.copy_(state[name])
        expected = outcome(copy.deepcopy(original), make(chosen))
        assert_equal(expected, outcome(runner, make(chosen)), tolerance, f"at {dict(chosen)}: ")
    return program


def sizes_to_try(dims: Mapping[str, Dim]) -> list[dict[str, int]]:
    """Every dimension at its min, opt and max; one choice between; and each at its least alone, for sizes of 1 and 0
    behave unlike others."""

    def between(dim: Dim) -> int:
        middle = (dim.opt + dim.max) // 2
        return middle if middle != dim.opt else (dim.min + dim.opt) // 2

    choices = [{name: getattr(dim, mode) for name, dim in dims.items()} for mode in ("opt", "min", "max")]
    choices.append({name: between(dim) for name, dim in dims.items()})
    choices += [{**choices[0], name: dim.min} for name, dim in dims.items()]
    return [choice for i, choice in enumerate(choices) if choice not in choices[:i]]


def arguments_at(bound: BoundInputs, sizes: Sizes, seed: int = 0) -> Arguments:
    """Arguments as `bound` describes them: its tensors and literals, and a random tensor per Input, at `sizes`."""
    torch.manual_seed(seed)

    def value(leaf: Any) -> Any:
        if not isinstance(leaf.value, Input):
            return leaf.value.clone() if isinstance(leaf.value, torch.Tensor) else leaf.value
        shape = [sizes[size.name] if isinstance(size, Dim) else size for size in leaf.shape]
        spec = leaf.value
        options = {"format": spec.format, "tensor_domain": spec.tensor_domain, "device": spec.device}
        static = Input(shape, dtype=spec.dtype, **options)
        return static.example_tensor()

    return pytree.tree_unflatten([value(leaf) for leaf in bound.leaves], bound.in_spec)


def outcome(model: nn.Module, arguments: Arguments, seed: int = 0) -> dict[str, Any]:
    """What a call gives and what it leaves behind. Random operators start from `seed`."""
    args, kwargs = arguments
    torch.manual_seed(seed)
    with torch.no_grad():
        output = model(*args, **kwargs)
    return {"output": output, "inputs": (args, kwargs), "state": state_of(model)}


def state_of(module: nn.Module) -> dict[str, torch.Tensor]:
    return dict(module.named_buffers())


def assert_equal(
    expected: Any, got: Any, tolerance: float | None = None, where: str = "", least_scale: float = 1e-6
) -> None:
    """Trees of the same shape with equal leaves. A buffer that only one side has is not compared.

    The tolerance is relative to a tensor's greatest value, or to `least_scale` where all of its values are smaller.
    """
    if isinstance(expected, dict) and "state" in expected:
        both = expected["state"].keys() & got["state"].keys()
        expected = {**expected, "state": {name: expected["state"][name] for name in sorted(both)}}
        got = {**got, "state": {name: got["state"][name] for name in sorted(both)}}
    wanted, spec = pytree.tree_flatten_with_path(expected)
    leaves, got_spec = pytree.tree_flatten(got)
    assert spec == got_spec, f"{where}expected the tree {spec}, got {got_spec}"
    for (path, want), have in zip(wanted, leaves, strict=True):
        here = where + pytree.keystr(path)
        if isinstance(want, torch.Tensor):
            assert_equal_tensor(want, have, tolerance, here, least_scale)
        else:
            assert type(want) is type(have), f"{here}: expected {want!r}, got {have!r}"
            assert want == have, f"{here}: expected {want!r}, got {have!r}"


def assert_equal_tensor(
    want: torch.Tensor, have: Any, tolerance: float | None, where: str, least_scale: float = 1e-6
) -> None:
    assert isinstance(have, torch.Tensor), f"{where}: expected a tensor, got {have!r}"
    assert have.dtype == want.dtype, f"{where}: expected {want.dtype}, got {have.dtype}"
    assert have.shape == want.shape, f"{where}: expected {tuple(want.shape)}, got {tuple(have.shape)}"
    if not (want.dtype.is_floating_point or want.dtype.is_complex):
        assert torch.equal(want, have), f"{where}: values differ"
        return
    if tolerance is None:
        tolerance = TOLERANCE.get(want.dtype, DEFAULT_TOLERANCE)
    wide = torch.complex128 if want.dtype.is_complex else torch.float64
    want, have = want.detach().to(wide), have.detach().to(wide)
    finite = want[torch.isfinite(want)].abs()
    scale = finite.max().item() if finite.numel() else 1.0
    close = torch.isclose(have, want, rtol=0, atol=tolerance * max(scale, least_scale), equal_nan=True)
    worst = (have - want).abs().nan_to_num(0, 0, 0).max().item() if want.numel() else 0.0
    assert close.all(), f"{where}: differs by {worst:.3g} on a scale of {scale:.3g}"


def assert_ranges_kept(program: torch.export.ExportedProgram, bound: BoundInputs) -> None:
    """Every dynamic axis of the inputs is still a symbol of its declared range, and shared ones are one symbol."""
    symbols: dict[Any, str] = {}
    placeholders = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    user_inputs = [spec for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    for leaf, spec in zip(bound.leaves, user_inputs, strict=True):
        for axis, declared in enumerate(leaf.shape or ()):
            if not isinstance(declared, Dim):
                continue
            size = placeholders[spec.arg.name].meta["val"].shape[axis]
            here = f"{leaf.path}, axis {axis}"
            assert isinstance(size, torch.SymInt), f"{here} was fixed to {size}"
            symbol = size.node.expr
            assert symbols.setdefault(symbol, declared.name) == declared.name, f"{here} is tied to {symbols[symbol]}"
            kept = program.range_constraints[symbol]
            assert (kept.lower, kept.upper) == (declared.min, declared.max), f"{here} was narrowed to {kept}"


def snapshot(model: nn.Module) -> list[tuple[str, str, Any, Any]]:
    """Every attribute of every submodule, by identity, with the versions of tensors and copies of containers."""

    def version(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value._version
        return dict(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else None

    found = []
    for path, module in model.named_modules():
        for attribute, value in vars(module).items():
            found.append((path, attribute, value, version(value)))
            if attribute in ("_parameters", "_buffers"):
                found += [(path, name, tensor, version(tensor)) for name, tensor in value.items()]
    return found


def assert_unchanged(model: nn.Module, before: list[tuple[str, str, Any, Any]]) -> None:
    after = snapshot(model)
    assert [entry[:2] for entry in after] == [entry[:2] for entry in before], "the trace added or removed attributes"
    for (path, attribute, old, old_version), (_, _, new, new_version) in zip(before, after, strict=True):
        where = f"{path}.{attribute}" if path else attribute
        assert new is old, f"the trace replaced {where}"
        same = _same_objects(old_version, new_version)
        assert same, f"the trace wrote to {where}"


def _same_objects(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(a[key] is b[key] for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))
    return bool(a == b)
