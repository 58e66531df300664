"""Calls of PyTorch's operators, from its own database of samples, and what comes of tracing them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.testing._internal import common_methods_invocations
from torch.testing._internal.opinfo.core import OpInfo, SampleInput
from torch.utils import _pytree as pytree

import tracejet
from tests.support.compare import assert_equal, outcome
from tracejet import Input

SAMPLES_PER_DTYPE = 5
SAMPLES_LOOKED_AT = 40
CHOICES_PER_CALL = 10

SEED = 42

#: The database seeds its random operators inside of what is traced, which is refused; here, the caller does.
common_methods_invocations.wrapper_set_seed = lambda op, *args, **kwargs: op(*args, **kwargs)

#: Kernels that read or write where their pivots or offsets say, wherever that is: so these can't be made up.
TRUSTS_ITS_INDICES = ("lu_unpack", "lu_solve", "linalg_lu_solve", "linalg_ldl_solve", "nn_functional_embedding_bag")

#: The values are whatever was in memory.
UNINITIALIZED = ("empty", "new_empty", "resize_")


class Call(nn.Module):
    """One operator; what isn't a tensor is part of the module."""

    def __init__(self, op: OpInfo, sample: SampleInput):
        super().__init__()
        self.op = op.op
        leaves, self.spec = pytree.tree_flatten(((sample.input, *sample.args), sample.kwargs))
        self.constants = {i: leaf for i, leaf in enumerate(leaves) if not isinstance(leaf, torch.Tensor)}
        self.tensors = [leaf.detach() for leaf in leaves if isinstance(leaf, torch.Tensor)]

    def forward(self, *tensors: torch.Tensor) -> Any:
        remaining = iter(tensors)
        count = len(self.constants) + len(tensors)
        leaves = [self.constants[i] if i in self.constants else next(remaining) for i in range(count)]
        args, kwargs = pytree.tree_unflatten(leaves, self.spec)
        return self.op(*args, **kwargs)

    def dynamic_choices(self) -> list[Dynamic]:
        """What can be made dynamic: all axes of one size, which is what most operators require, or a single axis."""
        axes = [(i, axis) for i, t in enumerate(self.tensors) if _can_be_dynamic(t) for axis in range(t.dim())]
        axes = [(i, axis) for i, axis in axes if self.tensors[i].shape[axis] > 1]
        sizes = sorted({self.tensors[i].shape[axis] for i, axis in axes})
        together = [[(i, axis) for i, axis in axes if self.tensors[i].shape[axis] == size] for size in sizes]
        alone = [[place] for place in axes]
        choices = [*together, *(choice for choice in alone if choice not in together)]
        return [Dynamic(frozenset(choice), self.tensors[choice[0][0]].shape[choice[0][1]]) for choice in choices]

    def inputs(self, dynamic: Dynamic | None = None) -> list[Any]:
        return [t if dynamic is None else dynamic.declared(i, t) for i, t in enumerate(self.tensors)]

    def arguments(self, dynamic: Dynamic | None = None, size: int = 0) -> tuple[torch.Tensor, ...]:
        """The sample's tensors, with `size` elements on the dynamic axes."""
        return tuple(t.clone() if dynamic is None else dynamic.resized(i, t, size) for i, t in enumerate(self.tensors))


@dataclass(frozen=True)
class Dynamic:
    """Axes, by tensor and axis, that have the same size and are to be one dynamic dimension."""

    axes: frozenset[tuple[int, int]]
    size: int

    def declared(self, tensor: int, t: torch.Tensor) -> Any:
        axes = [axis for axis in range(t.dim()) if (tensor, axis) in self.axes]
        if not axes:
            return t
        low, high = ([n if i not in axes else bound for i, n in enumerate(t.shape)] for bound in (2, self.size + 3))
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


def dtypes_of(op: OpInfo) -> list[torch.dtype]:
    """float32, and an integer or complex one."""
    preferred = [[torch.float32, torch.float64], [torch.int64, torch.bool, torch.complex64]]
    found = [next((d for d in group if op.supports_dtype(d, "cpu")), None) for group in preferred]
    return [d for d in found if d is not None] or list(op.dtypes)[:1]


