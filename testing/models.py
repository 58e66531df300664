"""Ten real architectures with random weights, built offline, with the inputs they take and the sizes that may vary.

case = MODELS["bert"]                # full size: what people deploy; SMALL_MODELS["bert"] for tests
model = case.module()                # in eval mode, the same weights every time
args, kwargs = case.example("opt")   # tensors, at the sizes "min", "opt", "max" or {"batch": 3, ...}
case.tracejet_inputs()               # the same as tracejet.Input, with every varying dimension dynamic
case.dynamic_shapes()                # the same for torch.export.export
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn

from testing.torchvision_shim import import_torchvision


class Range(NamedTuple):
    """The sizes that a dimension takes: the least, the usual and the greatest."""

    min: int
    opt: int
    max: int


@dataclass(frozen=True)
class Argument:
    """An input tensor: an axis is a number, or the name of a dimension that varies."""

    axes: tuple[int | str, ...]
    make: Callable[..., torch.Tensor] = torch.randn
    dtype: torch.dtype = torch.float32

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        return tuple(sizes[axis] if isinstance(axis, str) else axis for axis in self.axes)

    def varying(self) -> dict[int, str]:
        return {i: axis for i, axis in enumerate(self.axes) if isinstance(axis, str)}


@dataclass(frozen=True)
class Case:
    name: str
    build: Callable[[], nn.Module]
    dims: Mapping[str, Range]
    arguments: Mapping[str, Argument]  # in the order of forward()
    by_keyword: bool = field(default=False)

    def module(self) -> nn.Module:
        torch.manual_seed(0)
        return self.build().eval()

    def sizes(self, which: str | Mapping[str, int] = "opt") -> dict[str, int]:
        if isinstance(which, str):
            return {name: getattr(range_, which) for name, range_ in self.dims.items()}
        return {**self.sizes("opt"), **which}

    def example(self, which: str | Mapping[str, int] = "opt", seed: int = 0) -> tuple[tuple[Any, ...], dict[str, Any]]:
        torch.manual_seed(seed)
        sizes = self.sizes(which)
        return self._call({name: a.make(*a.shape(sizes)) for name, a in self.arguments.items()})

    def tracejet_inputs(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        from tracejet import Input

        def declared(name: str, argument: Argument) -> Any:
            shapes = {f"{which}_shape": argument.shape(self.sizes(which)) for which in Range._fields}
            return Input(**shapes, dtype=argument.dtype, name=name, shared_dims=argument.varying())

        return self._call({name: declared(name, argument) for name, argument in self.arguments.items()})

    def dynamic_shapes(self) -> dict[str, dict[int, Any]]:
        dims = {name: torch.export.Dim(name, min=range_.min, max=range_.max) for name, range_ in self.dims.items()}
        return {name: {i: dims[d] for i, d in a.varying().items()} for name, a in self.arguments.items()}

    def _call(self, values: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return ((), values) if self.by_keyword else (tuple(values.values()), {})


# ---------------------------------------------------------------- inputs

VOCABULARY = 1000  # token ids stay below it, so that they suit every model


def _token_ids(*shape: int) -> torch.Tensor:
    return torch.randint(5, VOCABULARY, shape)


def _left_padding(*shape: int) -> torch.Tensor:
    """An attention mask whose first row is padded by a quarter."""
    mask = torch.ones(shape, dtype=torch.int64)
    mask[0, : shape[1] // 4] = 0
    return mask


_IDS = Argument(("batch", "sequence"), _token_ids, torch.int64)
_MASK = Argument(("batch", "sequence"), _left_padding, torch.int64)
_DECODER_IDS = Argument(("batch", "target"), _token_ids, torch.int64)


def _vision(name: str, build: Callable[[], nn.Module], pixels: int) -> Case:
    image = Argument(("batch", 3, pixels, pixels))
    return Case(name, build, {"batch": Range(1, 2, 16)}, {"x": image})


def _text(name: str, build: Callable[[], nn.Module], sequence: Range) -> Case:
    dims = {"batch": Range(1, 2, 16), "sequence": sequence}
    return Case(name, build, dims, {"input_ids": _IDS, "attention_mask": _MASK}, by_keyword=True)


# ---------------------------------------------------------------- builders


def _torchvision(name: str, **options: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        model = import_torchvision().models.get_model(name, weights=None, **options)
        for module in model.modules():  # vision transformers start with a head of zeros, which would hide any error
            if isinstance(module, nn.Linear) and not module.weight.any():
                nn.init.normal_(module.weight, std=0.02)
        return model

    return build


def _timm(name: str, **options: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import_torchvision()
        import timm

        return timm.create_model(name, pretrained=False, **options)

    return build


def _transformers(architecture: str, config: str, **options: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import_torchvision()
        import transformers

        return getattr(transformers, architecture)(getattr(transformers, config)(**options))

    return build


def _small_resnet() -> nn.Module:
    resnet = import_torchvision().models.resnet
    return resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], num_classes=10)


# ---------------------------------------------------------------- the collection


def _models(small: bool) -> dict[str, Case]:
    def pick(full: dict[str, Any], reduced: dict[str, Any]) -> dict[str, Any]:
        return reduced if small else full

    pixels = 64 if small else 224
    sequence = Range(4, 12, 32) if small else Range(8, 128, 512)
    target = Range(2, 5, 16) if small else Range(4, 32, 128)
    tiny = {"vocab_size": VOCABULARY, "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4}
    frames, mels = (100, 16) if small else (3000, 80)

    resnet = _small_resnet if small else _torchvision("resnet50")
    vit = _timm("vit_tiny_patch16_224", depth=2, img_size=64) if small else _torchvision("vit_b_16")
    convnext = _timm("convnext_atto", depths=(1, 1, 1, 1)) if small else _timm("convnext_tiny")
    swin_small = {"img_size": 64, "window_size": 4, "depths": (2, 2), "embed_dim": 32, "num_heads": (2, 4)}
    swin = _timm("swin_tiny_patch4_window7_224", **pick({}, swin_small))
    bert = _transformers("BertModel", "BertConfig", **pick({}, {**tiny, "intermediate_size": 128}))
    gpt2_small = {
        "vocab_size": VOCABULARY,
        "n_layer": 2,
        "n_embd": 64,
        "n_head": 4,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    gpt2 = _transformers("GPT2LMHeadModel", "GPT2Config", use_cache=False, **pick({}, gpt2_small))
    llama_full = {"hidden_size": 1024, "num_hidden_layers": 12, "num_attention_heads": 16, "intermediate_size": 2816}
    llama_small = {**tiny, "num_key_value_heads": 2, "intermediate_size": 128}
    llama = _transformers(
        "LlamaForCausalLM",
        "LlamaConfig",
        use_cache=False,
        **pick({**llama_full, "num_key_value_heads": 8}, llama_small),
    )
    whisper_full = {"d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "encoder_attention_heads": 8}
    whisper_full |= {"decoder_attention_heads": 8, "encoder_ffn_dim": 2048, "decoder_ffn_dim": 2048}
    whisper_small = {"d_model": 64, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4}
    whisper_small |= {"decoder_attention_heads": 4, "encoder_ffn_dim": 128, "decoder_ffn_dim": 128}
    whisper_small |= {"num_mel_bins": mels, "max_source_positions": frames // 2, "vocab_size": VOCABULARY}
    whisper_small |= {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    whisper = _transformers("WhisperModel", "WhisperConfig", use_cache=False, **pick(whisper_full, whisper_small))
    t5_small = {"vocab_size": VOCABULARY, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4}
    t5 = _transformers("T5ForConditionalGeneration", "T5Config", use_cache=False, **pick({}, t5_small))

    cases = [
        _vision("resnet50", resnet, pixels),
        _vision("vit_b_16", vit, pixels),
        _vision("convnext", convnext, pixels),
        _vision("swin", swin, pixels),
        _vision("efficientnet_b0", _timm("efficientnet_b0"), pixels),
        _text("bert", bert, sequence),
        _text("gpt2", gpt2, sequence),
        _text("llama", llama, sequence),
        Case(
            "whisper",
            whisper,
            {"batch": Range(1, 2, 8), "target": target},
            {"input_features": Argument(("batch", mels, frames)), "decoder_input_ids": _DECODER_IDS},
            by_keyword=True,
        ),
        Case(
            "t5",
            t5,
            {"batch": Range(1, 2, 16), "sequence": sequence, "target": target},
            {"input_ids": _IDS, "attention_mask": _MASK, "decoder_input_ids": _DECODER_IDS},
            by_keyword=True,
        ),
    ]
    return {case.name: case for case in cases}


MODELS = _models(small=False)
SMALL_MODELS = _models(small=True)
