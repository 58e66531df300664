"""torch.cond, while_loop, scan, map and associative_scan during a trace: recorded with the code that they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet.patches.refcounted_patch import RefcountedPatch, patched_attribute
from tracejet.patches.triton import call_wrapped_kernel

Tensors = Sequence[torch.Tensor]


def _as_tensor(leaf: Any) -> torch.Tensor:
    """A leaf of a result as the core takes it: integers travel as tensors."""
    if isinstance(leaf, torch.Tensor):
        return leaf
    if isinstance(leaf, (bool, torch.SymBool)):
        return torch.full((), torch.sym_ite(leaf, 1, 0)) != 0
    if isinstance(leaf, (int, torch.SymInt)):
        return torch.full((), leaf, dtype=torch.int64)
    raise _C.UnsupportedOperator(
        f"control flow is to carry or return a {type(leaf).__name__}; return tensors (or integers) from its functions",
        _C.ErrorCode.CONTROL_FLOW,
    )


def _is_integer(leaf: Any) -> bool:
    return isinstance(leaf, (int, torch.SymInt)) and not isinstance(leaf, bool)


class _Code:
    """A function of the model as the core runs it, tensors in and tensors out; knows what the result looked like."""

    def __init__(self, function: Callable[..., Any], example: Sequence[Any], spec: pytree.TreeSpec | None = None):
        """`example`: the leaves of the arguments. Tensors among them stand for the ones to come, as integers do where
        they are carried; anything else is passed on."""
        self._function = function
        self._example = example
        self._spec = spec
        self._result: tuple[pytree.TreeSpec, list[bool]] | None = None

    def __call__(self, tensors: Tensors) -> list[torch.Tensor]:
        following = iter(tensors)
        leaves = [self._argument(leaf, following) for leaf in self._example]
        arguments = leaves if self._spec is None else pytree.tree_unflatten(leaves, self._spec)
        results, spec = pytree.tree_flatten(self._function(*arguments))
        self._result = spec, [_is_integer(leaf) for leaf in results]
        return [_as_tensor(leaf) for leaf in results]

    def _argument(self, leaf: Any, following: Iterator[torch.Tensor]) -> Any:
        return next(following) if isinstance(leaf, torch.Tensor) else leaf

    def like_result(self, tensors: Iterable[torch.Tensor]) -> Any:
        """`tensors` in the form in which the function returned its own."""
        if self._result is None:
            raise _C.Error("the code of a control flow operator was not run", _C.ErrorCode.INTERNAL_ERROR)
        spec, integers = self._result
        leaves = [tensor.item() if integer else tensor for tensor, integer in zip(tensors, integers, strict=True)]
        return pytree.tree_unflatten(leaves, spec)

    @property
    def result_spec(self) -> pytree.TreeSpec | None:
        return None if self._result is None else self._result[0]


class _CarryingCode(_Code):
    """As _Code, where integers are carried from run to run."""

    def _argument(self, leaf: Any, following: Iterator[torch.Tensor]) -> Any:
        return next(following).item() if _is_integer(leaf) else super()._argument(leaf, following)


def _tensors(leaves: Iterable[Any]) -> list[torch.Tensor]:
    return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]


def _cond(tracer: _C.Tracer, pred: Any, true_fn: Callable, false_fn: Callable, operands: Sequence[Any] = ()) -> Any:
    if isinstance(pred, (bool, int, float)):
        return true_fn(*operands) if pred else false_fn(*operands)
    leaves, spec = pytree.tree_flatten(operands)
    then, otherwise = _Code(true_fn, leaves, spec), _Code(false_fn, leaves, spec)
    results = _C.control_flow.cond(tracer, pred, then, otherwise, _tensors(leaves))
    if then.result_spec is None or otherwise.result_spec is None:  # the predicate is known
        return (otherwise if then.result_spec is None else then).like_result(results)
    if then.result_spec != otherwise.result_spec:
        raise _C.InvalidInput(
            f"torch.cond: one branch returns {then.result_spec}, the other {otherwise.result_spec}; they must be alike"
        )
    return then.like_result(results)


def _while_loop(
    tracer: _C.Tracer, cond_fn: Callable, body_fn: Callable, carried: Sequence[Any], additional: Sequence[Any] = ()
) -> Any:
    condition = _CarryingCode(lambda *state: cond_fn(*state, *additional), carried)
    body = _CarryingCode(lambda *state: body_fn(*state, *additional), carried)
    results = _C.control_flow.while_loop(tracer, condition, body, [_as_tensor(leaf) for leaf in carried])
    return body.like_result(results)


def _scan(
    tracer: _C.Tracer, combine_fn: Callable, init: Sequence[Any], xs: Sequence[Any], additional_inputs: Any = ()
) -> Any:
    combine = _Code(lambda *slices: combine_fn(*slices, *additional_inputs), [*init, *xs])
    return combine.like_result(_C.control_flow.scan(tracer, combine, list(init), list(xs)))


def _map(tracer: _C.Tracer, function: Callable, xs: Sequence[Any], operands: Sequence[Any] = ()) -> Any:
    body = _Code(function, [*xs, *operands])
    return body.like_result(_C.control_flow.map(tracer, body, list(xs), _tensors(operands)))


def _associative_scan(
    tracer: _C.Tracer, combine_fn: Callable, xs: Sequence[Any], additional_inputs: Sequence[Any] = ()
) -> Any:
    combine = _Code(lambda *slices: combine_fn(*slices, *additional_inputs), [*xs, *xs])
    return combine.like_result(_C.control_flow.associative_scan(tracer, combine, list(xs)))


def _triton_kernel(tracer: _C.Tracer, *, kernel_idx: int, kwargs: dict[str, Any], **launch: Any) -> None:
    call_wrapped_kernel(kernel_idx, kwargs)


#: By the name of an operator in torch.ops.higher_order: what records a call of it.
_RECORDED: dict[str, Callable[..., Any]] = {
    "associative_scan": _associative_scan,
    "cond": _cond,
    "map_impl": _map,
    "scan": _scan,
    "triton_kernel_wrapper_mutation": _triton_kernel,
    "while_loop": _while_loop,
}


def _recording(own_call: Callable[..., Any]) -> Callable[..., Any]:
    """What records a call of an operator during a trace, and is the operator's own call otherwise."""

    def call(operator: Any, /, *args: Any, **kwargs: Any) -> Any:
        tracer = _C.Tracer.current()
        if tracer is None:
            return own_call(operator, *args, **kwargs)
        record = _RECORDED.get(operator.name())
        if record is None:
            raise _C.UnsupportedOperator(
                f"[higher_order::{operator.name()}] can't be captured yet", _C.ErrorCode.CONTROL_FLOW
            )
        return record(tracer, *args, **kwargs)

    return call


