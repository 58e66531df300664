"""TorchScript files of timm and transformers, scripted and traced: their programs hold for every size declared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import nn

import tracejet
from testing.torchvision_shim import import_torchvision

import_torchvision()
timm = pytest.importorskip("timm")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore")  # torch.jit is deprecated, and models of transformers warn of traces

BATCHES = (1, 2, 4, 12)  # an example has two
LENGTHS = (2, 9, 17, 31)  # an example has nine


def assert_holds(script: torch.jit.ScriptModule, path: Path, declared: tracejet.Input, calls: Sequence) -> None:
    script.save(path)
    module = tracejet.trace(torch.jit.load(path), arg_inputs=[declared]).module()
    for example in calls:
        with torch.no_grad():
            torch.testing.assert_close(module(example), script(example), rtol=1e-3, atol=1e-4)


def declared(
    lengths: Sequence[int | None], sizes: tuple[int, ...] = (), dtype: torch.dtype = torch.float32
) -> tracejet.Input:
    least, usual, greatest = (
        (batch, *([] if length is None else [length]), *sizes)
        for batch, length in zip((1, 4, 12), lengths, strict=True)
    )
    return tracejet.Input(min_shape=least, opt_shape=usual, max_shape=greatest, dtype=dtype, name="x")


# Scripted -----------------------------------------------------------------------------------------------------------

FEW = {"regnetx_002": 64}
MORE = {
    "convnext_atto": 64,
    "cspresnet50": 64,
    "densenet121": 64,
    "dla34": 64,
    "efficientnet_lite0": 64,
    "ghostnet_050": 64,
    "mixnet_s": 64,
    "mobilenetv3_small_050": 64,
    "poolformer_s12": 64,
    "resnet18": 64,
    "resnext26ts": 64,
    "rexnet_100": 64,
    "tf_efficientnetv2_b0": 64,
    "vit_tiny_patch16_224": 224,
    "vovnet39a": 64,
}


@pytest.mark.parametrize(
    ("name", "size"), [*FEW.items(), *(pytest.param(*item, marks=pytest.mark.slow) for item in MORE.items())]
)
def test_scripted_models_of_timm_hold_for_every_batch(name: str, size: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    script = torch.jit.script(timm.create_model(name, pretrained=False).eval())
    calls = [torch.randn(batch, 3, size, size) for batch in BATCHES]
    assert_holds(script, tmp_path / "model.pt", declared([None] * 3, (3, size, size)), calls)


# Traced -------------------------------------------------------------------------------------------------------------


class First(nn.Module):
    """The first result of a model that has several."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)[0]


WIDTHS = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
TEXT = {**WIDTHS, "vocab_size": 100}
IMAGES = {**WIDTHS, "image_size": 32, "patch_size": 8}


def of_transformers(model: str, config: str, **sizes: int | bool) -> nn.Module:
    torch.manual_seed(0)
    return First(getattr(transformers, model)(getattr(transformers, config)(return_dict=False, **sizes))).eval()


OF_TEXT: dict[str, Callable[[], nn.Module]] = {
    "albert": lambda: of_transformers("AlbertModel", "AlbertConfig", embedding_size=16, **TEXT),
    "bert": lambda: of_transformers("BertModel", "BertConfig", **TEXT),
    "distilbert": lambda: of_transformers(
        "DistilBertModel", "DistilBertConfig", dim=32, n_layers=2, n_heads=4, hidden_dim=64, vocab_size=100
    ),
    "electra": lambda: of_transformers("ElectraModel", "ElectraConfig", embedding_size=16, **TEXT),
    "gpt2": lambda: of_transformers(
        "GPT2Model", "GPT2Config", n_embd=32, n_layer=2, n_head=4, vocab_size=100, use_cache=False
    ),
    "llama": lambda: of_transformers("LlamaModel", "LlamaConfig", use_cache=False, **TEXT),
    "roberta": lambda: of_transformers("RobertaModel", "RobertaConfig", **TEXT),
    "t5": lambda: of_transformers(
        "T5EncoderModel", "T5Config", d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, vocab_size=100
    ),
}
OF_IMAGES: dict[str, Callable[[], nn.Module]] = {
    "clip": lambda: of_transformers("CLIPVisionModel", "CLIPVisionConfig", **IMAGES),
    "deit": lambda: of_transformers("DeiTModel", "DeiTConfig", **IMAGES),
    "vit": lambda: of_transformers("ViTModel", "ViTConfig", **IMAGES),
}


@pytest.mark.parametrize("name", OF_TEXT)
def test_traced_models_of_text_hold_for_every_batch_and_length(name: str, tmp_path: Path) -> None:
    script = torch.jit.trace(OF_TEXT[name](), torch.randint(0, 100, (2, 9)), check_trace=False, strict=False)
    calls = [torch.randint(0, 100, (batch, length)) for batch in BATCHES for length in LENGTHS]
    assert_holds(script, tmp_path / "model.pt", declared((2, 9, 31), dtype=torch.int64), calls)


@pytest.mark.parametrize("name", OF_IMAGES)
def test_traced_models_of_images_hold_for_every_batch(name: str, tmp_path: Path) -> None:
    script = torch.jit.trace(OF_IMAGES[name](), torch.randn(2, 3, 32, 32), check_trace=False, strict=False)
    calls = [torch.randn(batch, 3, 32, 32) for batch in BATCHES]
    assert_holds(script, tmp_path / "model.pt", declared([None] * 3, (3, 32, 32)), calls)


# The sizes of the example, in the file ------------------------------------------------------------------------------


class Calling(nn.Module):
    def __init__(self, function: Callable) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: x.view(int(x.shape[0]), -1),
        lambda x: x.reshape(-1, int(x.shape[0])).sum(1),
        lambda x: x / int(x.shape[0]),
        lambda x: x[: int(x.shape[0])],
        lambda x: nn.functional.pad(x, (0, 0, 0, 8 - int(x.shape[0]))),
        lambda x: torch.arange(x.shape[0])[:, None] + x,
    ],
    ids=["view", "reshape", "divide", "slice", "pad", "arange"],
)
def test_numbers_in_a_traced_file_are_what_the_file_says(forward: Callable, tmp_path: Path) -> None:
    script = torch.jit.trace(Calling(forward), torch.randn(4, 4), check_trace=False)
    calls = [torch.randn(batch, 4) for batch in BATCHES]
    assert_holds(script, tmp_path / "model.pt", declared([None] * 3, (4,)), calls)


@pytest.mark.parametrize(
    ("forward", "says"),
    [
        (lambda x: x + torch.zeros(int(x.shape[0]), 1), "must be 4$"),
        (lambda x: x.expand(int(x.shape[0]), 4), "must be 4$"),
        (lambda x: x.unbind(0)[2], "must be 4$"),
        (lambda x: torch.stack([x[i] for i in range(x.shape[0])]), "must be 4 to 12$"),
    ],
    ids=["add", "expand", "unbind", "loop"],
)
def test_a_traced_file_that_only_holds_for_its_example_is_refused(forward: Callable, says: str) -> None:
    script = torch.jit.trace(Calling(forward), torch.randn(4, 4), check_trace=False)
    with pytest.raises(tracejet.ConstraintViolation, match=rf"(?m)x\[0\].* {says}"):
        tracejet.trace(script, arg_inputs=[declared([None] * 3, (4,))])
