"""Runs a program in eager PyTorch as if it had been rounded otherwise (Monte Carlo arithmetic): where eager then gives
what an engine gives, rounding decides, and not the engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch._decomp import get_decompositions
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from tests.support.random_programs import EAGER_REFUSES

aten = torch.ops.aten
#: Those that read between elements: a place that is whole in one kernel is just beside it in another.
BETWEEN_ELEMENTS = (
    aten.upsample_linear1d,
    aten.upsample_bilinear2d,
    aten.upsample_trilinear3d,
    aten.upsample_bicubic2d,
    aten.grid_sampler_2d,
)
#: Kernels that do in one go what PyTorch's own references say in several steps, each of which rounds.
FUSED = (
    *BETWEEN_ELEMENTS,
    aten.native_group_norm,
    aten.native_layer_norm,
    aten.native_batch_norm,
    aten._native_batch_norm_legit,
    aten._native_batch_norm_legit_no_training,
    aten._softmax,
    aten._log_softmax,
    aten.addmm,
    aten.baddbmm,
    aten.addcdiv,
    aten.addcmul,
    aten._scaled_dot_product_flash_attention_for_cpu,
)
#: Weighted sums that come out as one of what they sum where its weight is all but 1, and as well beside it.
NEARLY_PICKED = (aten._scaled_dot_product_flash_attention_for_cpu,)


def _norm(x: torch.Tensor, order: float = 2, axes: Any = None, keepdim: bool = False, **dtype: Any) -> torch.Tensor:
    """By powers, which overflow where the norm itself doesn't: PyTorch's kernel spares a single element that."""
    if order == 0 or order in (torch.inf, -torch.inf):
        return torch.linalg.vector_norm(x, order, axes, keepdim, **dtype)
    powers = x.abs().pow(order).sum(list(range(x.dim())) if axes is None else axes, keepdim, **dtype)
    return powers.pow(1 / order)


def _renorm(x: torch.Tensor, order: float, axis: int, longest: float) -> torch.Tensor:
    norm = _norm(x, order, [other for other in range(x.dim()) if other != axis % x.dim()], keepdim=True)
    return x * torch.where(norm > longest, longest / (norm + 1e-7), 1.0)


def _var_mean(x: torch.Tensor, axes: Any = None, *, correction: float | None = None, keepdim: bool = False) -> Any:
    axes = axes or list(range(x.dim()))
    mean = x.mean(axes, keepdim=True)
    count = x.numel() // max(mean.numel(), 1)
    squares = ((x - mean) ** 2).sum(axes, keepdim=keepdim)
    variance = squares / max(count - (1 if correction is None else correction), 0)
    return variance, mean if keepdim else mean.squeeze(axes)


def _var_mean_dim(x: torch.Tensor, axes: Any, unbiased: bool = True, keepdim: bool = False) -> Any:
    return _var_mean(x, axes, correction=float(unbiased), keepdim=keepdim)


def _var(x: torch.Tensor, axes: Any = None, **options: Any) -> torch.Tensor:
    return _var_mean(x, axes, **options)[0]


def _std(x: torch.Tensor, axes: Any = None, **options: Any) -> torch.Tensor:
    return _var(x, axes, **options).sqrt()


def _lerp(start: torch.Tensor, end: torch.Tensor, weight: Any) -> torch.Tensor:
    return start + weight * (end - start)


def _nansum(x: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
    return torch.where(x.isnan(), 0, x).sum(*args, **options)


#: The same of kernels whose references in PyTorch take as few steps, or steps that no reference names.
IN_STEPS: dict[Any, Callable[..., Any]] = {
    aten.linalg_vector_norm.default: _norm,
    aten.renorm.default: _renorm,
    aten.var_mean.correction: _var_mean,
    aten.var_mean.dim: _var_mean_dim,
    aten.var.correction: _var,
    aten.std.correction: _std,
    aten.lerp.Scalar: _lerp,
    aten.lerp.Tensor: _lerp,
    aten.nansum.default: _nansum,
}
#: Kernels that norm a row may add in float64, where squares of what is beyond 1.8e19 don't overflow.
NORMS = (aten.native_group_norm.default, aten.native_layer_norm.default, aten.native_batch_norm.default)
#: Where products have the axis that they sum over: an order of its own decides which sum overflows first.
SUMMED_AXES = {aten.mm.default: (1, 0), aten.bmm.default: (2, 1), aten.mv.default: (1, 0), aten.dot.default: (0, 0)}
#: Reductions that leave open in which order they add or multiply: one order overflows where another doesn't.
REDUCTIONS = {
    getattr(packet, overload): packet
    for packet, overloads in {
        aten.sum: ("default", "dim_IntList"),
        aten.mean: ("default", "dim"),
        aten.prod: ("default", "dim_int"),
    }.items()
    for overload in overloads
}
#: Weighted sums, whose weights are positive as a rule: what is left where terms cancel may as well be 0.
SUMS = (*BETWEEN_ELEMENTS, aten.sum, aten.mean, aten.add, aten.sub)
#: Sums of many terms: where they cancel to 0 in one order, their rounding is left over in another.
CANCELLING = (
    *SUMMED_AXES,
    *(kernel for kernel, packet in REDUCTIONS.items() if packet in (aten.sum, aten.mean)),
)
#: Operators that read the sign of an operand, by its place. IEEE 754 leaves open which sign a NaN has that is computed.
SIGNS_READ = {aten.signbit.default: 0, aten.copysign.Tensor: 1}
#: IEEE 754 says what these give: where others differ, they need not.
CORRECTLY_ROUNDED = (aten.add, aten.sub, aten.mul, aten.div, aten.sqrt, aten.reciprocal)
#: Casts of floats. What the dtype can't hold, NaN too, becomes any integer: here the smallest of 32 bits.
CASTS = (aten._to_copy.default,)
DRAWS = 16


class RoundedOtherwise(TorchDispatchMode):
    """Moves what an operator computes by an ulp, up or down. What is exact stays: whole numbers, and what an operator
    only picks from its operands. Equal results of one operator stay equal. What is written into is read before: where
    it overlaps with what is read, PyTorch leaves the order open."""

    def __init__(self, draw: int, in_steps: bool):
        super().__init__()
        self.draw, self.count = draw, 0
        self.is_between_elements = False
        self.steps: dict[Any, Callable[..., Any]] = {**get_decompositions(FUSED), **IN_STEPS} if in_steps else {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in self.steps:
            self.is_between_elements = func.overloadpacket in BETWEEN_ELEMENTS
            try:
                with self:
                    return self.steps[func](*args, **kwargs)
            finally:
                self.is_between_elements = False
        self.count += 1
        if any(argument.is_write for argument in func._schema.arguments[:1]):
            args = (args[0], *pytree.tree_map_only(torch.Tensor, torch.Tensor.clone, args[1:]))
        if func in SIGNS_READ and self.draw % 2 == 1:
            args = _with_other_nans(args, SIGNS_READ[func])
        taken = [leaf.clone() for leaf in pytree.tree_leaves((args, kwargs)) if _is_float(leaf)]
        if func in SUMMED_AXES:
            result = _product(func, args, self.draw)
        elif func in NORMS and self.draw == 1:
            result = pytree.tree_map_only(torch.Tensor, torch.Tensor.float, func(*_doubled(args), **_doubled(kwargs)))
        elif func in NORMS and self.draw == 2:
            result = _by_moments(func(*args, **kwargs), args[0])
        elif func in REDUCTIONS and _is_float(args[0]):
            result = _reduction(func, args, kwargs, self.draw)
        else:
            result = func(*args, **kwargs)
        if func.overloadpacket in SUMS and self.draw == 3 and isinstance(result, torch.Tensor) and _is_float(result):
            result = _cancelled(result, func, args, kwargs)
        if func in CANCELLING and self.draw == 5 and _is_float(result):
            result = _left_over(result, func, args, kwargs)
        if func in CASTS and self.draw % 2 == 1 and _is_float(args[0]) and result.dtype is torch.int64:
            result = torch.where(args[0].abs() < 2.0**63, result, -(2**31))
        aliases = [returned.alias_info for returned in func._schema.returns]
        if any(alias is not None and not alias.is_write for alias in aliases):
            return result
        if func.overloadpacket in CORRECTLY_ROUNDED and self.draw % 4 == 2:
            return result
        for tensor in filter(_is_float, pytree.tree_leaves(result)):
            if func.overloadpacket in NEARLY_PICKED:
                stays = torch.rand(tensor.shape, generator=torch.Generator().manual_seed(self.draw)) < 0.5
                tensor.copy_(torch.where(stays, tensor, self.moved(tensor)))
            elif not _is_picked(tensor, taken):
                # A sum of numbers that aren't whole is whole by chance.
                is_open = self.draw % 4 == 3 and (func in REDUCTIONS or func in SUMMED_AXES or func in IN_STEPS)
                is_chance = is_open and not all(bool((x == x.trunc()).all()) for x in taken)
                tensor.copy_(self.moved(tensor, is_chance))
        return result

    def moved(self, tensor: torch.Tensor, moves_whole: bool = False) -> torch.Tensor:
        bits = tensor.contiguous().view(torch.int32 if tensor.dtype is torch.float32 else torch.int64).long()
        # Any hash will do that depends on the number, the operator and the draw.
        seed = (self.draw * 7919 + self.count) * 40503
        hashed = ((bits + seed) * 2654435761) ^ (bits >> 7)
        sign = torch.where((hashed >> 15) & 1 == 1, 1.0, -1.0)
        stays = ~tensor.isfinite()
        if not self.is_between_elements and not moves_whole:
            stays |= tensor == tensor.trunc()
        limits = torch.finfo(tensor.dtype)
        moved = tensor * (1 + limits.eps * sign).to(tensor.dtype)
        subnormal = tensor.abs() < limits.tiny
        moved = torch.where(subnormal, torch.nextafter(tensor, (sign * torch.inf).to(tensor.dtype)), moved)
        return torch.where(stays, tensor, moved)


def _by_moments(norms: Any, x: torch.Tensor) -> Any:
    """NaN where the squares overflow: a mean of squares less the square of a mean is infinity less infinity."""
    if not bool((x.isfinite() & (x * x).isinf()).any()):
        return norms
    return pytree.tree_map_only(torch.Tensor, lambda norm: torch.full_like(norm, torch.nan), norms)


def _product(func: Any, args: Any, draw: int) -> torch.Tensor:
    """A product that sums in another order: in one draw without rounding, in every other by fused multiply-adds, which
    overflow in sums only."""
    if draw == 0:
        return func(*args)
    if draw == 1:
        return func(*(arg.double() for arg in args)).to(args[0].dtype)
    axes = SUMMED_AXES[func]
    order = torch.randperm(args[0].shape[axes[0]], generator=torch.Generator().manual_seed(draw))
    left, right = (arg.index_select(axis, order) for arg, axis in zip(args, axes, strict=True))
    result = func(left, right)
    if draw % 2 == 0 or result.dtype is not torch.float32:
        return result
    result.zero_()
    for k in range(len(order)):
        pair = (x.narrow(axis, k, 1).double() for x, axis in zip((left, right), axes, strict=True))
        result.copy_(result.double() + func(*pair))
    return result


def _reduction(func: Any, args: Any, kwargs: Any, draw: int) -> torch.Tensor:
    """A reduction in as many parts as vectors have lanes: of each so many elements one, in their order or another."""
    operand, *rest = args
    if operand.dim() == 0 or draw == 0:
        return func(*args, **kwargs)
    named = rest[0] if rest else None
    axes = [named] if isinstance(named, int) else list(named or range(operand.dim()))
    axes = [axis % operand.dim() for axis in axes]
    flat = operand.movedim(axes, list(range(-len(axes), 0))).flatten(-len(axes))
    if flat.shape[-1] == 0:
        return func(*args, **kwargs)
    if draw % 2:
        flat = flat[..., torch.randperm(flat.shape[-1], generator=torch.Generator().manual_seed(draw))]
    lanes = min(2 ** (draw // 2), flat.shape[-1])
    is_product = REDUCTIONS[func] is aten.prod
    if draw == DRAWS - 2:  # from the first to the last
        reduced = functools.reduce(aten.mul.Tensor if is_product else aten.add.Tensor, flat.unbind(-1))
    else:
        one_by_one, axis = (aten.prod.dim_int, -1) if is_product else (aten.sum.dim_IntList, [-1])
        parts = [one_by_one(flat[..., lane::lanes], axis) for lane in range(lanes)]
        reduced = one_by_one(torch.stack(parts, -1), axis)
    if REDUCTIONS[func] is aten.mean:
        count = torch.full((), flat.shape[-1], dtype=reduced.dtype)
        reduced = reduced * count.reciprocal() if draw % 3 == 1 else reduced / count
    return reduced.to(kwargs.get("dtype") or operand.dtype).reshape(func(*args, **kwargs).shape)


def _cancelled(result: torch.Tensor, func: Any, args: Any, kwargs: Any) -> torch.Tensor:
    """With 0 where no more is left of the terms than their rounding."""
    terms = pytree.tree_map_only(torch.Tensor, torch.Tensor.abs, args)
    size = (aten.add.Tensor if func is aten.sub.Tensor else func)(*terms, **kwargs)
    return torch.where(result.abs() <= 4 * torch.finfo(result.dtype).eps * size, 0.0, result)


def _left_over(result: torch.Tensor, func: Any, args: Any, kwargs: Any) -> torch.Tensor:
    """With an ulp of the terms where they cancel to 0, unless they are whole numbers, whose sums aren't rounded."""
    operands = [arg for arg in args if _is_float(arg)]
    if not operands or all(bool((operand == operand.trunc()).all()) for operand in operands):
        return result
    size = func(*pytree.tree_map_only(torch.Tensor, torch.Tensor.abs, args), **kwargs)
    return torch.where((result == 0) & (size > 0), torch.finfo(result.dtype).eps * size, result)


