"""Every computation that an engine may fuse something into, with everything that may follow: pairs of expressions.

Nobody sees what stands between the two of a pair, so that engines are free to compute both at once. Values are
multiples of 1/8, of which most sums and products are exact, and what jumps is asked off the numbers at which it does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

_SHAPE = (4, 4, 4)  #: of x, behind the batch


def _weights(*shape: int) -> torch.Tensor:
    return torch.randint(-4, 5, shape, generator=torch.Generator().manual_seed(0)).float() / 4


_NAMES: dict[str, Any] = {
    "torch": torch,
    "F": F,
    "V": torch.tensor([1.0, 3.0, 7.0, 0.5]),
    "W": _weights(4, 4),
    "POINT": _weights(4, 4, 1, 1),
    "WINDOW": _weights(4, 4, 3, 3),
    "T": lambda y: torch.arange(1.0, 1 + y.shape[-1]),  # a number for each element of the last axis
}


def _functions(expressions: str, argument: str) -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    texts = (text.strip() for line in expressions.strip().splitlines() for text in line.split(" | "))
    return {text: eval(f"lambda {argument}: {text}", dict(_NAMES)) for text in texts}


#: Of x.
FIRST = _functions(
    """
    x.sum((1, 2)) | x.sum((2, 3), keepdim=True) | x.sum(1) | x.sum((1, 2, 3)) | x.mean((2, 3))
    x.mean(1, keepdim=True) | x.amax((1, 2)) | x.amin(3) | x.prod(1) | torch.linalg.vector_norm(x, dim=(2, 3))
    x.logsumexp((1, 2)) | x.var((2, 3)) | x.std(1) | (x > 0).any(1).float() | x.argmax(1).float() | F.linear(x, W)
    F.linear(x, W, V) | F.conv2d(x, POINT) | F.conv2d(x, WINDOW, V, padding=1)
    F.conv2d(x, WINDOW[:, :1], groups=4, padding=1) | F.conv_transpose2d(x, POINT, stride=2)
    F.conv1d(x[:, :, 0], WINDOW[:, :, 0], padding=1) | x @ x.mT | x @ W | x @ V | F.avg_pool2d(x, 2)
    F.max_pool2d(x, 2) | F.avg_pool2d(x, 3, 1, 1) | F.adaptive_avg_pool2d(x, 2) | F.layer_norm(x, (4,))
    F.group_norm(x, 2) | F.instance_norm(x) | F.batch_norm(x, V, V, V, V) | F.rms_norm(x, (4,)) | x.softmax(1)
    x.log_softmax(-1) | F.interpolate(x, scale_factor=2.0) | F.interpolate(x, scale_factor=2.0, mode='bilinear')
    F.local_response_norm(x, 2) | F.normalize(x, dim=1) | x.exp() | x * V | x + 1.5 | -x | x.permute(0, 2, 3, 1)
    x.flatten(1) | torch.cat([x, x * 2], 1) | F.pad(x, (1, 1)) | x[:, [2, 0]] | x.roll(1, -1) | x.cumsum(1)
    x.sort(-1).values | x.topk(2).values | F.pixel_shuffle(x, 2) | x.chunk(2, 1)[1]
    F.embedding((x.abs() * 2).long().clamp(0, 3), W) | F.scaled_dot_product_attention(x, x, x) | (x * 3).round()
    x / 7 | x.abs() ** 1.5 | torch.where(x > 0, x, V) | x.clamp(-1, 1) | F.relu(x) | F.gelu(x) | F.silu(x)
    (x.abs() + 1).sqrt() | (x.abs() + 1).rsqrt() | x.sigmoid() | (x * 4).int().float()
    torch.arange(x.shape[0]).view(-1, 1, 1, 1) + x
    """,
    "x",
)

#: Of y, which has any rank from 1.
SECOND = _functions(
    """
    y | y / 7 | 7 / (y.abs() + 1) | y / T(y) | T(y) / (y.abs() + 1) | y * 3 | y * T(y) | y + T(y) | T(y) - y | 2 - y
    y - 2 | y * 0.3 + 0.7 | y * T(y) + T(y) | (y + 1) * 3 | F.relu(y) | F.leaky_relu(y, 0.1)
    torch.where(y > 0, y, y * 0.25) | y.clamp(-1, 1.5) | y.clamp(min=0.25) | y.sigmoid() | y.tanh() | F.gelu(y)
    F.gelu(y, approximate='tanh') | F.silu(y) | F.hardswish(y) | F.hardsigmoid(y) | F.elu(y) | F.softplus(y)
    F.mish(y) | (y * 0.1).exp() | y.abs() | -y | y * y | y**2 | (y.abs() + 1).sqrt() | (y.abs() + 1).rsqrt()
    1 / (y * y + 1) | (y + 0.123).floor() | (y + 0.123).round() | (y + 0.123).long()
    (y.abs() + 0.123).to(torch.uint8) | y > 0.123 | y / 7 > 0.123 | torch.where(y > 0.123, y, -T(y))
    torch.maximum(y, T(y)) | torch.minimum(y, torch.tensor(0.3)) | y.isnan() | y.sum(-1) | y.sum() | y.mean(-1)
    y.amax(-1) | y.softmax(-1) | y.cumsum(-1) | y.flip(-1) | y.transpose(0, -1) | y.reshape(-1) | y.unsqueeze(1) * 2
    y[..., 1:] * 2 | torch.cat([y, y.new_ones(y.shape)], -1) | F.linear(y, torch.ones(3, y.shape[-1]) / 8)
    y.unsqueeze(-1) * T(y) | torch.remainder(y + 0.123, 3) | torch.fmod(y + 0.123, 3) | (y + 0.123) // 3
    y * (1.7 * y).sigmoid() | y + y | y * y * y | y.topk(1).values | y.sort(-1).values | y.std(-1, unbiased=False)
    F.pad(y, (1, 2), value=0.5) | y.repeat_interleave(2, -1)
    """,
    "y",
)


class Pairs(nn.Module):
    """A first computation with each of the second ones, of an input of its own each: equal calls would be made one."""

    def __init__(self, first: str) -> None:
        super().__init__()
        self.first = first

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = FIRST[self.first]
        return tuple(second(first(x)) for second, x in zip(SECOND.values(), inputs, strict=True))


def arguments(rows: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(rows)
    return [torch.randint(-16, 17, (rows, *_SHAPE), generator=generator).float() / 8 for _ in SECOND]
