"""The decompositions that tracejet applies while tracing, as a table for `ExportedProgram.run_decompositions`.

This is how the same lowering is had from torch.export: PyTorch's own Python decompositions for the operators named
here, every operator that ATen itself expands except those that engines want whole, and a few forms of our own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._decomp import get_decompositions
from torch._export.utils import _collect_all_valid_cia_ops_for_aten_namespace, _get_decomp_for_cia

aten = torch.ops.aten

# Expanded through PyTorch's decompositions; a name without an overload means all of them.
EXPANDED = """
_adaptive_avg_pool2d_backward _euclidean_dist.default _fused_moving_avg_obs_fq_helper _log_softmax_backward_data
_native_batch_norm_legit_functional _prelu_kernel_backward _reshape_alias _softmax.out _softmax_backward_data
_unsafe_index addcdiv addcdiv_ addcmul addcmul_ addr aminmax arange.default arange.start avg_pool2d_backward baddbmm
binary_cross_entropy binary_cross_entropy_backward binary_cross_entropy_with_logits celu clamp_max clamp_min col2im
count_nonzero cudnn_batch_norm cudnn_batch_norm_backward deg2rad detach diag_embed diagonal_backward elu_backward
embedding_dense_backward empty_like expand_as eye fill frac gelu_backward glu_backward hardshrink hardshrink_backward
hardsigmoid_backward hardswish hardswish_ hardswish_backward hardtanh hardtanh_ hardtanh_backward heaviside huber_loss
huber_loss_backward im2col index_add index_add_ index_copy index_copy_ index_fill index_fill_ isneginf isposinf l1_loss
leaky_relu_ leaky_relu_backward lerp linalg_vector_norm linspace log_sigmoid_backward log_sigmoid_forward logaddexp
logaddexp2 logit logit_backward logspace logsumexp.default masked_fill masked_fill_ max_pool2d_with_indices_backward
mish mse_loss mse_loss_backward mvlgamma nan_to_num nansum narrow native_batch_norm_backward native_dropout_backward
native_group_norm_backward native_layer_norm_backward new_empty new_full new_ones new_zeros nll_loss_backward
nll_loss_forward norm ones ones_like rad2deg renorm renorm_ rot90 rsub select_backward select_scatter sgn
sigmoid_backward silu_backward sinc slice_backward smooth_l1_loss smooth_l1_loss_backward soft_margin_loss
soft_margin_loss_backward softplus_backward softshrink softshrink_backward special_entr special_log_ndtr
special_xlog1py stack std t tanh_backward threshold threshold_backward trace transpose.int tril.default triu.default
unbind unfold unfold_backward unfold_copy upsample_nearest2d_backward var var_mean xlogy zero zero_ zeros zeros_like
""".split()

# ATen would expand these too, but engines have them as one operation.
KEPT = """
_softmax.default matmul.default scaled_dot_product_attention.default upsample_bicubic2d.vec upsample_bilinear2d.vec
upsample_linear1d.vec upsample_nearest1d.vec upsample_nearest2d.vec upsample_nearest3d.vec upsample_trilinear3d.vec
""".split()

# `f_` becomes `f` and a copy, in every overload.
IN_PLACE = """
add addbmm addmm addmv baddbmm cumprod index_put index_reduce relu round scatter scatter_add scatter_reduce
""".split()


def curated_decompositions() -> dict[Any, Callable[..., Any]]:
    table: dict[Any, Callable[..., Any]] = dict(get_decompositions([_operator(name) for name in EXPANDED]))
    table.update({op: _get_decomp_for_cia(op) for op in _collect_all_valid_cia_ops_for_aten_namespace()})
    for name in KEPT:
        table.pop(_operator(name), None)
    for name in IN_PLACE:
        packet = getattr(aten, name + "_")
        functional = _copying(getattr(aten, name))
        table.update({getattr(packet, overload): functional for overload in packet.overloads()})
    table.update(
        {
            aten.rsqrt.default: lambda x: torch.reciprocal(torch.sqrt(x)),
            aten.reciprocal.default: lambda x: torch.div(1, x),
            aten._unsafe_view.default: torch.reshape,
            aten.lift_fresh_copy.default: lambda x: x,
            aten.alias.default: lambda x: x,
            aten.select_scatter.default: _select_scatter,
            aten.embedding.default: _embedding,
            torch.ops.prims.var.default: _variance,
        }
    )
    return table


def _operator(name: str) -> Any:
    packet, _, overload = name.partition(".")
    found = getattr(aten, packet)
    return getattr(found, overload) if overload else found


def _copying(functional: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda self, *args, **kwargs: self.copy_(functional(self, *args, **kwargs))


def _select_scatter(x: torch.Tensor, source: torch.Tensor, dim: int, index: int) -> torch.Tensor:
    return torch.slice_scatter(x, source.unsqueeze(dim), dim, index, index + 1, 1)


def _embedding(weight: torch.Tensor, indices: torch.Tensor, *_: Any) -> torch.Tensor:
    rows = torch.index_select(weight, 0, indices.reshape(-1))
    return rows.view(*indices.shape, weight.shape[1])


def _variance(x: torch.Tensor, dims: list[int] | None, correction: float = 1, **_: Any) -> torch.Tensor:
    dims = list(dims or range(x.dim()))
    count = 1
    for dim in dims:
        count = count * x.shape[dim]
    centred = x - x.mean(dims, keepdim=True)
    return (centred * centred).sum(dims) / float(count - correction)
