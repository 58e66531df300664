"""Quantised models: their operators are nodes, and their programs compute what they compute."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import openvino
import pytest
import torch
from torch import nn
from torch.ao import quantization as eager_mode
from torch.utils import _pytree as pytree

import tracejet
from testing.compare import assert_equal, assert_same_as_eager
from tests.support.lambda_module import Lambda, batch
from tests.support.onnx_runtime import OnnxRuntime
from tests.support.quantized_models import (
    CONFIGS,
    ENGINE_TOLERANCE,
    ONE_STEP,
    converted,
    convolutions,
    mlp,
    quantized,
)


def saved_and_loaded(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    return torch.export.load(file)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_quantized_weights_are_plain_parameters(config: Callable[[], Any]) -> None:
    model, x = quantized(config()), torch.randn(5, 64)
    program = assert_same_as_eager(model, [batch(64)])
    assert any(name.startswith("0.parametrizations.weight.original") for name in program.state_dict)
    assert all(type(value) in (torch.Tensor, nn.Parameter) for value in program.state_dict.values())
    for run in (tracejet.compile(program, engine="aten"), saved_and_loaded(program).module()):
        assert_equal(model(x), run(x))


#: What each of CONFIGS calls of torchao's operators.
OPERATORS = {
    "int8 weights": set(),
    "int8": {"choose_qparams_affine", "quantize_affine"},
    "int4 weights": {"dequantize_affine"},
    "int8 with int4 weights": {"choose_qparams_affine", "quantize_affine", "dequantize_affine"},
    "float8 weights": set(),
}


def operators_of(program: torch.export.ExportedProgram, library: str) -> set[str]:
    targets = [node.target for node in program.graph.nodes if isinstance(node.target, torch._ops.OpOverload)]
    return {target._opname for target in targets if target.namespace == library}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("decompositions", ["tensorrt", "none"])
def test_operators_of_torchao_are_nodes(name: str, decompositions: str) -> None:
    model = quantized(CONFIGS[name]())
    program = tracejet.trace(model, arg_inputs=[batch(64)], decompositions=decompositions)
    assert operators_of(program, "torchao") == OPERATORS[name]
    for rows in (1, 7):
        x = torch.randn(rows, 64)
        assert_equal(model(x), program.module()(x))


@pytest.mark.parametrize("name", CONFIGS)
def test_operators_of_torchao_are_taken_apart_where_that_is_asked_for(name: str) -> None:
    model, table = quantized(CONFIGS[name]()), tracejet.DecompositionTable()
    for operator in OPERATORS[name]:
        table.expand(f"torchao::{operator}")
    for decompositions in (table, "core_aten"):
        program = tracejet.trace(model, arg_inputs=[batch(64)], decompositions=decompositions)
        assert operators_of(program, "torchao") == set()
        for rows in (1, 7):
            x = torch.randn(rows, 64)
            assert_equal(model(x), program.module()(x))


@pytest.mark.parametrize("name", CONFIGS)
def test_quantized_models_need_no_slow_way(name: str) -> None:
    assert tracejet.trace(quantized(CONFIGS[name]()), arg_inputs=[batch(64)]).slow_calls == {}


def test_a_batch_that_blocks_must_fill_is_asserted() -> None:
    scale = torch.rand(2) + 0.1

    def forward(x: torch.Tensor) -> torch.Tensor:
        scales = scale.repeat(x.shape[0] // 4)
        return torch.ops.torchao.quantize_affine(x, [4, 32], scales, torch.zeros_like(scales), torch.int8)

    model = Lambda(forward)
    program = tracejet.trace(model, arg_inputs=[batch(64, low=4, opt=8, high=16)])
    x = torch.randn(12, 64)
    assert_equal(model(x), program.module()(x))
    with pytest.raises(RuntimeError, match="Mod|%"):
        program.module()(torch.randn(6, 64))


@pytest.mark.parametrize(
    ("make", "shape"), [(mlp, (64,)), (convolutions, (3, 8, 8))], ids=["linear layers", "convolutions"]
)
def test_models_of_pt2e_keep_their_operators(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    x = torch.randn(6, *shape)
    model = converted(make(), x)
    program = assert_same_as_eager(model, [batch(*shape, low=2)])
    names = {str(node.target) for node in program.graph.nodes}
    assert {
        "quantized_decomposed.quantize_per_tensor.default",
        "quantized_decomposed.dequantize_per_tensor.default",
        "quantized_decomposed.dequantize_per_channel.default",
    } <= names
    for run in (tracejet.compile(program, engine="aten"), saved_and_loaded(program).module()):
        assert_equal(model(x), run(x))


def test_models_of_pt2e_keep_their_operators_in_core_aten_as_torch_export_does() -> None:
    x = torch.randn(6, 64)
    model = converted(mlp(), x)
    program = tracejet.trace(model, arg_inputs=[batch(64, low=2)], decompositions="core_aten")
    assert len(operators_of(program, "quantized_decomposed")) == 3
    table = tracejet.DecompositionTable("core_aten")
    for name in operators_of(program, "quantized_decomposed"):
        table.expand(f"quantized_decomposed::{name}")
    program = tracejet.trace(model, arg_inputs=[batch(64, low=2)], decompositions=table)
    assert operators_of(program, "quantized_decomposed") == set()
    assert_equal(model(x), program.module()(x))


def runtimes(program: torch.export.ExportedProgram, path: Path) -> dict[str, Callable[..., Any]]:
    return {"openvino": tracejet.compile(program, engine="openvino"), "onnxruntime": OnnxRuntime(program, str(path))}


@pytest.mark.parametrize("name", [name for name in CONFIGS if not name.startswith("float8")])
def test_engines_run_models_of_torchao(name: str, tmp_path: Path) -> None:
    model = quantized(CONFIGS[name]())
    program = tracejet.trace(model, arg_inputs=[batch(64)])
    for engine, run in runtimes(program, tmp_path / "model.onnx").items():
        for rows in (1, 2, 9):
            x = torch.randn(rows, 64)
            assert_equal([model(x)], [*pytree.tree_leaves(run(x))], ENGINE_TOLERANCE.get(name, 1e-5), f"{engine}: ")


@pytest.mark.parametrize(("make", "shape"), [(mlp, (64,)), (convolutions, (3, 8, 8))])
def test_engines_run_models_of_pt2e(make: Callable[[], nn.Module], shape: tuple[int, ...], tmp_path: Path) -> None:
    model = converted(make(), torch.randn(6, *shape))
    program = tracejet.trace(model, arg_inputs=[batch(*shape, low=2)])
    for engine, run in runtimes(program, tmp_path / "model.onnx").items():
        for rows in (2, 5, 9):
            x = torch.randn(rows, *shape)
            assert_equal([model(x)], [*pytree.tree_leaves(run(x))], ONE_STEP, f"{engine}: ")


def test_quantized_weights_are_weights_of_the_onnx_model_as_they_are(tmp_path: Path) -> None:
    for model in (converted(mlp(), torch.randn(6, 64)), quantized(CONFIGS["int4 weights"]())):
        path = tmp_path / "model.onnx"
        tracejet.save_onnx(tracejet.trace(model, arg_inputs=[batch(64, low=2)]), str(path))
        matrices = [tensor for tensor in onnx.load(path).graph.initializer if list(tensor.dims) in ([64, 64], [4, 64])]
        assert [tensor.data_type for tensor in matrices] == [onnx.TensorProto.INT8] * 2


def test_openvino_computes_in_integers(tmp_path: Path) -> None:
    """Where the CPU can (AVX-512 VNNI or AMX); elsewhere, it multiplies in float32."""
    model = converted(mlp(), torch.randn(6, 64))
    path = str(tmp_path / "model.onnx")
    tracejet.save_onnx(tracejet.trace(model, arg_inputs=[batch(64, low=2)]), path)
    core = openvino.Core()
    info = [node.get_rt_info() for node in core.compile_model(path, "CPU").get_runtime_model().get_ops()]
    layers = [{key: node[key].astype(str) for key in ("layerType", "runtimePrecision")} for node in info]
    products = [layer["runtimePrecision"] for layer in layers if layer["layerType"] == "FullyConnected"]
    assert products == ["u8"] * 2 or "INT8" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def test_what_engines_cannot_run_is_refused_with_the_reason() -> None:
    report = tracejet.check(quantized(CONFIGS["float8 weights"]()), arg_inputs=[batch(64)])
    assert not report.ok
    assert "computes in Float8_e4m3fn, a data type that ONNX lacks" in str(report)
    with pytest.raises(tracejet.UnsupportedOperator, match="a data type that ONNX lacks"):
        tracejet.compile(quantized(CONFIGS["float8 weights"]()), arg_inputs=[batch(64)], engine="openvino")


@pytest.mark.parametrize("train", [False, True])
def test_fake_quantization_is_traced(train: bool) -> None:
    model = nn.Sequential(eager_mode.QuantStub(), mlp(), eager_mode.DeQuantStub()).train()
    model.qconfig = eager_mode.get_default_qat_qconfig("x86")
    eager_mode.prepare_qat(model, inplace=True)
    model(torch.randn(6, 64))
    assert_same_as_eager(model.train(train), [batch(64, low=2)])


def test_fake_quantization_functions_are_traced() -> None:
    scale, zero = torch.rand(8) + 0.1, torch.zeros(8, dtype=torch.int32)
    assert_same_as_eager(
        Lambda(
            lambda x: (
                torch.fake_quantize_per_tensor_affine(x, 0.1, 3, 0, 255),
                torch.fake_quantize_per_tensor_affine(x, scale[0], zero[0], 0, 255),
                torch.fake_quantize_per_channel_affine(x, scale, zero, 1, -128, 127),
            )
        ),
        [batch(8)],
    )


def statically_quantized() -> nn.Module:
    model = nn.Sequential(eager_mode.QuantStub(), mlp(), eager_mode.DeQuantStub()).eval()
    model.qconfig = eager_mode.get_default_qconfig("x86")
    eager_mode.prepare(model, inplace=True)
    model(torch.randn(6, 64))
    return eager_mode.convert(model)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (statically_quantized, "0 is a torch.ao.nn.quantized.modules.Quantize"),
        (lambda: eager_mode.quantize_dynamic(mlp(), {nn.Linear}), "0 is a torch.ao.nn.quantized.dynamic.*Linear"),
    ],
)
def test_eager_mode_is_refused_with_what_to_do(make: Callable[[], nn.Module], name: str) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match=name + ".*quantize with torchao instead"):
        tracejet.trace(copy.deepcopy(make()), arg_inputs=[batch(64)])
