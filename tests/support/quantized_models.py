"""Quantised models: torchao's in place, and those of PT2E."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torchao.quantization as torchao
from torch import nn


def mlp(width: int = 64) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 4)).eval()


def quantized(config: Any, module: nn.Module | None = None) -> nn.Module:
    model = mlp() if module is None else module
    torchao.quantize_(model, config)
    return model


CONFIGS: dict[str, Callable[[], Any]] = {
    "int8 weights": lambda: torchao.Int8WeightOnlyConfig(),
    "int8": lambda: torchao.Int8DynamicActivationInt8WeightConfig(),
    "int4 weights": lambda: torchao.IntxWeightOnlyConfig(torch.int4, torchao.PerGroup(32)),
    "int8 with int4 weights": lambda: torchao.Int8DynamicActivationIntxWeightConfig(torch.int4, torchao.PerGroup(32)),
    "float8 weights": lambda: torchao.Float8WeightOnlyConfig(),
}


def convolutions() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(64, 5)).eval()


def converted(model: nn.Module, example: torch.Tensor, qat: bool = False) -> nn.Module:
    """Quantised by way of torch.export."""
    from torchao.quantization.pt2e import quantize_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    rows = torch.export.Dim("rows", min=2, max=9)
    exported = torch.export.export(model, (example,), dynamic_shapes=({0: rows},)).module()
    quantizer = x86.X86InductorQuantizer().set_global(x86.get_default_x86_inductor_quantization_config(is_qat=qat))
    prepare = quantize_pt2e.prepare_qat_pt2e if qat else quantize_pt2e.prepare_pt2e
    prepared = prepare(exported, quantizer)
    prepared(example)
    return quantize_pt2e.convert_pt2e(prepared)


#: Those of CONFIGS that TensorRT takes whole. torchao's int8 multiplies integers (`_int_mm`).
WEIGHTS_ONLY = ("int8 weights", "int4 weights", "int8 with int4 weights")


class Symmetric(nn.Module):
    """Two linear layers on int8 of both signs, per tensor and per channel."""

    def __init__(self, width: int = 64):
        super().__init__()
        torch.manual_seed(0)
        for name in ("first", "second"):
            self.register_buffer(f"{name}_weight", torch.randint(-127, 128, (width, width), dtype=torch.int8))
            self.register_buffer(f"{name}_scales", torch.rand(width) * 1e-3 + 1e-3)
        self.register_buffer("zeros", torch.zeros(width, dtype=torch.int64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer(x, self.first_weight, self.first_scales).relu()
        return self.layer(x, self.second_weight, self.second_scales)

    def layer(self, x: torch.Tensor, weight: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
        ops = torch.ops.quantized_decomposed
        steps = ops.quantize_per_tensor(x, 0.05, 0, -128, 127, torch.int8)
        x = ops.dequantize_per_tensor(steps, 0.05, 0, -128, 127, torch.int8)
        weight = ops.dequantize_per_channel(weight, scales, self.zeros, 0, -128, 127, torch.int8)
        return nn.functional.linear(x, weight)


#: Where activations are quantized, a value between two integers may become the other one: engines divide by scales,
#: ATen multiplies by their inverses. torchao's int8 has the greatest value of each row there. This is one such step.
ONE_STEP = 2e-2
ENGINE_TOLERANCE = {"int8": ONE_STEP, "int8 with int4 weights": ONE_STEP}
