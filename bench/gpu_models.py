"""The models that bench.gpu runs: float16 on a GPU, with random weights, batch by batch."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from testing.torchvision_shim import import_torchvision

Inputs = dict[str, torch.Tensor]


@dataclass(frozen=True)
class GpuModel:
    name: str
    build: Callable[[int], nn.Module]  #: of the batch, which a cache of keys and values is made for
    inputs: Callable[[int], Inputs]  #: by the names of forward's arguments


def gpu_model(name: str, batch: int) -> tuple[nn.Module, Inputs]:
    """In eval mode on the current GPU, in float16, the same weights each time, with inputs."""
    model = next(model for model in GPU_MODELS if model.name == name)
    torch.manual_seed(0)
    with torch.device("cuda"):
        module = model.build(batch).eval().half()
        inputs = model.inputs(batch)
    return module.requires_grad_(False), inputs


def _vision(name: str) -> GpuModel:
    def build(batch: int) -> nn.Module:
        module: nn.Module = import_torchvision().models.get_model(name, weights=None)
        for layer in module.modules():  # as trained ones are: not all alike
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.uniform_(layer.weight, 0.5, 1.0)
                nn.init.uniform_(layer.running_var, 0.5, 1.5)
                nn.init.normal_(layer.bias, std=0.1)
                nn.init.normal_(layer.running_mean, std=0.1)
            if isinstance(layer, nn.Linear) and not layer.weight.any():  # a head that would hide any error
                nn.init.normal_(layer.weight, std=0.02)
        return module

    return GpuModel(name, build, lambda batch: {"x": torch.randn(batch, 3, 224, 224).half()})


class _Output(nn.Module):
    """A model of transformers' that gives one tensor of its output."""

    def __init__(self, model: nn.Module, argument: str, result: str):
        super().__init__()
        self.model, self.argument, self.result = model, argument, result

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.model(**{self.argument: x})[self.result]
        return output


def _transformers(name: str, architecture: str, config: str, argument: str, result: str, **options: Any) -> Any:
    def build(batch: int) -> nn.Module:
        import_torchvision()
        transformers = importlib.import_module("transformers")
        model = getattr(transformers, architecture)(getattr(transformers, config)(**options))
        return _Output(getattr(model, "encoder", model) if name == "whisper_encoder" else model, argument, result)

    return build


def _tokens(batch: int) -> Inputs:
    return {"x": torch.randint(5, 1000, (batch, 128))}


# ---------------------------------------------------------------- a language model like Llama


class _Norm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = x.float()
        return self.weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)).to(x.dtype)


