"""Random small programs, as Python text, that run at every size of their dynamic axes or nearly so.

A program grows line by line. Each line is tried at several sizes before it is kept: so a generator of lines needs to
know nothing of shapes but what it reads off the tensors it has, which it has at all of these sizes.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

import tracejet
from tests.support import random_lines
from tests.support.compare import assert_equal
from tests.support.random_lines import NAMESPACE, Scope, Variable
from tracejet import Input

#: At most so large are the values that a program computes: rounding must not become visible.
MAGNITUDE = 1e4

FILE = "<random program>"


class _Model(nn.Module):
    def __init__(self, function: Callable[..., Any]):
        super().__init__()
        self.function = function

    def forward(self, *args: torch.Tensor) -> Any:
        return self.function(*args)


@dataclass(frozen=True)
class Axis:
    """A dynamic dimension."""

    low: int
    opt: int
    high: int


@dataclass
class Parameter:
    name: str
    shape: list[str | int]  #: a name stands for a dynamic dimension
    dtype: torch.dtype


@dataclass
class Program:
    axes: dict[str, Axis]
    parameters: list[Parameter]
    lines: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        head = ", ".join(f"{p.name}: {str(p.dtype)[6:]}{p.shape}" for p in self.parameters)
        signature = ", ".join(p.name for p in self.parameters)
        body = [*self.lines, f"return {', '.join(self.returned)}"]
        return "\n".join([f"# {head}; {self.axes}", f"def forward({signature}):", *("    " + line for line in body)])

    def model(self) -> nn.Module:
        linecache.cache[FILE] = (len(self.text), None, self.text.splitlines(keepends=True), FILE)
        scope = dict(NAMESPACE)
        exec(compile(self.text, FILE, "exec"), scope)
        return _Model(scope["forward"])

    def inputs(self) -> list[Input]:
        def shape(parameter: Parameter, bound: Callable[[Axis], int]) -> list[int]:
            return [bound(self.axes[size]) if isinstance(size, str) else size for size in parameter.shape]

        return [
            Input(
                min_shape=shape(p, lambda axis: axis.low),
                opt_shape=shape(p, lambda axis: axis.opt),
                max_shape=shape(p, lambda axis: axis.high),
                dtype=p.dtype,
                shared_dims={i: size for i, size in enumerate(p.shape) if isinstance(size, str)},
            )
            for p in self.parameters
        ]

    def arguments(self, sizes: dict[str, int], seed: int = 0) -> tuple[torch.Tensor, ...]:
        generator = torch.Generator().manual_seed(seed)

        def value(p: Parameter) -> torch.Tensor:
            shape = [sizes[size] if isinstance(size, str) else size for size in p.shape]
            if p.dtype is torch.bool:
                return torch.rand(shape, generator=generator) > 0.5
            if p.dtype.is_floating_point:
                return torch.randn(shape, generator=generator, dtype=p.dtype)
            return torch.randint(-3, 8, shape, generator=generator, dtype=p.dtype)

        return tuple(value(p) for p in self.parameters)


def random_program(rng: Random, lines: int = 6) -> Program:
    """A program of about so many lines."""
    axes = {}
    for name in ("n", "m")[: rng.choice([1, 1, 2])]:
        low, high = rng.choice([1, 1, 1, 0, 2, 3]), rng.choice([6, 8, 12])
        axes[name] = Axis(low, rng.randint(max(low, 1), high), high)
    sizes = [*axes, *axes, 1, 2, 3, 4]
    exact = rng.choice([torch.float64, torch.float64, torch.float32])
    parameters = []
    for i in range(rng.randint(1, 3)):
        dtype = exact if i == 0 else rng.choice([exact, exact, torch.int64, torch.bool])
        parameters.append(Parameter(f"x{i}", [rng.choice(sizes) for _ in range(rng.randint(1, 4))], dtype))
    first = parameters[0].shape
    first[rng.randrange(len(first))] = "n"
    return _Growing(Program(axes, parameters), rng).grown(lines)


class _Growing:
    """A program, and what its variables hold at a few sizes."""

    def __init__(self, program: Program, rng: Random):
        self.program, self.rng = program, rng
        self.writes = rng.random() < 0.4
        self.sizes = [self._sizes(part) for part in (0.3, 0.6, 1.0)]
        self.names = [p.name for p in program.parameters]
        self._run_again()

    def grown(self, lines: int) -> Program:
        for _ in range(4 * lines):
            if len(self.program.lines) == lines:
                break
            self._add_line()
        self.program.returned = [name for name in self.names if name.startswith("t")] or self.names[:1]
        return self.program

    def _sizes(self, part: float) -> dict[str, int]:
        return {
            name: min(max(axis.low, 2) + round(part * (axis.high - max(axis.low, 2))) - i, axis.high)
            for i, (name, axis) in enumerate(self.program.axes.items())
        }

    def _run_again(self) -> None:
        self.states = []
        for sizes in self.sizes:
            state = dict(NAMESPACE)
            state.update(zip([p.name for p in self.program.parameters], self.program.arguments(sizes)))
            self.states.append(state)
            for line in self.program.lines:
                exec(line, state)

    def _add_line(self) -> None:
        variables = [Variable(name, [state[name] for state in self.states]) for name in self.names]
        scope = Scope(self.rng, variables, f"t{len(self.program.lines)}", self.writes)
        line = random_lines.random_line(scope)
        if line is None:
            return
        try:
            code = compile(line, "<line>", "exec")
            for state in self.states:
                exec(code, state)
            kept = all(_is_tame(state.get(name)) for state in self.states for name in [*self.names, scope.target])
        except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError):
            kept = False
        if not kept:
            self._run_again()
            return
        self.program.lines.append(line)
        if scope.target in self.states[0]:
            self.names.append(scope.target)


def _is_tame(value: Any) -> bool:
    """Small enough in size and values, which are finite; a line that doesn't assign has no value."""
    if value is None:
        return True
    if not isinstance(value, torch.Tensor) or value.numel() > 20_000 or value.dim() > 5 or value.is_complex():
        return False
    return value.numel() == 0 or bool(value.double().abs().max() < MAGNITUDE)


