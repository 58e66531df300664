"""Engines of TensorRT-RTX, built without a GPU. Nothing runs: that needs a card that it supports."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import tracejet
from testing.models import SMALL_MODELS
from tests.support.lambda_module import Lambda, batch
from tests.support.quantized_models import CONFIGS, WEIGHTS_ONLY, Symmetric, quantized
from tests.support.small_models import ImageClassifier
from tracejet.engines.tensorrt.library import installed_module

pytestmark = pytest.mark.skipif(
    installed_module() != "tensorrt_rtx", reason="TensorRT-RTX isn't installed: pip install tracejet[tensorrt]"
)

CAPABILITIES = ["8.6", "8.9", "12.0"]
convert = tracejet.dynamo.convert_exported_program_to_serialized_trt_engine


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_program_becomes_an_engine_in_bytes(device: str, dtype: torch.dtype) -> None:
    program = tracejet.trace(ImageClassifier().eval(), arg_inputs=[batch(3, 8, 8)], device=device)
    blob = convert(program, enabled_precisions={dtype}, compute_capabilities=CAPABILITIES)
    assert blob.startswith(b"vtrt") and len(blob) > 1000


@pytest.mark.parametrize(
    "settings",
    [
        {"workspace_size": 1 << 30},
        {"optimization_level": 1},
        {"disable_tf32": True},
        {"sparse_weights": True},
        {"version_compatible": True},
        {"hardware_compatible": True},
        {"enable_weight_streaming": True},
        {"max_aux_streams": 1, "num_avg_timing_iters": 2},
    ],
    ids=str,
)
def test_settings_build(settings: dict[str, Any]) -> None:
    program = tracejet.trace(ImageClassifier().eval(), arg_inputs=[batch(3, 8, 8)], device="cuda")
    assert convert(program, compute_capabilities=["8.9"], **settings)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_models_of_narrow_weights(dtype: torch.dtype) -> None:
    program = tracejet.trace(
        ImageClassifier().eval().to(dtype), arg_inputs=[batch(3, 8, 8, dtype=dtype)], device="cuda"
    )
    assert convert(program, compute_capabilities=["8.9"])


def test_a_gpu_that_it_doesnt_build_for_is_named() -> None:
    with pytest.raises(tracejet.InvalidInput, match=r"doesn't build for 9.0; it does for 7.5, 8.0"):
        convert(ImageClassifier().eval(), [batch(3, 8, 8)], compute_capabilities=["9.0"])


@pytest.mark.parametrize("name", [*WEIGHTS_ONLY, "symmetric"])
def test_quantized_models_build_whole(name: str) -> None:
    model = Symmetric() if name == "symmetric" else quantized(CONFIGS[name]())
    program = tracejet.trace(model, arg_inputs=[batch(64)], device="cuda")
    compiled = tracejet.compile(program, engine="tensorrt", compute_capabilities=CAPABILITIES)
    assert [part.engine for part in compiled.report.parts] == ["tensorrt"]


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_small_models_build(name: str) -> None:
    case = SMALL_MODELS[name]
    args, kwargs = case.tracejet_inputs()
    program = tracejet.trace(case.module(), arg_inputs=args, kwarg_inputs=kwargs, device="cuda")
    compiled = tracejet.compile(program, compute_capabilities=CAPABILITIES)
    assert "tensorrt" in compiled.report.engines
    assert compiled.report.notes == ()


def test_what_it_doesnt_take_is_listed_and_split_off() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        y = torch.fft.rfft(x * 2).abs()
        return (y + 1).relu()

    program = tracejet.trace(Lambda(forward), arg_inputs=[batch(8)], device="cuda")
    with pytest.raises(tracejet.UnsupportedOperator, match="aten::"):
        convert(program)
    compiled = tracejet.compile(program, min_block_size=1)
    assert compiled.report.engines == ("tensorrt", "aten")


@pytest.mark.skipif(torch.cuda.is_available(), reason="shows what happens where there is no GPU")
def test_running_needs_a_gpu() -> None:
    program = tracejet.trace(ImageClassifier().eval(), arg_inputs=[batch(3, 8, 8)], device="cuda")
    compiled = tracejet.compile(program, compute_capabilities=CAPABILITIES)
    with pytest.raises(tracejet.InvalidInput, match="cuda"):
        compiled(torch.randn(2, 3, 8, 8))