def _rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    left, right = x.chunk(2, -1)
    return x * cos + torch.cat((-right, left), -1) * sin


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, groups: int, inner: int, cache: tuple[int, int] | None):
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, width // heads
        self.before, self.after = _Norm(width), _Norm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key, self.value = (nn.Linear(width, groups * self.size, bias=False) for _ in range(2))
        self.out = nn.Linear(width, width, bias=False)
        self.gate, self.up = (nn.Linear(width, inner, bias=False) for _ in range(2))
        self.down = nn.Linear(inner, width, bias=False)
        if cache is not None:
            for name in ("keys", "values"):
                self.register_buffer(name, torch.zeros(cache[0], groups, cache[1], self.size))

    def _for_all_heads(self, x: torch.Tensor) -> torch.Tensor:
        batch, groups, length, size = x.shape
        repeated = x[:, :, None].expand(batch, groups, self.heads // groups, length, size)
        return repeated.reshape(batch, self.heads, length, size)

    def forward(
        self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, position: torch.Tensor | None, mask: Any
    ) -> torch.Tensor:
        batch, length, width = x.shape
        normed = self.before(x)
        query, key, value = (
            layer(normed).view(batch, length, -1, self.size).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        query, key = _rotated(query, cos, sin), _rotated(key, cos, sin)
        if position is not None:
            self.keys.index_copy_(2, position, key)
            self.values.index_copy_(2, position, value)
            key, value = self.keys, self.values
        attended = F.scaled_dot_product_attention(
            query,
            self._for_all_heads(key),
            self._for_all_heads(value),
            attn_mask=mask,
            is_causal=mask is None,
        )
        x = x + self.out(attended.transpose(1, 2).reshape(batch, length, width))
        normed = self.after(x)
        return x + self.down(F.silu(self.gate(normed)) * self.up(normed))


class Llama(nn.Module):
    """A decoder of Llama's kind and the size of its smallest: 1.2 billion parameters.

    `cache`: for how many sequences, and of which length, it keeps keys and values in buffers; it takes one token of
    each at a time then, and their position. Without, it takes whole sequences.
    """

    def __init__(
        self, cache: tuple[int, int] | None = None, layers: int = 16, width: int = 2048, vocabulary: int = 128256
    ):
        super().__init__()
        heads, groups, inner = width // 64, width // 256, 4 * width
        self.embedding = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(_Layer(width, heads, groups, inner, cache) for _ in range(layers))
        self.norm = _Norm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.embedding.weight
        self.length = cache[1] if cache else 0
        self.register_buffer("frequencies", 500000.0 ** -(torch.arange(0, 64, 2).float() / 64))
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, x: torch.Tensor, position: torch.Tensor | None = None) -> torch.Tensor:
        places = torch.arange(x.shape[1], device=x.device) if position is None else position
        angles = places.float()[:, None] * self.frequencies.float()[None, :]
        angles = torch.cat((angles, angles), -1)
        states = self.embedding(x)
        cos, sin = angles.cos().to(states.dtype), angles.sin().to(states.dtype)
        mask = None if position is None else torch.arange(self.length, device=x.device)[None, :] <= position[:, None]
        for layer in self.layers:
            states = layer(states, cos, sin, position, mask)
        logits: torch.Tensor = self.head(self.norm(states[:, -1:]))
        return logits


# ---------------------------------------------------------------- a denoising network like Stable Diffusion's


class _Residual(nn.Module):
    def __init__(self, before: int, after: int):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(32, before), nn.GroupNorm(32, after)
        self.conv1, self.conv2 = nn.Conv2d(before, after, 3, padding=1), nn.Conv2d(after, after, 3, padding=1)
        self.time = nn.Linear(1280, after)
        self.skip = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        y = self.conv1(F.silu(self.norm1(x))) + self.time(F.silu(time))[:, :, None, None]
        summed: torch.Tensor = self.skip(x) + self.conv2(F.silu(self.norm2(y)))
        return summed


class _Attention(nn.Module):
    def __init__(self, width: int, context: int):
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key, self.value = (nn.Linear(context, width, bias=False) for _ in range(2))
        self.out = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            y.view(y.shape[0], y.shape[1], 8, -1).transpose(1, 2)
            for y in (self.query(x), self.key(context), self.value(context))
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        result: torch.Tensor = self.out(attended.transpose(1, 2).reshape(x.shape))
        return result


class _Transformer(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.GroupNorm(32, width)
        self.into, self.out_of = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.own, self.cross = _Attention(width, width), _Attention(width, 768)
        self.wide, self.narrow = nn.Linear(width, 8 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        batch, width, height, columns = x.shape
        y = self.into(self.norm(x)).permute(0, 2, 3, 1).reshape(batch, height * columns, width)
        normed = self.norms[0](y)
        y = y + self.own(normed, normed)
        y = y + self.cross(self.norms[1](y), context)
        inner, gate = self.wide(self.norms[2](y)).chunk(2, -1)
        y = y + self.narrow(inner * F.gelu(gate))
        summed: torch.Tensor = x + self.out_of(y.reshape(batch, height, columns, width).permute(0, 3, 1, 2))
        return summed


class UNet(nn.Module):
    """A denoising network of the shape and size of Stable Diffusion 1's, for latents of 64 x 64."""

    def __init__(self, widths: tuple[int, ...] = (320, 640, 1280, 1280)):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(320, 1280), nn.SiLU(), nn.Linear(1280, 1280))
        self.first, self.norm = nn.Conv2d(4, widths[0], 3, padding=1), nn.GroupNorm(32, widths[0])
        self.last = nn.Conv2d(widths[0], 4, 3, padding=1)
        self.down, self.up, kept, width = nn.ModuleList(), nn.ModuleList(), [widths[0]], widths[0]
        for level, wide in enumerate(widths):
            for _ in range(2):
                self.down.append(self._step(width, wide, level < 3))
                width = wide
                kept.append(width)
            if level < 3:
                self.down.append(nn.ModuleList([nn.Conv2d(width, width, 3, stride=2, padding=1)]))
                kept.append(width)
        self.middle = nn.ModuleList([_Residual(width, width), _Transformer(width), _Residual(width, width)])
        for level in reversed(range(4)):
            for block in range(3):
                step = self._step(width + kept.pop(), widths[level], level < 3)
                width = widths[level]
                if block == 2 and level > 0:
                    step.append(nn.Conv2d(width, width, 3, padding=1))
                self.up.append(step)

    @staticmethod
    def _step(before: int, after: int, attends: bool) -> nn.ModuleList:
        return nn.ModuleList([_Residual(before, after), *([_Transformer(after)] if attends else [])])

    def forward(self, x: torch.Tensor, time: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        time = self.time(time)

        def run(step: Any, x: torch.Tensor) -> torch.Tensor:
            for layer in step:
                if isinstance(layer, _Residual):
                    x = layer(x, time)
                elif isinstance(layer, _Transformer):
                    x = layer(x, context)
                else:
                    x = layer(F.interpolate(x, scale_factor=2.0) if layer.stride == (1, 1) else x)
            return x

        x = self.first(x)
        kept = [x]
        for step in self.down:
            x = run(step, x)
            kept.append(x)
        x = run(self.middle, x)
        for step in self.up:
            x = run(step, torch.cat((x, kept.pop()), 1))
        denoised: torch.Tensor = self.last(F.silu(self.norm(x)))
        return denoised


def _latents(batch: int) -> Inputs:
    return {
        "x": torch.randn(batch, 4, 64, 64).half(),
        "time": torch.randn(batch, 320).half(),
        "context": torch.randn(batch, 77, 768).half(),
    }


LENGTH = 512
_WHISPER = {"d_model": 768, "encoder_layers": 12, "encoder_attention_heads": 12, "encoder_ffn_dim": 3072}

GPU_MODELS = (
    _vision("resnet50"),
    _vision("convnext_tiny"),
    _vision("vit_b_16"),
    _vision("swin_t"),
    GpuModel("bert", _transformers("bert", "BertModel", "BertConfig", "input_ids", "last_hidden_state"), _tokens),
    GpuModel(
        "gpt2", _transformers("gpt2", "GPT2LMHeadModel", "GPT2Config", "input_ids", "logits", use_cache=False), _tokens
    ),
    GpuModel("llama_prefill", lambda batch: Llama(), lambda batch: {"x": torch.randint(5, 1000, (batch, LENGTH))}),
    GpuModel(
        "llama_decode",
        lambda batch: Llama(cache=(batch, LENGTH)),
        lambda batch: {"x": torch.randint(5, 1000, (batch, 1)), "position": torch.full((1,), LENGTH // 2)},
    ),
    GpuModel(
        "whisper_encoder",
        _transformers(
            "whisper_encoder",
            "WhisperModel",
            "WhisperConfig",
            "input_features",
            "last_hidden_state",
            decoder_layers=1,
            **_WHISPER,
        ),
        lambda batch: {"x": torch.randn(batch, 80, 3000).half()},
    ),
    GpuModel("unet", lambda batch: UNet(), _latents),
)
