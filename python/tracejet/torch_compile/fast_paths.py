"""torch.nn's attention modules have kernels of their own for inference, which no engine has: TorchDynamo's graphs call
them, where a trace of the modules would not. Here they are as the modules compute it otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from tracejet.patches import torch_internals


def _attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    embed_dim: int,
    num_heads: int,
    qkv_weight: torch.Tensor,
    qkv_bias: torch.Tensor,
    proj_weight: torch.Tensor,
    proj_bias: torch.Tensor,
    mask: torch.Tensor | None = None,
    need_weights: bool = True,
    average_attn_weights: bool = True,
    mask_type: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """`torch._native_multi_head_attention`, batch first."""
    packed = zip((query, key, value), qkv_weight.chunk(3), qkv_bias.chunk(3), strict=True)
    q, k, v = (_heads(F.linear(given, weight, bias), num_heads) for given, weight, bias in packed)
    scores = (q / math.sqrt(embed_dim // num_heads)) @ k.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(_as_scores(mask, mask_type), -math.inf)
    weights = scores.softmax(-1)
    output = F.linear((weights @ v).transpose(1, 2).flatten(2), proj_weight, proj_bias)
    if not need_weights:
        return output, output.new_empty(0)
    return output, weights.mean(1) if average_attn_weights else weights


def _heads(projected: torch.Tensor, num_heads: int) -> torch.Tensor:
    return projected.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def _as_scores(mask: torch.Tensor, mask_type: int | None) -> torch.Tensor:
    """What is masked, for scores of shape [batch, heads, target, source]. 0: [target, source], 1: [batch, source]."""
    masked = mask.to(torch.bool)
    return masked[:, None, None, :] if mask_type == 1 else masked


def _encoder_layer(
    src: torch.Tensor,
    embed_dim: int,
    num_heads: int,
    qkv_weight: torch.Tensor,
    qkv_bias: torch.Tensor,
    proj_weight: torch.Tensor,
    proj_bias: torch.Tensor,
    use_gelu: bool,
    norm_first: bool,
    eps: float,
    norm_weight_1: torch.Tensor,
    norm_bias_1: torch.Tensor,
    norm_weight_2: torch.Tensor,
    norm_bias_2: torch.Tensor,
    ffn_weight_1: torch.Tensor,
    ffn_bias_1: torch.Tensor,
    ffn_weight_2: torch.Tensor,
    ffn_bias_2: torch.Tensor,
    mask: torch.Tensor | None = None,
    mask_type: int | None = None,
) -> torch.Tensor:
    """`torch._transformer_encoder_layer_fwd`, batch first."""

    def attended(x: torch.Tensor) -> torch.Tensor:
        packed = (qkv_weight, qkv_bias, proj_weight, proj_bias)
        return _attention(x, x, x, embed_dim, num_heads, *packed, mask, False, mask_type=mask_type)[0]

    def fed_forward(x: torch.Tensor) -> torch.Tensor:
        hidden = F.linear(x, ffn_weight_1, ffn_bias_1)
        return F.linear(F.gelu(hidden) if use_gelu else F.relu(hidden), ffn_weight_2, ffn_bias_2)

    def first_norm(x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, (embed_dim,), norm_weight_1, norm_bias_1, eps)

    def second_norm(x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, (embed_dim,), norm_weight_2, norm_bias_2, eps)

    if norm_first:
        src = src + attended(first_norm(src))
        return src + fed_forward(second_norm(src))
    src = first_norm(src + attended(src))
    return second_norm(src + fed_forward(src))


#: By the function that TorchDynamo's graph calls.
FAST_PATHS: dict[Any, Callable[..., Any]] = {
    torch_internals.native_attention: _attention,
    torch_internals.encoder_layer_fast_path: _encoder_layer,
}
