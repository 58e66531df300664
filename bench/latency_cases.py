"""What bench.latency runs: models at the sizes that one call of a deployed model has.

The small ones of the tests have the same names, and other sizes.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from testing.decoder_step import DecoderStep
from testing.models import MODELS, SMALL_MODELS, VOCABULARY, Argument, Case, Range
from testing.torchvision_shim import import_torchvision
from testing.unet import UNet


def _tokens(*shape: int) -> torch.Tensor:
    return torch.randint(5, VOCABULARY, shape)


def _whisper_encoder(case: Case) -> Case:
    def build() -> nn.Module:
        return case.build().get_encoder()

    features = {"input_features": case.arguments["input_features"]}
    return replace(case, name="whisper-encoder", build=build, dims={"batch": Range(1, 1, 8)}, arguments=features)


def _decode(small: bool) -> Case:
    width, layers, heads, kv_heads, hidden = (64, 2, 4, 2, 128) if small else (1024, 12, 16, 8, 2816)
    cache = Argument((layers, 2, "batch", kv_heads, "past", width // heads))
    return Case(
        "llama-decode",
        lambda: DecoderStep(VOCABULARY, width, layers, heads, kv_heads, hidden),
        {"batch": Range(1, 1, 4), "past": Range(1, 12, 31) if small else Range(1, 256, 1023)},
        {"tokens": Argument(("batch", 1), _tokens, torch.int64), "cache": cache},
    )


def _unet(small: bool) -> Case:
    widths, side = ((16, 32), 8) if small else ((128, 256, 512), 32)
    arguments = {
        "x": Argument(("batch", 4, side, side)),
        "step": Argument(("batch",), lambda *shape: torch.randint(0, 1000, shape), torch.int64),
    }
    return Case("unet", lambda: UNet(widths=widths), {"batch": Range(1, 1, 8)}, arguments)


def _mobilenet(small: bool) -> Case:
    side = 64 if small else 224

    def build() -> nn.Module:
        return import_torchvision().models.mobilenet_v3_large(weights=None)

    return Case("mobilenet_v3", build, {"batch": Range(1, 1, 16)}, {"x": Argument(("batch", 3, side, side))})


def _of(case: Case, name: str, **usual: int) -> Case:
    """The same model at other usual sizes."""
    dims = {dim: range_._replace(opt=usual.get(dim, range_.opt)) for dim, range_ in case.dims.items()}
    return replace(case, name=name, dims=dims)


def _cases(small: bool) -> dict[str, Case]:
    models = SMALL_MODELS if small else MODELS
    short, long = (8, 32) if small else (128, 512)
    cases = [
        _of(models["resnet50"], "resnet50-b1", batch=1),
        _of(models["resnet50"], "resnet50-b8", batch=8),
        _of(models["bert"], "bert-s128", batch=1, sequence=short),
        _of(models["bert"], "bert-s512", batch=1, sequence=long),
        _of(models["vit_b_16"], "vit_b_16-b1", batch=1),
        _of(models["llama"], "llama-prefill", batch=1, sequence=short),
        _decode(small),
        _mobilenet(small),
        _whisper_encoder(models["whisper"]),
        _unet(small),
    ]
    return {case.name: case for case in cases}


CASES = {**MODELS, **_cases(small=False)}
SMALL_CASES = {**SMALL_MODELS, **_cases(small=True)}
#: What is compared where nothing else is asked for.
TEN = tuple(_cases(small=False))
