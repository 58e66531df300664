"""A sample of PyTorch's databases of operators and modules: a model with arguments, traced and held against eager."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

import tracejet
from testing.compare import Arguments, assert_equal, outcome
from tracejet import Input

CHOICES_PER_SAMPLE = 10

SEED = 42


class Sample:
    """A model and the arguments that the database calls it with."""

    def __init__(
        self, model: nn.Module, args: Sequence[Any], kwargs: dict[str, Any], has_arbitrary_values: bool = False
    ):
        self.model = model
        leaves, self._spec = pytree.tree_flatten((tuple(args), kwargs))
        self._leaves = [leaf.detach() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        #: The values are whatever was in memory.
        self.has_arbitrary_values = has_arbitrary_values

    def dynamic_choices(self) -> list[Dynamic]:
        """What can be made dynamic: all axes of one size, which is what most operators require, or a single axis."""
        axes = [(i, axis) for i, t in self._tensors() if _can_be_dynamic(t) for axis in range(t.dim())]
        axes = [(i, axis) for i, axis in axes if self._leaves[i].shape[axis] > 1]
        sizes = sorted({self._leaves[i].shape[axis] for i, axis in axes})
        together = [[(i, axis) for i, axis in axes if self._leaves[i].shape[axis] == size] for size in sizes]
        alone = [[place] for place in axes]
        choices = [*together, *(choice for choice in alone if choice not in together)]
        return [Dynamic(frozenset(choice), self._leaves[choice[0][0]].shape[choice[0][1]]) for choice in choices]

    def inputs(self, dynamic: Dynamic | None = None) -> Arguments:
        """What is given to `trace`."""
        leaves = list(self._leaves)
        for i, t in self._tensors() if dynamic else ():
            leaves[i] = dynamic.declared(i, t)
        return pytree.tree_unflatten(leaves, self._spec)

    def arguments(self, dynamic: Dynamic | None = None, size: int = 0) -> Arguments:
        """The sample's arguments, with `size` elements on the dynamic axes."""
        leaves = list(self._leaves)
        for i, t in self._tensors():
            leaves[i] = t.clone() if dynamic is None else dynamic.resized(i, t, size)
        return pytree.tree_unflatten(leaves, self._spec)

    def eager(self, arguments: Arguments) -> dict[str, Any] | None:
        """None where eager refuses the call."""
        try:
            return outcome(copy.deepcopy(self.model), arguments, seed=SEED)
        except Exception:
            return None

    def _tensors(self) -> Iterator[tuple[int, torch.Tensor]]:
        return ((i, leaf) for i, leaf in enumerate(self._leaves) if isinstance(leaf, torch.Tensor))


@dataclass(frozen=True)
class Dynamic:
    """Axes, by tensor and axis, that have the same size and are to be one dynamic dimension."""

    axes: frozenset[tuple[int, int]]
    size: int
    least: int = 2

    def declared(self, tensor: int, t: torch.Tensor) -> Any:
        axes = [axis for axis in range(t.dim()) if (tensor, axis) in self.axes]
        if not axes:
            return t
        low, high = (
            [n if i not in axes else bound for i, n in enumerate(t.shape)] for bound in (self.least, self.size + 3)
        )
        shared = dict.fromkeys(axes, "n")
        return Input(min_shape=low, opt_shape=t.shape, max_shape=high, dtype=t.dtype, shared_dims=shared)

    def resized(self, tensor: int, t: torch.Tensor, size: int) -> torch.Tensor:
        """Repeats elements rather than make new ones: so indices stay in range, and probabilities likely."""
        for axis in range(t.dim()):
            if (tensor, axis) in self.axes:
                t = t.index_select(axis, torch.arange(size) % self.size)
        return t.clone()


def _can_be_dynamic(t: torch.Tensor) -> bool:
    return t.layout == torch.strided and t.is_contiguous() and not t.is_conj() and not t.is_neg()


@dataclass(frozen=True)
class Result:
    kind: str  #: "right", "refused" or "wrong"
    why: str = ""
    slow_calls: frozenset[str] = frozenset()  #: operators that Python had to answer for


def worst(results: Sequence[Result | None]) -> Result | None:
    order = ("wrong", "refused", "right")
    found = [result for result in results if result is not None]
    if not found:
        return None
    slow_calls = frozenset().union(*(result.slow_calls for result in found))
    return dataclasses.replace(min(found, key=lambda result: order.index(result.kind)), slow_calls=slow_calls)


def traced_with_any_dynamic_axis(samples: Sequence[Sample]) -> Result | None:
    """Right if nothing is wrong and there is a sample that can be traced with a dynamic axis: what the numbers of the
    others fix (`view(2, 3)`) has to be refused. None where none has an axis to be made dynamic."""
    results: list[Result] = []
    for sample in samples:
        for dynamic in sample.dynamic_choices()[:CHOICES_PER_SAMPLE]:
            result = traced(sample, dynamic)
            if result is not None:
                results.append(result)
            if any(result.kind == "right" for result in results):
                break  # no further choices for the others
    is_right = any(result.kind == "right" for result in results)
    return worst([result for result in results if not is_right or result.kind != "refused"])


def traced(sample: Sample, dynamic: Dynamic | None = None) -> Result | None:
    """What comes of tracing a sample; None where eager refuses it."""
    sizes = [0] if dynamic is None else [dynamic.size, dynamic.size + 1]
    expected = [sample.eager(sample.arguments(dynamic, size)) for size in sizes]
    if expected[0] is None:
        return None
    args, kwargs = sample.inputs(dynamic)
    try:
        program = tracejet.dynamo.trace(sample.model, arg_inputs=args, kwarg_inputs=kwargs)
    except tracejet.Error as error:
        kind = "wrong" if type(error) is tracejet.Error else "refused"
        return Result(kind, f"{type(error).__name__}: {error}")
    except Exception as error:
        return Result("wrong", f"an error that isn't tracejet's own: {type(error).__name__}: {error}")
    for size, want in zip(sizes, expected, strict=True):
        if want is None:
            continue
        try:
            got = outcome(copy.deepcopy(program.module()), sample.arguments(dynamic, size), seed=SEED)
        except Exception as error:
            is_asserted = "which this program relies on" in str(error)
            return Result("refused" if is_asserted else "wrong", f"the program fails: {type(error).__name__}: {error}")
        if sample.has_arbitrary_values or draws_random_numbers(program):
            want, got = (pytree.tree_map_only(torch.Tensor, torch.zeros_like, tree) for tree in (want, got))
        try:
            assert_equal(without_sizes(want), without_sizes(got), tolerance=1e-3)
        except AssertionError as difference:
            return Result("wrong", str(difference))
    return Result("right", slow_calls=frozenset(program.slow_calls))


def draws_random_numbers(program: torch.export.ExportedProgram) -> bool:
    """They are drawn in another order, or by another operator, than eager does."""
    targets = [node.target for node in program.graph.nodes if node.op == "call_function"]
    return any(torch.Tag.nondeterministic_seeded in getattr(target, "tags", ()) for target in targets)


def without_sizes(tree: Any) -> Any:
    """A torch.Size is a tuple to programs."""
    if isinstance(tree, dict):
        return {key: without_sizes(value) for key, value in tree.items()}
    if isinstance(tree, torch.Size) or type(tree) is tuple:
        return tuple(without_sizes(value) for value in tree)
    return [without_sizes(value) for value in tree] if type(tree) is list else tree
