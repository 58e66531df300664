"""Random small programs, as Python text, that run at every size of their dynamic axes or nearly so.

A program grows line by line. Each line is tried at several sizes before it is kept: so a generator of lines needs to
know nothing of shapes but what it reads off the tensors it has, which it has at all of these sizes.
"""

from __future__ import annotations

import linecache
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch
from torch import nn

from tests.support import random_computations, random_layouts, random_lines  # noqa: F401  (they register templates)
from tests.support.random_arguments import LAYOUTS, values
from tests.support.random_lines import NAMESPACE, Scope, Variable
from tracejet import Input

#: At most so large are the values that a program computes: rounding must not become visible.
MAGNITUDE = 1e4
#: And so are integers where they are to be wide.
WIDE = 2**31

FILE = "random_program.py"
INTEGERS = (torch.int64, torch.int64, torch.int32, torch.uint8, torch.int8, torch.int16)
EAGER_REFUSES = (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError)


class _Model(nn.Module):
    def __init__(self, function: Callable[..., Any], state: dict[str, torch.Tensor]):
        super().__init__()
        self.function = function
        for name, tensor in state.items():
            self.register_buffer(name, tensor)

    def forward(self, *args: torch.Tensor) -> Any:
        return self.function(*args, *self.buffers())


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
    layout: str = "contiguous"  #: of arguments, in some calls

    def text(self) -> str:
        return f"{self.name}: {str(self.dtype)[6:]}{self.shape}" + f" {self.layout}" * (self.layout != "contiguous")


@dataclass
class Program:
    axes: dict[str, Axis]
    parameters: list[Parameter]
    precision: torch.dtype  #: FLOAT
    values: str = "plain"  #: what arguments hold: one of random_arguments.VALUES
    state: list[Parameter] = field(default_factory=list)
    same: bool = False  #: whether one tensor may be passed for the first two parameters
    lines: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        head = ", ".join(p.text() for p in self.parameters)
        tail = f"; buffers {', '.join(p.text() for p in self.state)}" if self.state else ""
        about = f"# {head}{tail}; {self.axes}; {self.values} values{', x0 and x1 may be one tensor' * self.same}"
        signature = ", ".join(p.name for p in [*self.parameters, *self.state])
        body = [*self.lines, f"return {', '.join(self.returned)}"]
        lines = [about, f"FLOAT = {self.precision}", f"def forward({signature}):", *("    " + line for line in body)]
        return "\n".join(lines)

    def model(self) -> nn.Module:
        linecache.cache[FILE] = (len(self.text), None, self.text.splitlines(keepends=True), FILE)
        return _Model(_function(self.text), self._state())

    def twin(self) -> Callable[[tuple[torch.Tensor, ...], dict[str, torch.Tensor]], Any]:
        """The program in the other precision throughout, run on arguments and buffers: where it gives something else,
        rounding decides. So it is with the mean that var_mean gives of infinities, which depends on where they lie, and
        is another one in PyTorch's own reference."""
        precision = self.other_precision
        text = in_precision(self.text, precision).replace("torch.var_mean(", "torch._refs.var_mean(")
        model = _Model(_function(text), self._state())

        def run(args: tuple[torch.Tensor, ...], state: dict[str, torch.Tensor]) -> Any:
            for name, tensor in state.items():
                setattr(model, name, tensor.to(precision))
            cast = {id(arg): arg.to(precision) if arg.is_floating_point() else arg for arg in args}
            given = tuple(cast[id(arg)] for arg in args)
            return in_default(precision, model)(*given), given, dict(model.named_buffers())

        return run

    @property
    def other_precision(self) -> torch.dtype:
        return torch.float64 if self.precision is torch.float32 else torch.float32

    def _state(self) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(1)
        return {p.name: values([int(n) for n in p.shape], p.dtype, "plain", generator) for p in self.state}

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

    def arguments(
        self, sizes: dict[str, int], seed: int = 0, kind: str = "plain", *, laid_out: bool = False, same: bool = False
    ) -> tuple[torch.Tensor, ...]:
        generator = torch.Generator().manual_seed(seed)
        made = []
        for p in self.parameters:
            shape = [sizes[size] if isinstance(size, str) else size for size in p.shape]
            tensor = values(shape, p.dtype, kind, generator)
            made.append(LAYOUTS[p.layout](tensor) if laid_out else tensor)
        if same:
            made[1] = made[0]
        return tuple(made)


def _function(text: str) -> Callable[..., Any]:
    scope = dict(NAMESPACE)
    exec(compile(text, FILE, "exec"), scope)
    function: Callable[..., Any] = scope["forward"]
    return function


def in_precision(text: str, precision: torch.dtype) -> str:
    """The same program or line with all of its floats in one precision."""
    other = "float64" if precision is torch.float32 else "float32"
    text = text.replace(f"torch.{other}", str(precision))
    return text.replace(".float()", ".double()") if precision is torch.float64 else text