def _without_compiler(compile_and_call: Callable[..., Any]) -> Callable[..., Any]:
    """PyTorch has TorchDynamo find out what the functions of control flow take from outside; a trace sees that."""

    def call(function: Callable[..., Any], args: Sequence[Any], kwargs: Any = None) -> Any:
        if _C.Tracer.current() is None:
            return compile_and_call(function, args, kwargs)
        return function(*args, **(kwargs or {}))

    return call


def _compilers() -> list[tuple[Any, str]]:
    """Where torch.cond and its like hand their work to TorchDynamo: a module and the name of a function."""
    from torch._higher_order_ops import utils

    return [(utils, "_hop_compile_and_call")] if hasattr(utils, "_hop_compile_and_call") else []


#: `cond` refuses nested operands before it calls what all have: PyTorch leaves it to TorchDynamo to flatten them.
_OPERATORS = (torch._ops.HigherOrderOperator, type(torch.ops.higher_order.cond))

#: On during a trace; calls of other threads go their usual way.
CONTROL_FLOW_PATCHES: tuple[RefcountedPatch, ...] = (
    *(patched_attribute(owner, "__call__", _recording(owner.__call__)) for owner in _OPERATORS),
    *(patched_attribute(owner, name, _without_compiler(getattr(owner, name))) for owner, name in _compilers()),
)
