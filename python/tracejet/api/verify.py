"""`verify`: holds a compiled program against eager's kernels, and says which call differs first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet._C import VerificationError as VerificationError
from tracejet.api.call_arguments import flat_arguments
from tracejet.api.compile import CompiledModule
from tracejet.api.native_program import native
from tracejet.api.session_program import graph_of
from tracejet.frontend.call_spec import IN_GRAPH, CallSpec


@dataclass(frozen=True)
class VerifiedOutput:
    """One tensor or number that a program gives, or a buffer or input that it writes."""

    name: str  #: "output['logits']", "buffer mean", "input cache"
    is_equal: bool  #: up to rounding
    absolute_error: float  #: the largest difference of two elements
    relative_error: float  #: the same, relative to the largest element that was expected
    problem: str  #: where it isn't equal: "at [0, 3]: expected 0.5, got 0.25"


@dataclass(frozen=True)
class VerifiedRun:
    """The run of a program on one set of inputs."""

    name: str  #: "min", "opt", "max", "static", or "inputs 0" for those that were given
    dimensions: Mapping[str, int]
    outputs: tuple[VerifiedOutput, ...]
    failure: str  #: what one of the two raised; empty where both gave something
    amplifies_rounding: bool  #: outputs differ, but no call does on the same operands: counts as right
    ok: bool


@dataclass(frozen=True)
class DifferingCall:
    """The first call that differs from eager's kernel on the very same operands."""

    operator: str  #: "aten::relu"; empty where no single call is at fault
    value: str  #: what it gives: "%17: float32[batch, 64]"
    where: str  #: the line of the model and its module
    file: str
    line: int
    problem: str  #: "at [0, 3]: expected 0.5, got 0.25", or why the call can't be told


class Verification:
    """What `verify` found. `str(verification)` is for people, `to_json` for machines."""

    def __init__(self, found: _C.Verification):
        self._text = str(found)
        self.engine: str = found.engine
        self.runs = tuple(
            VerifiedRun(
                run.name,
                dict(run.dimensions),
                tuple(
                    VerifiedOutput(o.name, o.is_equal, o.absolute_error, o.relative_error, o.problem)
                    for o in run.outputs
                ),
                run.failure,
                run.amplifies_rounding,
                run.ok,
            )
            for run in found.runs
        )
        call = found.first
        #: Where outputs differ, the call at fault.
        self.first = (
            None if call is None else DifferingCall(call.op, call.value, call.where, call.file, call.line, call.problem)
        )

    @property
    def ok(self) -> bool:
        """Whether all that was compared is equal, up to rounding."""
        return all(run.ok for run in self.runs)

    def raise_if_wrong(self) -> None:
        """Raises VerificationError, with the whole text, where it isn't ok."""
        if not self.ok:
            raise VerificationError(self._text)

    def to_json(self) -> dict[str, Any]:
        """The same in lists, dicts, strings and numbers."""
        first = None if self.first is None else asdict(self.first)
        return {"engine": self.engine, "ok": self.ok, "first": first, "runs": [asdict(run) for run in self.runs]}

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<Verification: {self.engine}, {'ok' if self.ok else 'not ok'}, {len(self.runs)} runs>"


def verify(
    program: torch.export.ExportedProgram,
    compiled: CompiledModule | Callable[..., Any],
    inputs: Sequence[Any] | None = None,
    *,
    kwarg_inputs: Mapping[str, Any] | None = None,
    sizes: Sequence[str] = ("min", "opt", "max"),
    tolerance: float | None = None,
    seed: int = 0,
) -> Verification:
    """Runs `compiled` and eager's kernels side by side, and says what differs, and in which call first.

    Eager's kernels run the program call by call, without an engine. Random inputs suit the program: positions lie
    inside of what they index, masks are masks, sizes are in range and fulfil what the program asserts. Buffers and the
    inputs given are afterwards as they were before.

    Args:
        program: from `trace` or `torch.export`.
        compiled: what `compile` made of it, or any function of the same arguments, such as the model itself; the call
            at fault is only looked for in what `compile` made.
        inputs: positional arguments to compare on besides, or a list of several tuples of them.
        kwarg_inputs: keyword arguments that belong to `inputs`.
        sizes: where random inputs are drawn: some of "min", "opt" and "max". Where what the program asserts excludes
            these sizes, the nearest ones that it takes.
        tolerance: which difference is rounding, relative to a number and to the mean of its tensor. By default 1e-4 for
            float32, or what suits the output's dtype and the precision that the program was compiled with. Integers and
            booleans have to be equal; NaN equals NaN.
        seed: of the random inputs.

    Returns:
        A `Verification`: `ok`, each run with its largest errors, and the first call that differs, with its line.

    Raises:
        InvalidInput: inputs don't fit the program, or no random ones were found that it takes.
    """
    traced = native(program, None, None)
    spec: CallSpec = traced._tracejet_call_spec
    given = [_tensors(spec, args, kwargs) for args, kwargs in _calls(spec, inputs, kwarg_inputs)]
    found = _C.verify(
        graph_of(traced),
        compiled._program if type(compiled) is CompiledModule else _flat(compiled, spec),
        given,
        _C.VerifyOptions(sizes=list(sizes), tolerance=tolerance, seed=seed),
        _names(spec),
    )
    return Verification(found)


def _calls(
    spec: CallSpec, inputs: Sequence[Any] | None, kwargs: Mapping[str, Any] | None
) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The arguments of each call that was given."""
    if inputs is None:
        return [] if kwargs is None else [((), dict(kwargs))]
    if isinstance(inputs, torch.Tensor):
        raise _C.InvalidInput(
            "inputs: a list of arguments is needed, got a tensor: write inputs=[x]", _C.ErrorCode.VERIFY_INPUTS
        )
    one = (tuple(inputs), dict(kwargs or {}))
    are_several = inputs and all(isinstance(call, tuple) for call in inputs)
    if not are_several or pytree.tree_structure(one) == spec.in_spec:
        return [one]
    return [(tuple(call), dict(kwargs or {})) for call in inputs]


def _tensors(spec: CallSpec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    leaves = flat_arguments(spec, args, kwargs)
    return [leaf for leaf, traced in zip(leaves, spec.inputs, strict=True) if traced.shape is not None]


def _flat(function: Callable[..., Any], spec: CallSpec) -> Callable[[list[torch.Tensor]], list[Any]]:
    """`function` on the program's tensors alone, giving the program's outputs in a list."""

    def run(tensors: list[torch.Tensor]) -> list[Any]:
        rest = iter(tensors)
        leaves = [leaf.value if leaf.shape is None else next(rest) for leaf in spec.inputs]
        args, kwargs = pytree.tree_unflatten(leaves, spec.in_spec)
        with torch.no_grad():
            results, out_spec = pytree.tree_flatten(function(*args, **kwargs))
        if out_spec != spec.out_spec:
            raise _C.InvalidInput(
                f"it gives {out_spec}, but the program gives {spec.out_spec}", _C.ErrorCode.OTHER_PROGRAM
            )
        return [result if kept is IN_GRAPH else None for result, kept in zip(results, spec.outputs, strict=True)]

    return run


def _names(spec: CallSpec) -> list[str]:
    """Of the program's outputs, as one would write them: "output['logits'][0]"."""
    numbered = pytree.tree_unflatten(list(range(spec.out_spec.num_leaves)), spec.out_spec)
    return ["output" + pytree.keystr(path) for path, _ in pytree.tree_flatten_with_path(numbered)[0]]
