"""Small models, one per thing that an ExportedProgram has to say about a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from tracejet import Input


@dataclass
class Case:
    name: str
    model: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    dynamic: dict[str, Any] | None = None  #: as torch.export's dynamic_shapes: a dict from arguments to axes

    def __str__(self) -> str:
        return self.name


class ConvNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Linear(8, 4)

    def forward(self, image):
        return self.head(self.features(image).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(16, 8)
        self.qkv = nn.Linear(8, 24)
        self.norm = nn.LayerNorm(8)

    def forward(self, tokens):
        batch, length = tokens.shape
        x = self.embed(tokens)
        q, k, v = self.qkv(self.norm(x)).view(batch, length, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        return x + y.transpose(1, 2).reshape(batch, length, 8)


class Counter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("scratch", torch.ones(3), persistent=False)
        self.register_buffer("unused", torch.ones(2))

    def forward(self, x):
        self.calls.add_(1)
        self.scratch.mul_(x.mean())
        return x * self.calls + self.scratch


class WritesInput(nn.Module):
    def forward(self, x, out):
        out.copy_(x * 2)
        x.add_(1)
        return out + x


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(16, 8)
        self.head = nn.Linear(8, 16, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens):
        return self.head(self.embed(tokens))


class Nested(nn.Module):
    def forward(self, state, scale, *, extra):
        first, (second, third) = state["pair"]
        return {"sum": first + second * scale, "parts": [third, (extra["bias"] - first, None)], "scale": scale}


class Literals(nn.Module):
    def forward(self, x, times, mode, flag=None):
        return x * times if mode == "mul" and flag is None else x, None, 2.5, True


class SharedOutputs(nn.Module):
    def forward(self, x):
        y = x + 1
        return y, y, x, x.size(0) * 2


class Constants(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = torch.arange(4.0)

    def forward(self, x):
        return x + self.table * torch.tensor([1.0, 2.0, 3.0, 4.0])


class NamedLikeConstants(nn.Module):
    """Its buffers are called what constants are called that have no name: so are those of `program.module()`."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("lifted_tensor_0", torch.full((4,), 7.0), persistent=False)
        self.register_buffer("lifted_tensor_2", torch.full((4,), 9.0))

    def forward(self, x):
        y = x * torch.tensor([1.0, 2.0, 3.0, 4.0]) + self.lifted_tensor_0
        return y * torch.tensor([5.0, 6.0, 7.0, 8.0]) - self.lifted_tensor_2


class Keywords(nn.Module):
    def forward(self, x, *rest, mask=None, **options):
        return torch.where(mask, x + rest[0], options["other"])


def cases() -> list[Case]:
    """Made anew for every use, because some of them change themselves."""
    torch.manual_seed(0)
    return [
        Case("conv_bn", ConvNet().eval(), (torch.randn(3, 3, 9, 9),), dynamic={"image": {0: 8}}),
        Case("attention", Attention().eval(), (torch.randint(16, (3, 5)),), dynamic={"tokens": {0: 8, 1: 16}}),
        Case("batchnorm_in_training", ConvNet().train(), (torch.randn(3, 3, 9, 9),), dynamic={"image": {0: 8}}),
        Case("buffer_mutation", Counter(), (torch.randn(4, 3),), dynamic={"x": {0: 8}}),
        Case("input_mutation", WritesInput(), (torch.randn(4, 3), torch.zeros(4, 3))),
        Case("tied_weights", Tied().eval(), (torch.randint(16, (3, 5)),), dynamic={"tokens": {0: 8}}),
        Case(
            "nested",
            Nested(),
            ({"pair": (torch.randn(2), [torch.randn(2), torch.randn(3)])}, 3),
            {"extra": {"bias": torch.randn(2)}},
        ),
        Case("literals", Literals(), (torch.randn(2, 3), 4, "mul", None)),
        Case("shared_outputs", SharedOutputs(), (torch.randn(4, 3),), dynamic={"x": {0: 8}}),
        Case("constants", Constants(), (torch.randn(3, 4),), dynamic={"x": {0: 8}}),
        Case("named_like_constants", NamedLikeConstants(), (torch.randn(3, 4),), dynamic={"x": {0: 8}}),
        Case(
            "keywords",
            Keywords(),
            (torch.randn(2, 3), torch.randn(3)),
            {"other": torch.randn(2, 3), "mask": torch.rand(2, 3) > 0.5},
        ),
    ]


def dynamic_inputs(case: Case) -> tuple[Input, ...]:
    """The case's arguments as Inputs, whose named axes run from 2 to the given size."""
    inputs = []
    for value, axes in zip(case.args, case.dynamic.values(), strict=True):
        low, high = list(value.shape), list(value.shape)
        for axis, most in axes.items():
            low[axis], high[axis] = 2, most
        domain = None if value.is_floating_point() else (0, 16)
        inputs.append(
            Input(min_shape=low, opt_shape=list(value.shape), max_shape=high, dtype=value.dtype, tensor_domain=domain)
        )
    return tuple(inputs)


def dynamic_shapes(case: Case) -> dict[str, Any]:
    """The same for torch.export."""
    return {
        name: {axis: torch.export.Dim(f"{name}_{axis}", min=2, max=most) for axis, most in axes.items()}
        for name, axes in case.dynamic.items()
    }
