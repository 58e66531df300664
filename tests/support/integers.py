"""Integers at the edges of what holds them, and calls with two of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

DTYPES = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_EDGES = (0, 1, 2, 3, 7, 100, 127, 128, 200, 255, 256, 300, 32767, 32768, 46341, 65535, 65536, 100003)
_FLOAT_EDGES = (2**24 - 1, 2**24, 2**24 + 1, 2**24 + 3, 33554435, 100000007, 2**30 + 1, 2**31 - 2, 2**31 - 1)


def edges(dtype: torch.dtype) -> list[int]:
    """Values of the dtype that 32 bits hold; of int64, without the end that has no negative."""
    info = torch.iinfo(dtype)
    low, high = max(info.min, -(2**31) + (dtype == torch.int64)), min(info.max, 2**31 - 1)
    both = {sign * value for value in (*_EDGES, *_FLOAT_EDGES) for sign in (1, -1)} | {low, low + 1, high}
    return sorted(value for value in both if low <= value <= high)


@dataclass(frozen=True)
class Call:
    name: str
    run: Callable[..., torch.Tensor]
    is_division: bool = False  #: whose divisor can't be 0

    def __str__(self) -> str:
        return self.name


def pairs(dtype: torch.dtype, call: Call) -> tuple[torch.Tensor, torch.Tensor]:
    """All pairs of edges whose result 32 bits hold, where the dtype has more."""
    values = torch.tensor(edges(dtype), dtype=dtype)
    a, b = (side.reshape(-1) for side in torch.meshgrid(values, values, indexing="ij"))
    if call.is_division:
        kept = (b != 0) & ~((b == -1) & (a == torch.iinfo(torch.int32).min)) if dtype.is_signed else b != 0
        a, b = a[kept], b[kept]
    result = call.run(a, b)
    if dtype == torch.int64:
        kept = (result > -(2**31)) & (result < 2**31)
        a, b = a[kept], b[kept]
    return a.contiguous(), b.contiguous()


BINARY = [
    Call("add", lambda a, b: a + b),
    Call("sub", lambda a, b: a - b),
    Call("sub, alpha", lambda a, b: torch.sub(a, b, alpha=3)),
    Call("mul", lambda a, b: a * b),
    Call("floor division", lambda a, b: a // b, is_division=True),
    Call("truncated division", lambda a, b: torch.div(a, b, rounding_mode="trunc"), is_division=True),
    Call("remainder", lambda a, b: a % b, is_division=True),
    Call("fmod", torch.fmod, is_division=True),
    Call("maximum", torch.maximum),
    Call("minimum", torch.minimum),
    *(Call(op, getattr(torch, op)) for op in ("eq", "ne", "lt", "le", "gt", "ge")),
    *(Call(op, getattr(torch, op)) for op in ("bitwise_and", "bitwise_or", "bitwise_xor")),
    Call("left shift", lambda a, b: a << (b % 40)),
    Call("right shift", lambda a, b: a >> (b % 70)),
    Call("where", lambda a, b: torch.where(a > b, a, b)),
    Call("chain", lambda a, b: ((a - b) * 3 + a).float() / 3),
    Call("as int16", lambda a, b: (a - b).to(torch.int16) * 2),
    Call("as uint8", lambda a, b: (a - b).to(torch.uint8).float()),
]


def assert_same(got: object, expected: torch.Tensor) -> None:
    torch.testing.assert_close(torch.as_tensor(got), expected, rtol=1e-6, atol=1e-6)
