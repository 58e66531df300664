"""Lines of random programs: templates turn the variables that there are into lines of Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch.nn import functional

#: What programs can refer to, besides FLOAT, the type they compute in. A model's weights are one of them.
NAMESPACE: dict[str, Any] = {"torch": torch, "F": functional, "WEIGHTS": torch.linspace(-1, 1, 400)}


@dataclass(frozen=True)
class Variable:
    """A tensor of the program, as it is at a few choices of sizes."""

    name: str
    examples: list[torch.Tensor]
    is_exact: bool = True  #: whether its values are free of rounding, so that a comparison doesn't depend on it

    def __str__(self) -> str:
        return self.name

    @property
    def rank(self) -> int:
        return self.examples[0].dim()

    @property
    def dtype(self) -> torch.dtype:
        return self.examples[0].dtype

    def sizes(self, axis: int) -> tuple[int, ...]:
        return tuple(example.shape[axis] for example in self.examples)

    @property
    def shape(self) -> list[tuple[int, ...]]:
        return [self.sizes(axis) for axis in range(self.rank)]

    def is_fixed(self, axis: int) -> bool:
        return len(set(self.sizes(axis))) == 1

    def least(self, axis: int) -> int:
        return min(self.sizes(axis))

    def size(self, axis: int) -> str:
        return str(self.least(axis)) if self.is_fixed(axis) else f"{self}.shape[{axis}]"

    @property
    def is_float(self) -> bool:
        return self.dtype.is_floating_point

    @property
    def is_integer(self) -> bool:
        return not self.is_float and self.dtype is not torch.bool


@dataclass(frozen=True)
class Scope:
    """What a template chooses from."""

    rng: Random
    variables: list[Variable]
    target: str
    writes: bool  #: whether the program writes to tensors in place
    has_special: bool = False  #: whether arguments may hold NaN and infinities
    converts: bool = False  #: whether operators that ONNX conversions lack should be rare

    def any(self, fits: Callable[[Variable], bool] = lambda _: True) -> Variable:
        """One of the variables that fit; the latest are the likeliest. Raises NothingFits."""
        found = [v for v in self.variables if fits(v)]
        if not found:
            raise NothingFits
        return found[-1] if self.rng.random() < 0.5 else self.rng.choice(found)

    def float(self, rank: int = 0, most: int = 9) -> Variable:
        return self.any(lambda v: v.is_float and rank <= v.rank <= most)

    def number(self, rank: int = 0) -> Variable:
        return self.any(lambda v: v.dtype is not torch.bool and v.rank >= rank)

    def exact(self, rank: int = 0) -> Variable:
        return self.any(lambda v: v.is_exact and v.dtype is not torch.bool and v.rank >= rank)

    def axis(self, v: Variable, fits: Callable[[int], bool] = lambda _: True) -> int:
        found = [axis for axis in range(v.rank) if fits(axis)]
        if not found:
            raise NothingFits
        return self.rng.choice(found)

    def signed_axis(self, v: Variable) -> int:
        axis = self.axis(v)
        return axis if self.rng.random() < 0.5 else axis - v.rank

    def axes(self, v: Variable) -> list[int]:
        return sorted(self.rng.sample(range(v.rank), self.rng.randint(1, max(v.rank, 1))) if v.rank else [])

    def order(self, v: Variable) -> list[int]:
        return self.rng.sample(range(v.rank), v.rank)

    def broadcastable(self, v: Variable, fits: Callable[[Variable], bool] = lambda _: True) -> Variable:
        def goes(other: Variable) -> bool:
            return all(a == b or 1 in (*a, *b) for a, b in zip(reversed(v.shape), reversed(other.shape)))

        return self.any(lambda other: fits(other) and goes(other))

    def same_shape(self, v: Variable) -> Variable:
        return self.any(lambda other: other.shape == v.shape and other.dtype == v.dtype)

    def size_of_any(self) -> str:
        v = self.any(lambda v: v.rank > 0)
        return f"{v}.shape[{self.axis(v)}]"

    def choice(self, *options: Any) -> Any:
        return self.rng.choice(options)

    def rarely(self) -> bool:
        return self.rng.random() < 0.2


class NothingFits(Exception):
    """The template needs a variable that the program hasn't got."""


Template = Callable[[Scope], list[str]]
TEMPLATES: list[tuple[int, Template]] = []


def template(weight: int) -> Callable[[Template], Template]:
    """Registers a function that gives all the lines of its kind that come into question, of which one is drawn."""

    def register(function: Template) -> Template:
        TEMPLATES.append((weight, function))
        return function

    return register


def random_line(scope: Scope) -> str | None:
    """A statement; what is no statement yet is assigned to the next variable."""
    weights, templates = zip(*TEMPLATES)
    try:
        found = scope.rng.choices(templates, weights)[0](scope)
    except NothingFits:
        return None
    found = [line for line in found if not (WRITES if not scope.writes else MAY_COPY).search(line)]
    if scope.has_special:
        found = [line for line in found if not UNDEFINED_OF_NAN.search(line)]
    if scope.converts and scope.rng.random() < 0.97:
        found = [line for line in found if not UNCONVERTED.search(line)]
    if not found:
        return None
    line = scope.rng.choice(found)
    return line if is_statement(line) else f"{scope.target} = {line}"


def is_statement(line: str) -> bool:
    return WRITES.search(line) is not None


#: An assignment, or a call whose name ends in an underscore.
WRITES = re.compile(r"[a-z]_\(| [-+*]?= ")

#: What C++ leaves open where a value is NaN or infinite.
UNDEFINED_OF_NAN = re.compile(r"\.long\(|\.int\(|torch\.u?int\d+\)|\.to\(x|bucketize|searchsorted")

#: What becomes of an operator without a conversion is known.
UNCONVERTED = re.compile(
    r"bucketize|searchsorted|cdist|cumprod|logcumsumexp|cummax|cummin|kthvalue|median|lgamma|signbit|renorm|"
    r"batch_norm|instance_norm|adaptive_\w+_pool|copysign|heaviside"
)

#: What copies or doesn't, as the sizes are: a later write would be seen through the one and not through the other.
MAY_COPY = re.compile(
    r"\.(contiguous|reshape|flatten|unflatten|float|double|to|long)\(|diag\(|F\.|einsum|broadcast|expand_as"
)