def assert_right_or_refused(program: Program, tries: int = 10) -> Exception | None:
    """Traces the program and compares it with eager at several sizes in range, the least and the greatest among them.

    Where eager refuses its arguments, so must the traced program, and the other way round; but for sizes of 0 and 1,
    since checks that only those fail are left out, and for empty tensors. Gives the error where the trace is
    refused.
    """
    model = program.model()
    kinds = tracejet.ConstraintViolation, tracejet.DataDependent, tracejet.ShapeError, tracejet.UnsupportedOperator
    try:
        traced = tracejet.dynamo.trace(model, arg_inputs=program.inputs())
    except kinds as refusal:
        return refusal
    except (RuntimeError, IndexError, ValueError) as refusal:  # ATen's own: allowed where it refuses in eager, too
        outcomes = [_outcome(model, program.arguments(sizes)) for sizes in _sizes_to_try(program.axes, tries)]
        if any(isinstance(outcome, Exception) for outcome in outcomes):
            return refusal
        raise
    compiled = tracejet.compile(traced, engine="aten")
    for seed, sizes in enumerate(_sizes_to_try(program.axes, tries)):
        here = f"at {sizes}: "
        expected = _outcome(model, program.arguments(sizes, seed))
        got = _outcome(compiled, program.arguments(sizes, seed))
        if isinstance(expected, Exception) or isinstance(got, Exception):
            both = isinstance(expected, Exception) and isinstance(got, Exception)
            assert both or _is_special(sizes, expected, got), f"{here}eager gives {expected!r}, the program {got!r}"
            continue
        exact = program.parameters[0].dtype is torch.float64
        assert_equal(expected, got, 1e-5 if exact else 1e-3, here, least_scale=1.0)
    return None


def _sizes_to_try(axes: dict[str, Axis], tries: int) -> list[dict[str, int]]:
    rng = Random(0)
    ends = [{name: getattr(axis, end) for name, axis in axes.items()} for end in ("opt", "low", "high")]
    return ends + [{name: rng.randint(a.low, a.high) for name, a in axes.items()} for _ in range(tries - len(ends))]


def _is_special(sizes: dict[str, int], *outcomes: Any) -> bool:
    tensors = [leaf for leaf in pytree.tree_leaves(outcomes) if isinstance(leaf, torch.Tensor)]
    return min(sizes.values()) < 2 or any(tensor.numel() == 0 for tensor in tensors)


def _outcome(model: Callable[..., Any], args: tuple[torch.Tensor, ...]) -> Any:
    """What a call gives and what it leaves in its arguments; the exception where it refuses them."""
    try:
        with torch.no_grad():
            output = model(*args)
    except Exception as error:
        return error
    return output, args
