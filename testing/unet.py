"""A U-Net as diffusion models have it: residual blocks under group norm that are told the time, and attention."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, inside: int, outside: int, time: int, groups: int):
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(groups, inside), nn.SiLU(), nn.Conv2d(inside, outside, 3, padding=1))
        self.second = nn.Sequential(nn.GroupNorm(groups, outside), nn.SiLU(), nn.Conv2d(outside, outside, 3, padding=1))
        self.time = nn.Linear(time, outside)
        self.skip = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        hidden = self.first(x) + self.time(F.silu(time))[:, :, None, None]
        return self.second(hidden) + self.skip(x)


class Attention(nn.Module):
    def __init__(self, channels: int, heads: int, groups: int):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, channels)
        self.project, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, channels, height, width = x.shape
        flat = self.norm(x).flatten(2).transpose(1, 2)
        parts = self.project(flat).view(batch, height * width, 3, self.heads, channels // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(queries, keys, values).transpose(1, 2).reshape(flat.shape)
        return x + self.out(mixed).transpose(1, 2).reshape(x.shape)


class UNet(nn.Module):
    """`widths`: channels by level, each of which halves the sides; there is attention in the last."""

    def __init__(self, channels: int = 4, widths: tuple[int, ...] = (64, 128, 256), groups: int = 16, heads: int = 4):
        super().__init__()
        time = 4 * widths[0]
        self.width = widths[0]
        self.time = nn.Sequential(nn.Linear(widths[0], time), nn.SiLU(), nn.Linear(time, time))
        self.enter = nn.Conv2d(channels, widths[0], 3, padding=1)
        pairs = list(zip(widths, widths[1:], strict=False))
        self.downs = nn.ModuleList(Block(a, a, time, groups) for a, _ in pairs)
        self.halves = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs)
        self.middle = nn.ModuleList(Block(widths[-1], widths[-1], time, groups) for _ in range(2))
        self.attention = Attention(widths[-1], heads, groups)
        self.doubles = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1) for a, b in reversed(pairs))
        self.ups = nn.ModuleList(Block(2 * a, a, time, groups) for a, _ in reversed(pairs))
        last = nn.Conv2d(widths[0], channels, 3, padding=1)
        self.leave = nn.Sequential(nn.GroupNorm(groups, widths[0]), nn.SiLU(), last)

    def forward(self, x: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        half = self.width // 2
        angles = step[:, None].float() * torch.exp(torch.arange(half, device=x.device) * (-9.21 / half))
        time = self.time(torch.cat([angles.cos(), angles.sin()], 1))
        x, kept = self.enter(x), []
        for block, halve in zip(self.downs, self.halves, strict=True):
            x = block(x, time)
            kept.append(x)
            x = halve(x)
        x = self.middle[1](self.attention(self.middle[0](x, time)), time)
        for block, double in zip(self.ups, self.doubles, strict=True):
            x = double(F.interpolate(x, scale_factor=2.0, mode="nearest"))
            x = block(torch.cat([x, kept.pop()], 1), time)
        return self.leave(x)
