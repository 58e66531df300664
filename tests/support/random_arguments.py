"""Arguments of random programs: plain values, equal ones, NaN and infinities, wide integers, in any memory layout."""

from __future__ import annotations

from collections.abc import Callable

import torch

#: What the values of a program's arguments may be.
VALUES = ("plain", "ties", "special", "wide")


def values(shape: list[int], dtype: torch.dtype, kind: str, generator: torch.Generator) -> torch.Tensor:
    if dtype is torch.bool:
        return torch.rand(shape, generator=generator) > 0.5
    if dtype.is_floating_point:
        return _floats(shape, kind, generator).to(dtype)
    if kind == "wide":
        return _wide_integers(shape, dtype, generator)
    low, high = (0, 3) if kind == "ties" else (0 if dtype is torch.uint8 else -3, 8)
    return torch.randint(low, high, shape, generator=generator).to(dtype)


def _floats(shape: list[int], kind: str, generator: torch.Generator) -> torch.Tensor:
    """Of few binary digits, so that sums and products of a few are exact."""
    digits = 2 if kind == "ties" else 64
    made = torch.randn(shape, generator=generator).mul(digits).round().div(digits)
    if kind == "special":
        which = torch.randint(0, 12, shape, generator=generator)
        for i, value in enumerate((torch.nan, torch.inf, -torch.inf)):
            made[which == i] = value
    return made + 0.0  # no -0.0


def _wide_integers(shape: list[int], dtype: torch.dtype, generator: torch.Generator) -> torch.Tensor:
    """Of all magnitudes up to the dtype's, 31 bits at most."""
    info = torch.iinfo(dtype)
    bits = torch.randint(1, min(info.bits, 32), shape, generator=generator)
    magnitude = (torch.rand(shape, generator=generator, dtype=torch.float64) * 2.0**bits).long()
    sign = torch.randint(0, 2, shape, generator=generator) * 2 - 1
    return (magnitude if info.min == 0 else magnitude * sign).clamp(info.min, info.max).to(dtype)


def _permuted(x: torch.Tensor) -> torch.Tensor:
    order = list(range(x.dim()))[::-1]
    return x.permute(order).contiguous().permute(order)


def _channels_last(x: torch.Tensor) -> torch.Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else _permuted(x)


def _strided(x: torch.Tensor) -> torch.Tensor:
    """Every second element of a row that has twice as many."""
    return torch.stack([x, x], -1).flatten(-2)[..., ::2] if x.dim() else x


def _inner(x: torch.Tensor) -> torch.Tensor:
    """A part of a larger tensor, which doesn't begin where its memory does."""
    return torch.cat([x[:1], x, x[:1]])[x[:1].shape[0] :][: x.shape[0]] if x.dim() else x


LAYOUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "contiguous": lambda x: x,
    "permuted": _permuted,
    "channels_last": _channels_last,
    "strided": _strided,
    "inner": _inner,
}