def in_default(precision: torch.dtype, function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        before = torch.get_default_dtype()
        torch.set_default_dtype(precision)
        try:
            return function(*args)
        finally:
            torch.set_default_dtype(before)

    return run


def random_program(
    rng: Random, lines: int = 6, precisions: Sequence[torch.dtype] = (torch.float32,), converts: bool = True
) -> Program:
    """A program of about so many lines; `converts`: most of its operators should have a conversion to ONNX."""
    axes = {}
    for name in ("n", "m")[: rng.choice([1, 1, 2])]:
        low, high = rng.choice([1, 1, 1, 0, 2, 3]), rng.choice([6, 8, 12])
        axes[name] = Axis(low, rng.randint(max(low, 1), high), high)
    sizes = [*axes, *axes, 1, 2, 3, 4]
    exact = rng.choice(precisions)
    parameters = []
    for i in range(rng.randint(1, 3)):
        others = [exact] * 4 + [rng.choice(INTEGERS)] * 2 + [torch.bool]
        dtype = rng.choice([exact] * 5 + [rng.choice(INTEGERS)]) if i == 0 else rng.choice(others)
        layout = rng.choice(["contiguous"] * 3 + [*LAYOUTS])
        parameters.append(Parameter(f"x{i}", [rng.choice(sizes) for _ in range(rng.randint(1, 4))], dtype, layout))
    first = parameters[0].shape
    first[rng.randrange(len(first))] = "n"
    same = len(parameters) > 1 and rng.random() < 0.15
    if same:
        parameters[1].shape, parameters[1].dtype = list(first), parameters[0].dtype
    state = [Parameter("s0", [rng.choice([1, 2, 3])], exact)] if rng.random() < 0.15 else []
    kind = rng.choice(["plain", "plain", "plain", "ties", "special", "wide"])
    if rng.random() < 0.15:  # engines know more of sizes that don't vary, and fuse more
        axes = {name: Axis(axis.opt, axis.opt, axis.opt) for name, axis in axes.items()}
    return _Growing(Program(axes, parameters, exact, kind, state, same), rng, converts).grown(lines)


class _Growing:
    """A program, and what its variables hold at a few sizes."""

    def __init__(self, program: Program, rng: Random, converts: bool):
        self.program, self.rng, self.converts = program, rng, converts
        self.writes = rng.random() < 0.4
        self.sizes = [self._sizes(part) for part in (0.3, 0.6, 1.0)]
        self.names = [p.name for p in [*program.parameters, *program.state]]
        self._run_again()

    def grown(self, lines: int) -> Program:
        for _ in range(4 * lines):
            if len(self.program.lines) == lines:
                break
            self._add_line()
        self.program.returned = self._returned()
        return self.program

    def _returned(self) -> list[str]:
        """All that is computed, or only what nothing else is made of, and some of the rest: engines fuse what nobody
        sees in between."""
        computed = [name for name in self.names if name.startswith("t")]
        if self.rng.random() < 0.4:
            return computed or self.names[:1]
        uses = Counter(name for line in self.program.lines for name in set(re.findall(r"\bt\d+\b", line)))
        chosen = [name for name in computed if uses[name] < 2 or self.rng.random() < 0.1]
        return chosen or computed or self.names[:1]

    def _sizes(self, part: float) -> dict[str, int]:
        return {
            name: max(min(max(axis.low, 2) + round(part * (axis.high - max(axis.low, 2))) - i, axis.high), axis.low)
            for i, (name, axis) in enumerate(self.program.axes.items())
        }

    def _run_again(self) -> None:
        program = self.program
        self.states = [self._start(sizes, program.precision) for sizes in self.sizes]
        self.twins = [self._start(sizes, program.other_precision) for sizes in self.sizes]
        for line in program.lines:
            self._run(line)

    def _start(self, sizes: dict[str, int], precision: torch.dtype) -> dict[str, Any]:
        # Lines are made of finite values: what is NaN in a call hides what rounding does.
        kind = "plain" if self.program.values == "special" else self.program.values
        state = {**NAMESPACE, "FLOAT": precision}
        for parameter, tensor in zip(self.program.parameters, self.program.arguments(sizes, 0, kind), strict=True):
            state[parameter.name] = tensor.to(precision) if tensor.is_floating_point() else tensor
        for name, tensor in self.program._state().items():
            state[name] = tensor.to(precision)
        return state

    def _run(self, line: str) -> None:
        for state in self.states:
            exec(line, state)
        other = self.program.other_precision
        for twin in self.twins:
            in_default(other, lambda: exec(in_precision(line, other), twin))()  # noqa: B023  it is called at once

    def _variable(self, name: str) -> Variable:
        examples = [state[name] for state in self.states]
        twins = [twin[name] for twin in self.twins]
        same = all(torch.equal(a.double(), b.double()) for a, b in zip(examples, twins, strict=True))
        return Variable(name, examples, same)

    def _add_line(self) -> None:
        program = self.program
        variables = [self._variable(name) for name in self.names]
        target = f"t{len(program.lines)}"
        writes, has_special = self.writes or bool(program.state), program.values == "special"
        scope = Scope(self.rng, variables, target, writes, has_special, self.converts)
        line = random_lines.random_line(scope)
        if line is None:
            return
        try:
            self._run(line)
            kept = all(self._is_tame(state.get(name)) for state in self.states for name in [*self.names, scope.target])
        except EAGER_REFUSES:
            kept = False
        if not kept:
            self._run_again()
            return
        program.lines.append(line)
        if scope.target in self.states[0]:
            self.names.append(scope.target)

    def _is_tame(self, value: Any) -> bool:
        """Small enough in size and values, which are finite; a line that doesn't assign has no value."""
        if value is None:
            return True
        if not isinstance(value, torch.Tensor) or value.numel() > 20_000 or value.dim() > 5 or value.is_complex():
            return False
        wide = self.program.values == "wide" and not value.is_floating_point()
        return value.numel() == 0 or bool(value.double().abs().max() < (WIDE if wide else MAGNITUDE))