def _with_other_nans(args: Any, place: int) -> tuple[Any, ...]:
    read = args[place]
    return (*args[:place], torch.where(read.isnan(), -read, read), *args[place + 1 :])


def _doubled(arguments: Any) -> Any:
    return pytree.tree_map_only(torch.Tensor, torch.Tensor.double, arguments)


def _is_float(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor) and leaf.dtype in (torch.float32, torch.float64)


def _is_picked(tensor: torch.Tensor, taken: list[torch.Tensor]) -> bool:
    numbers = tensor.flatten()
    return any(
        numbers.dtype == operand.dtype and bool(torch.isin(numbers, operand.flatten()).all()) for operand in taken
    )


def outcomes(
    make_model: Callable[[], nn.Module], args: tuple[torch.Tensor, ...], state: dict[str, torch.Tensor]
) -> Iterator[tuple[Any, Any, Any]]:
    """What eager may give, too: results, arguments and buffers, rounded otherwise each time."""
    for draw in range(DRAWS):
        for in_steps in (False, True):
            model = make_model()
            for name, buffer in model.named_buffers():
                buffer.copy_(state[name])
            copies = {id(arg): arg.clone() for arg in args}
            given = tuple(copies[id(arg)] for arg in args)
            try:
                with torch.no_grad(), RoundedOtherwise(draw, in_steps):
                    yield model(*given), given, dict(model.named_buffers())
            except EAGER_REFUSES:
                continue