def calls(op: OpInfo, dtype: torch.dtype) -> list[Call]:
    """Some of the operator's samples, spread over the first ones."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        samples = list(itertools.islice(op.sample_inputs("cpu", dtype), SAMPLES_LOOKED_AT))
    return [Call(op, sample) for sample in samples[:: max(1, len(samples) // SAMPLES_PER_DTYPE)]]


@dataclass(frozen=True)
class Result:
    kind: str  #: "right", "refused" or "wrong"
    why: str = ""


def traced_statically(op: OpInfo) -> Result | None:
    """Of all of the operator's calls the worst; None where there is none that eager accepts."""
    results = [_trace(op, call) for dtype in dtypes_of(op) for call in calls(op, dtype)]
    return _worst([result for result in results if result is not None])


def traced_dynamically(op: OpInfo) -> Result | None:
    """Right if nothing is wrong and there is a call of every dtype that can be traced with a dynamic axis: what the
    sample's numbers fix (`view(2, 3)`) has to be refused. None where no call has an axis to be made dynamic."""
    if op.formatted_name in TRUSTS_ITS_INDICES:
        return None
    return _worst([result for dtype in dtypes_of(op) for result in _dynamic_results(op, dtype)])


def _dynamic_results(op: OpInfo, dtype: torch.dtype) -> list[Result]:
    """Of every call until one can be traced; further choices are not made for the others."""
    results: list[Result] = []
    for call in calls(op, dtype):
        for dynamic in call.dynamic_choices()[:CHOICES_PER_CALL]:
            result = _trace(op, call, dynamic)
            if result is not None:
                results.append(result)
            if any(result.kind == "right" for result in results):
                break
    is_right = any(result.kind == "right" for result in results)
    return [result for result in results if not is_right or result.kind != "refused"]


def _worst(results: list[Result]) -> Result | None:
    order = ("wrong", "refused", "right")
    return min(results, key=lambda result: order.index(result.kind), default=None)


def _trace(op: OpInfo, call: Call, dynamic: Dynamic | None = None) -> Result | None:
    """None where eager refuses the sample itself."""
    sizes = [0] if dynamic is None else [dynamic.size, dynamic.size + 1]
    expected = [_eager(call, call.arguments(dynamic, size)) for size in sizes]
    if expected[0] is None:
        return None
    try:
        program = tracejet.dynamo.trace(call, arg_inputs=call.inputs(dynamic))
    except tracejet.Error as error:
        kind = "wrong" if type(error) is tracejet.Error else "refused"
        return Result(kind, f"{type(error).__name__}: {error}")
    except Exception as error:
        return Result("wrong", f"an error that isn't tracejet's own: {type(error).__name__}: {error}")
    for size, want in zip(sizes, expected, strict=True):
        if want is None:
            continue
        try:
            got = outcome(program.module(), (call.arguments(dynamic, size), {}), seed=SEED)
        except Exception as error:
            is_asserted = "which this program relies on" in str(error)
            return Result("refused" if is_asserted else "wrong", f"the program fails: {type(error).__name__}: {error}")
        if _has_arbitrary_values(op, program):
            want, got = (pytree.tree_map_only(torch.Tensor, torch.zeros_like, tree) for tree in (want, got))
        try:
            assert_equal(_without_sizes(want), _without_sizes(got), tolerance=1e-3)
        except AssertionError as difference:
            return Result("wrong", str(difference))
    return Result("right")


def _eager(call: Call, args: tuple[torch.Tensor, ...]) -> dict[str, Any] | None:
    try:
        return outcome(call, (args, {}), seed=SEED)
    except Exception:
        return None


def _has_arbitrary_values(op: OpInfo, program: torch.export.ExportedProgram) -> bool:
    """Random numbers are drawn in another order, or by another operator, than eager does."""
    targets = [node.target for node in program.graph.nodes if node.op == "call_function"]
    is_random = any(torch.Tag.nondeterministic_seeded in getattr(target, "tags", ()) for target in targets)
    return is_random or op.name.startswith(UNINITIALIZED)


def _without_sizes(tree: Any) -> Any:
    """A torch.Size is a tuple to programs."""
    if isinstance(tree, dict):
        return {key: _without_sizes(value) for key, value in tree.items()}
    if isinstance(tree, torch.Size) or type(tree) is tuple:
        return tuple(_without_sizes(value) for value in tree)
    return [_without_sizes(value) for value in tree] if type(tree) is list else tree
