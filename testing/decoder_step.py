"""One step of a Llama-like decoder: a few new tokens, and the keys and values of all before in a cache.

The cache is a tensor among the arguments, and the longer one a result: (layers, 2, batch, heads, past, head size).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    """With rotary positions, and fewer heads for keys and values than for queries."""

    def __init__(self, width: int, heads: int, kv_heads: int):
        super().__init__()
        self.heads, self.kv_heads, self.size = heads, kv_heads, width // heads
        self.queries = nn.Linear(width, width, bias=False)
        self.keys_and_values = nn.Linear(width, 2 * kv_heads * self.size, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(
        self, x: torch.Tensor, past: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        batch, tokens, _ = x.shape
        queries = self.queries(x).view(batch, tokens, self.heads, self.size).transpose(1, 2)
        new = self.keys_and_values(x).view(batch, tokens, 2, self.kv_heads, self.size).permute(2, 0, 3, 1, 4)
        keys = torch.cat([past[0], _rotated(new[0], cos, sin)], 2)
        values = torch.cat([past[1], new[1]], 2)
        mixed = F.scaled_dot_product_attention(_rotated(queries, cos, sin), keys, values, enable_gqa=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, -1)), torch.stack([keys, values])


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, kv_heads: int, hidden: int):
        super().__init__()
        self.before_attention, self.before_mlp = nn.RMSNorm(width, 1e-5), nn.RMSNorm(width, 1e-5)
        self.attention = Attention(width, heads, kv_heads)
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(
        self, x: torch.Tensor, past: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        mixed, cache = self.attention(self.before_attention(x), past, cos, sin)
        x = x + mixed
        normed = self.before_mlp(x)
        return x + self.down(F.silu(self.gate(normed)) * self.up(normed)), cache


class DecoderStep(nn.Module):
    def __init__(self, vocabulary: int, width: int, layers: int, heads: int, kv_heads: int, hidden: int):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(Layer(width, heads, kv_heads, hidden) for _ in range(layers))
        self.norm, self.head = nn.RMSNorm(width, 1e-5), nn.Linear(width, vocabulary, bias=False)
        size = width // heads
        self.register_buffer("frequencies", 10000.0 ** (-torch.arange(0, size, 2).float() / size), persistent=False)

    def forward(self, tokens: torch.Tensor, cache: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        past = cache.shape[4]
        positions = torch.arange(past, past + tokens.shape[1], device=tokens.device)
        angles = torch.outer(positions.float(), self.frequencies)
        angles = torch.cat([angles, angles], 1)
        x, caches = self.embedding(tokens), []
        for index, layer in enumerate(self.layers):
            x, longer = layer(x, cache[index], angles.cos(), angles.sin())
            caches.append(longer)
        return self.head(self.norm(x)), torch.stack(caches)


def _rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin
