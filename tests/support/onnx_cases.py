"""Small models, each about one conversion to ONNX, with inputs for any batch size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tests.support.lambda_module import Lambda


@dataclass
class Case:
    name: str
    model: nn.Module
    inputs: Callable[[int], tuple[torch.Tensor, ...]]  #: for a batch size
    dynamic: bool = True  #: the first axis of every input with that size may vary
    tolerance: float = 1e-4

    def __str__(self) -> str:
        return self.name


CASES: list[Case] = []


def case(name: str, model: Any, *shapes: Any, **options: Any) -> None:
    """Adds a case. A shape is a tuple (float32 of that shape, after the batch), or a function of the batch size."""

    def inputs(batch: int) -> tuple[torch.Tensor, ...]:
        torch.manual_seed(0)
        return tuple(shape(batch) if callable(shape) else torch.randn(batch, *shape) for shape in shapes)

    module = model if isinstance(model, nn.Module) else Lambda(model)
    CASES.append(Case(name, module.eval(), inputs, **options))


def integers(high: int, *shape: int, low: int = 0, dtype: torch.dtype = torch.int64) -> Callable[[int], torch.Tensor]:
    return lambda batch: torch.randint(low, high, (batch, *shape), dtype=dtype)


def positive(*shape: int) -> Callable[[int], torch.Tensor]:
    return lambda batch: torch.rand(batch, *shape) + 0.1


def booleans(*shape: int) -> Callable[[int], torch.Tensor]:
    return lambda batch: torch.rand(batch, *shape) > 0.4


def written(x: torch.Tensor) -> torch.Tensor:
    y = x.clone()
    y[:, 1] = 0
    y[:, :, 0] += 1
    y[:, 2:, 1:] = x[:, :2, 1:]
    return y


# Pointwise ------------------------------------------------------------------------------------------------------------
for (
    _name
) in "abs ceil cos cosh erf exp expm1 floor neg round sigmoid sign sin sinh tan tanh relu trunc erfc exp2".split():
    case(_name, getattr(torch, _name), (3, 4))
for _name in "log log2 log10 log1p sqrt rsqrt reciprocal".split():
    case(_name, getattr(torch, _name), positive(3, 4))
for _name in "acos asin atan atanh".split():
    case(_name, getattr(torch, _name), lambda batch: torch.rand(batch, 5) * 1.8 - 0.9)
case("asinh", torch.asinh, (5,))
case("acosh", torch.acosh, lambda batch: torch.rand(batch, 5) + 1.1)
case(
    "isnan_isinf", lambda x: (torch.isnan(x / x.relu()), torch.isinf(1 / x.relu()), torch.isfinite(1 / x.relu())), (6,)
)
case("add_alpha", lambda x, y: torch.add(x, y, alpha=2.5), (3,), (3,))
case("sub_number", lambda x: (x - 1, 1 - x, x * 2, x / 3, 3 / x), (3,))
case("promotion", lambda x, y: (x + y, y * 2, y / 2, y + 1.5, x * True), (4,), integers(9, 4))
case("promotion_of_0_dim", lambda x, y: x + y.sum(), (4,), integers(9, 4))
case("bool_arithmetic", lambda x, y: (x * y, x + y, x & y, x | y, x ^ y, ~x), booleans(4), booleans(4))
case("div_floor", lambda x, y: torch.div(x, y, rounding_mode="floor"), (7,), positive(7))
case("div_trunc_int", lambda x: torch.div(x, 3, rounding_mode="trunc"), integers(20, 7, low=-20))
case("floor_divide_int", lambda x: (x // 4, x % 4, -x // 3, -x % 3), integers(20, 7, low=-20))
case("remainder_fmod", lambda x, y: (torch.remainder(x, y), torch.fmod(x, y)), (9,), positive(9))
case("pow", lambda x: (x**2, x**3, x**0.5, x**-1, x**1.7, 2**x), positive(5))
case("atan2_hypot", lambda x, y: (torch.atan2(x, y), torch.hypot(x, y)), (9,), (9,))
case("maximum_minimum", lambda x, y: (torch.maximum(x, y), torch.minimum(x, y), torch.fmax(x, y)), (5,), (5,))
case("compare", lambda x, y: (x < y, x <= y, x > y, x >= y, x == y, x != y), integers(3, 9), integers(3, 9))
case("compare_mixed", lambda x, y: (x < y, x == y, x > 0, y != 1), (9,), integers(2, 9))
case(
    "logical", lambda x, y: (x.logical_and(y), x.logical_or(y), x.logical_xor(y), x.logical_not()), integers(2, 9), (9,)
)
case("bitwise", lambda x, y: (x & y, x | 5, x ^ y, ~x), integers(64, 6), integers(64, 6))
case(
    "shift", lambda x, y: (x.bitwise_left_shift(y), x.bitwise_right_shift(y)), integers(64, 6, low=-64), integers(4, 6)
)
case("where", lambda c, x, y: (torch.where(c, x, y), torch.where(c, x, 0.0)), booleans(4), (4,), (4,))
case("clamp", lambda x: (x.clamp(-0.5, 0.5), x.clamp(min=0), x.clamp(max=0.1)), (9,))
case("clamp_int", lambda x: x.clamp(2, 5), integers(9, 9))
case("clamp_tensor", lambda x, lo: torch.clamp(x, lo, lo + 1), (9,), (9,))
case("cast", lambda x: (x.int(), x.bool(), x.long().float(), (x * 0.4).bool(), x.half()), (9,))

# Activations ----------------------------------------------------------------------------------------------------------
for _activation in (
    nn.GELU(), nn.GELU("tanh"), nn.ELU(0.7), nn.SELU(), nn.CELU(1.3), nn.LeakyReLU(0.2), nn.PReLU(), nn.PReLU(6),
    nn.Hardtanh(-0.3, 0.4), nn.ReLU6(), nn.Hardsigmoid(), nn.Hardswish(), nn.Softplus(), nn.Softplus(2.0, 1.0),
    nn.SiLU(), nn.Mish(), nn.LogSigmoid(), nn.GLU(1), nn.Softmax(-1), nn.LogSoftmax(1), nn.Tanhshrink(),
    nn.Softshrink(0.3), nn.Hardshrink(0.3), nn.Threshold(0.1, 2.0), nn.Softsign(),
):  # fmt: skip
    case(str(_activation), _activation, (6, 3, 2))

# Reductions -----------------------------------------------------------------------------------------------------------
case("sum", lambda x: (x.sum(), x.sum(1), x.sum((0, 2), keepdim=True), x.sum(-1)), (3, 4))
case("mean", lambda x: (x.mean(), x.mean((1, 2)), x.mean(-1, keepdim=True)), (3, 4))
case("sum_of_bool", lambda x: (x.sum(), x.sum(1), x.float().mean(0)), booleans(4))
case("amax_amin", lambda x: (x.amax(1), x.amin((1, 2), keepdim=True), x.max(), x.min()), (3, 4))
case("prod", lambda x: (x.prod(), x.prod(1)), positive(3))
case("any_all", lambda x: (x.any(), x.any(1), x.all(), x.all(-1, keepdim=True)), booleans(4))
case("argmax", lambda x: (x.argmax(), x.argmax(1), x.argmin(-1, keepdim=True)), (3, 4))
case("max_with_index", lambda x: (*x.max(1), *x.min(-1, keepdim=True)), (3, 4))
case("cumsum", lambda x: (x.cumsum(1), x.long().cumsum(-1)), (3, 4))
case("var_std", lambda x: (x.var(1), x.std((1, 2)), x.var(-1, correction=0)), (3, 4))
case("norms", lambda x: (x.norm(dim=1), torch.linalg.vector_norm(x, 1, dim=-1), F.normalize(x, dim=1)), (3, 4))
case("logsumexp", lambda x: x.logsumexp(1), (3, 4))
case("topk", lambda x: (*x.topk(2), *x.topk(3, dim=1, largest=False)), (5, 4))
case("sort", lambda x: (*x.sort(), *x.sort(1, descending=True), x.argsort(1)), (5, 4))

# Views ----------------------------------------------------------------------------------------------------------------
case("view", lambda x: (x.view(x.shape[0], 12), x.view(-1, 4), x.reshape(x.shape[0] * 3, 2, 2), x.flatten(1)), (3, 4))
case("view_moves_batch", lambda x: (x.view(2, -1), x.permute(1, 0, 2).reshape(3, -1), x.flatten()), (4, 6))
case("expand", lambda x: (x[:, None].expand(-1, 5, 3), x.unsqueeze(0).expand(2, -1, -1), x[0].expand_as(x)), (3,))
case("permute", lambda x: (x.permute(2, 0, 1), x.transpose(1, -1), x.mT, x[0].t()), (3, 4))
case("squeeze", lambda x: (x.squeeze(1), x.squeeze(), x.squeeze((1, -1)), x.unsqueeze(-1), x.squeeze(0)), (1, 4, 1))
case("cat_stack", lambda x, y: (torch.cat([x, y], 1), torch.stack([x, y], -1), torch.cat([x, y, x])), (3,), (3,))
case("cat_promotes", lambda x, y: torch.cat([x, y], 1), (3,), integers(5, 3))
case("slice", lambda x: (x[1:], x[:, 1:-1], x[..., ::2], x[:, -2:], x[:, 0], x[-1], x[:, 100:]), (5, 4))
case("slice_by_size", lambda x, y: (x[: y.shape[0]], x[:, : y.shape[1]]), (5, 4), (3,))
case("split", lambda x: (*x.split(2, 1), *x.split([1, 4], 1), *x.chunk(3, 1), *x.unbind(1)), (5, 2))
case("flip_roll", lambda x: (x.flip(1, 2), x.roll(2, 1), x.roll((1, -1), (1, 2)), x.roll(1, 0)), (5, 4))
case("repeat", lambda x: (x.repeat(1, 3), x.repeat(2, 1, 2), x.repeat_interleave(2, 1), x.tile(2)), (3,))
case("pad", lambda x: (F.pad(x, (1, 2)), F.pad(x, (1, 0, -1, 2), value=3.0), F.pad(x, (1, 2), "reflect")), (5, 4))
case("pad_modes", lambda x: (F.pad(x, (1, 2, 2, 1), "replicate"), F.pad(x, (1, 1, 2, 2), "reflect")), (2, 5, 4))
case("pad_circular", lambda x: F.pad(x, (1, 2, 2, 1), "circular"), (2, 5, 4))
case("tril_triu", lambda x: (x.tril(), x.triu(1), x.tril(-1)), (4, 4))
case("pixel_shuffle", nn.Sequential(nn.PixelShuffle(2), nn.PixelUnshuffle(2)), (8, 3, 4))
case("diagonal", lambda x: (x.diagonal(dim1=1, dim2=2), x.diagonal(1, 2, 1)), (4, 5))
case("unfold", lambda x: (x.unfold(1, 2, 2), F.unfold(x[:, None], 2)), (6, 4))
case("meshgrid", lambda x: torch.meshgrid(x[0], torch.arange(3.0), indexing="ij"), (4,))

# Creation -------------------------------------------------------------------------------------------------------------
case(
    "creation",
    lambda x: (torch.zeros_like(x), x.new_ones(x.shape[0], 2), torch.full((x.shape[0],), 7), torch.eye(3)),
    (3,),
)
case("arange", lambda x: (torch.arange(x.shape[0]), torch.arange(1, x.shape[0] * 2, 3), torch.linspace(0, 1, 4)), (3,))
case(
    "sizes_as_values",
    lambda x: (x * x.shape[0], x / x.shape[0], x + (x.shape[0] // 2), torch.tensor(2.0) * x.shape[0]),
    (3,),
)

# Linear algebra -------------------------------------------------------------------------------------------------------
case("linear", nn.Linear(6, 5), (6,))
case("linear_3d", nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 2, bias=False)), (4, 6))
case("matmul", lambda x, y: (x @ y, x[0] @ y[0], x @ y[0], x[0, 0] @ y[0], x[:, 0] @ y[0]), (4, 6), (6, 3))
case("bilinear_attention", lambda x, y: torch.einsum("bij,bkj->bik", x, y), (4, 6), (3, 6))
case("baddbmm", lambda b, x, y: torch.baddbmm(b, x, y, beta=0.5, alpha=2), (4, 3), (4, 6), (6, 3))
case("addmm", lambda x: torch.addmm(x, x @ x.t(), x, beta=0.5, alpha=2), (3,))

# Convolution ----------------------------------------------------------------------------------------------------------
case("conv1d", nn.Conv1d(4, 6, 3, stride=2, padding=1), (4, 9))
case("conv2d", nn.Conv2d(4, 6, (3, 5), padding=(1, 2), dilation=(2, 1), groups=2, bias=False), (4, 9, 9))
case("conv2d_same", nn.Conv2d(4, 4, 4, padding="same"), (4, 9, 9))
case("conv3d", nn.Conv3d(2, 3, 3), (2, 5, 6, 7))
case("depthwise", nn.Conv2d(4, 4, 3, groups=4), (4, 9, 9))
case("conv_transpose2d", nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), (4, 5, 5))
case("conv_transpose1d", nn.ConvTranspose1d(4, 6, 3, stride=2, dilation=2), (4, 5))

# Normalization --------------------------------------------------------------------------------------------------------
case("layer_norm", nn.LayerNorm(6), (4, 6))
case("layer_norm_2d", nn.LayerNorm((4, 6), elementwise_affine=False), (4, 6))
case("rms_norm", nn.RMSNorm(6), (4, 6))
case("batch_norm", nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), (3, 5, 5))
case("batch_norm_1d", nn.BatchNorm1d(4, affine=False), (4,))
case("group_norm", nn.GroupNorm(2, 4), (4, 5, 5))
case("instance_norm", nn.InstanceNorm2d(4, affine=True), (4, 5, 5))

# Pooling --------------------------------------------------------------------------------------------------------------
case("max_pool", nn.MaxPool2d(3, 2, 1, ceil_mode=True), (4, 9, 10))
case("max_pool_dilated", nn.MaxPool2d(2, 1, dilation=2), (4, 9, 10))
case("max_pool_1d_3d", lambda x: (F.max_pool1d(x[:, :, 0], 2), F.max_pool3d(x[:, None], 2)), (4, 6, 6))
case("max_pool_with_indices", lambda x: F.max_pool2d(x, 2, return_indices=True), (4, 6, 6))
case("avg_pool", nn.AvgPool2d(3, 2, 1), (4, 9, 10))
case("avg_pool_without_padding", nn.AvgPool2d(3, 2, 1, count_include_pad=False), (4, 9, 10))
case("avg_pool_ceil", nn.AvgPool2d(3, 2, 0, ceil_mode=True, count_include_pad=False), (4, 9, 10))
case("avg_pool_divisor", nn.AvgPool2d(3, divisor_override=4), (4, 9, 9))
case("avg_pool_1d_3d", lambda x: (F.avg_pool1d(x[:, :, 0], 2), F.avg_pool3d(x[:, None], 2)), (4, 6, 6))
case("adaptive_avg_pool", nn.AdaptiveAvgPool2d(1), (4, 9, 10))
case("adaptive_avg_pool_uneven", nn.AdaptiveAvgPool2d((4, 3)), (4, 9, 10))
case("adaptive_avg_pool_1d", nn.AdaptiveAvgPool1d(4), (4, 10))
case("adaptive_max_pool", nn.AdaptiveMaxPool2d((3, 2)), (4, 9, 10))

# Attention ------------------------------------------------------------------------------------------------------------
_heads = (2, 5, 8)
case("attention", F.scaled_dot_product_attention, _heads, _heads, _heads)
case(
    "attention_causal", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), _heads, _heads, _heads
)
case("attention_scale", lambda q, k: F.scaled_dot_product_attention(q, k, k, scale=0.3), _heads, (2, 7, 8))
case("attention_mask", lambda q, m: F.scaled_dot_product_attention(q, q, q, m), _heads, (1, 5, 5))
case("attention_bool_mask", lambda q, m: F.scaled_dot_product_attention(q, q, q, m), _heads, booleans(1, 5, 5))
case("attention_nowhere", lambda q, m: F.scaled_dot_product_attention(q, q, q, m & False), _heads, booleans(1, 5, 5))
case("attention_grouped", lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True), (4, 5, 8), (2, 5, 8))
case("multi_head_attention", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (5, 8))

# Indexing -------------------------------------------------------------------------------------------------------------
case("embedding", nn.Embedding(11, 6), integers(11, 4))
case("gather", lambda x, i: (x.gather(1, i), x.gather(-1, i[:, :1])), (5,), integers(5, 3))
case("index_select", lambda x: (x.index_select(1, torch.tensor([2, 0])), x[:, [0, -1]]), (5, 2))
case("index", lambda x, i: (x[:, i[0]], x[i[:, 0] * 0], x[:, :, [1, 0]]), (5, 2), integers(5, 3))
case("index_pairs", lambda x: (x[:, [0, 1], [1, 0]], x[:, [0, 1], :, [1, 0]], x[[0, 1], [1, -1]]), (3, 4, 2))
case(
    "index_put",
    lambda x: (x.index_put((torch.tensor([0, 1]),), torch.tensor(9.0)), x.index_fill(1, torch.tensor([1]), 5.0)),
    (3,),
)
case("index_add", lambda x: x.index_add(1, torch.tensor([0, 0, 2]), x), (3,))
case(
    "scatter",
    lambda x, i: (x.scatter(1, i, 1.0), x.scatter(1, i, x + 1)),
    (5,),
    lambda b: torch.rand(b, 5).argsort(1)[:, :3],
)
case(
    "scatter_add",
    lambda x, i: (x.scatter_add(1, i, x), torch.zeros_like(x).scatter_reduce(1, i, x, "amax")),
    (5,),
    integers(5, 3),
)
case("masked_fill", lambda x, m: (x.masked_fill(m, -1.0), x * m), (5,), booleans(5))
case("one_hot", lambda i: F.one_hot(i, 7), integers(7, 3))
case("written_in_place", written, (4, 3))

# Resampling -----------------------------------------------------------------------------------------------------------
case("nearest", lambda x: (F.interpolate(x, scale_factor=2), F.interpolate(x, (7, 4))), (2, 4, 5))
case("nearest_exact", lambda x: F.interpolate(x, (7, 4), mode="nearest-exact"), (2, 4, 5))
case(
    "bilinear",
    lambda x: (F.interpolate(x, (7, 9), mode="bilinear"), F.interpolate(x, scale_factor=2.0, mode="bilinear")),
    (2, 4, 5),
)
case("bilinear_aligned", lambda x: F.interpolate(x, (7, 9), mode="bilinear", align_corners=True), (2, 4, 5))
case("bicubic", lambda x: F.interpolate(x, (8, 10), mode="bicubic"), (2, 4, 5))
case("linear_1d", lambda x: F.interpolate(x, 9, mode="linear"), (2, 5))
case("trilinear", lambda x: F.interpolate(x, (4, 6, 8), mode="trilinear"), (2, 2, 3, 4))
case(
    "grid_sample",
    lambda x, g: (
        F.grid_sample(x, g.tanh(), align_corners=False),
        F.grid_sample(x, g, padding_mode="border", align_corners=True),
    ),
    (2, 5, 6),
    (3, 4, 2),
)

# Recurrent networks, which stay one operator where their time (the first axis) is dynamic -----------------------------
BY_TIME, BY_BATCH = nn.LSTM(4, 6, bias=False), nn.LSTM(4, 6, batch_first=True)
case("lstm", nn.LSTM(4, 6, num_layers=2, bidirectional=True), (3, 4))
case("lstm_of_states", lambda x, h, c: BY_TIME(x, (h[:1], c[:1])), (3, 4), (3, 6), (3, 6))
case("gru", nn.GRU(4, 6, bidirectional=True), (3, 4))
case("rnn", nn.RNN(4, 6, num_layers=2), (3, 4))
case("rnn_relu", nn.RNN(4, 6, nonlinearity="relu", bidirectional=True), (3, 4))
case("lstm_by_batch", lambda x: BY_BATCH(x.transpose(0, 1))[0], (3, 4))

# Searching ------------------------------------------------------------------------------------------------------------
BOUNDS = torch.tensor([-1.0, 0.0, 0.0, 2.5])
case("bucketize", lambda x: (torch.bucketize(x, BOUNDS), torch.bucketize(x.round(), BOUNDS, right=True)), (5,))
case("bucketize_special", lambda x: torch.bucketize(x / (x > 0), BOUNDS, out_int32=True), (5,))
case("bucketize_integers", lambda i: torch.bucketize(i, torch.tensor([0, 3, 2**30, 2**30 + 1])), integers(9, 3))
case(
    "searchsorted",
    lambda x, y: (torch.searchsorted(x.sort(-1)[0], y), torch.searchsorted(x, y, side="right", sorter=x.argsort(-1))),
    (5,),
    (3,),
)
case(
    "written_nowhere",
    lambda x: (
        x.scatter(0, x[:, :0].long(), 2.0),
        torch.cat([x, torch.full((x.shape[0], 0), 2.0)], 1),
        x.new_ones(1, 1).expand(3, 0).sum(1),
    ),
    (5,),
)
case("median", lambda x: (x.median(), x.median(1)[0], x.kthvalue(2, 1, keepdim=True)[0]), (5,))
case("median_of_nan", lambda x: (x / (x > 0) * 0).median(1)[0], (5,))
case("median_of_integers", lambda i: (i.median(), i.kthvalue(3, 1)[0]), integers(9, 5))

# Distances ------------------------------------------------------------------------------------------------------------
case("cdist", lambda x, y: (torch.cdist(x, y), torch.cdist(x, y, p=1.0), torch.cdist(x, y, p=3.0)), (28, 4), (30, 4))
case("cdist_of_no_columns", lambda x: torch.cdist(x[:, :0], x[:2, :0]), (3,))
case("pdist", lambda x: F.pdist(x[0]), (5, 4), dynamic=False)

# Statistics of the batch ----------------------------------------------------------------------------------------------
case("batch_norm_of_batch", lambda x, w: F.batch_norm(x, None, None, w[0], w[0] * 2, training=True), (3, 4, 5), (3,))
case("triangle_indices", lambda x: x[(slice(None), *torch.triu_indices(4, 5, 1))], (4, 5))
