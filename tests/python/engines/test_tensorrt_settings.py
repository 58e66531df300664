"""What of the settings reaches the fake of TensorRT's bindings, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from tests.support import fake_tensorrt
from tests.support.faked_tensorrt import IMAGE, fake_library
from tests.support.lambda_module import Lambda
from tests.support.small_models import ImageClassifier
from tracejet import _C
from tracejet.engines.tensorrt import files, gpu
from tracejet.engines.tensorrt.library import Library


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    with fake_library(monkeypatch) as library:
        yield library


def test_settings_reach_the_builder() -> None:
    settings = {
        "compute_capabilities": ["8.9", "12.0", "8.6"],
        "workspace_size": 1 << 33,
        "optimization_level": 5,
        "max_aux_streams": 2,
        "num_avg_timing_iters": 3,
        "disable_tf32": True,
        "sparse_weights": True,
        "version_compatible": True,
        "hardware_compatible": True,
        "enable_weight_streaming": True,
    }
    tracejet.compile(ImageClassifier().eval(), arg_inputs=[IMAGE], engine="tensorrt", **settings)
    config = fake_tensorrt.configs[-1]
    assert [config.capabilities[i].name for i in range(config.num_compute_capabilities)] == ["SM86", "SM89", "SM120"]
    assert config.limits == {fake_tensorrt.MemoryPoolType.WORKSPACE: 1 << 33}
    assert (config.builder_optimization_level, config.max_aux_streams, config.avg_timing_iterations) == (5, 2, 3)
    assert {flag.name for flag in config.flags} == {
        "EXCLUDE_LEAN_RUNTIME",
        "SPARSE_WEIGHTS",
        "VERSION_COMPATIBLE",
        "WEIGHT_STREAMING",
    }
    assert config.hardware_compatibility_level == fake_tensorrt.HardwareCompatibilityLevel.AMPERE_PLUS


def test_an_engine_is_built_once_for_the_same_program_and_profiles(tmp_path: Path) -> None:
    model = Lambda(lambda x: x.softmax(-1) * x.shape[0])
    small = {"min_shape": (1, 4), "opt_shape": (2, 4), "max_shape": (8, 4)}
    large = {"min_shape": (9, 4), "opt_shape": (16, 4), "max_shape": (32, 4)}
    whole = tracejet.Input(min_shape=(1, 4), opt_shape=(2, 4), max_shape=(32, 4))
    cache = {"cache_built_engines": True, "reuse_cached_engines": True, "engine_cache_dir": tmp_path / "engines"}
    parts = tracejet.Input(profiles=[small, large])
    for x, builds in ((whole, 1), (whole, 1), (parts, 2), (parts, 2)):
        compiled = tracejet.compile(model, arg_inputs=[x], engine="tensorrt", **cache)
        assert len(fake_tensorrt.configs) == builds
        for size in (1, 8, 9, 32):
            given = torch.randn(size, 4)
            torch.testing.assert_close(compiled(given), model(given))


def test_full_tensorrt_builds_for_the_gpu_at_hand_and_keeps_timings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Library, "is_rtx", False)
    cache = tmp_path / "timing.cache"
    model = ImageClassifier().eval()
    settings = {"arg_inputs": [IMAGE], "engine": "tensorrt", "timing_cache_path": cache}
    x = torch.randn(3, 3, 8, 8)
    for kept in (b"+", b"++"):
        torch.testing.assert_close(tracejet.compile(model, **settings)(x), model(x))
        assert cache.read_bytes() == kept
    assert fake_tensorrt.configs[-1].capabilities == {}
    cache.write_bytes(b"bad")
    tracejet.compile(model, **settings)
    assert cache.read_bytes() == b"+"
    for wrong in ({"compute_capabilities": ["8.9"]}, {"runtime_cache_path": cache}, {"use_cuda_graphs": True}):
        with pytest.raises(tracejet.InvalidInput, match=next(iter(wrong))):
            tracejet.compile(model, **settings, **wrong)


def test_settings_reach_the_runtime(tmp_path: Path) -> None:
    cache = tmp_path / "runtime.cache"
    settings = {"runtime_cache_path": cache, "use_cuda_graphs": True, "enable_weight_streaming": True}
    for kept in (b"kernels", b"kernels+"):
        compiled = tracejet.compile(ImageClassifier().eval(), arg_inputs=[IMAGE], engine="tensorrt", **settings)
        compiled(torch.randn(2, 3, 8, 8))
        assert cache.read_bytes() == kept
    context = fake_tensorrt.sessions[-1]
    assert context.config.cuda_graph_strategy == fake_tensorrt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
    assert context.engine.weight_streaming_budget_v2 == 1000


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"compute_capabilities": ["9.0"]}, "doesn't build for 9.0; it does for 7.5, 8.6, 8.9, 12.0"),
        ({"compute_capabilities": ["sm89"]}, "expected names like \"8.6\", got 'sm89'"),
        ({"compute_capabilities": ["7.5"], "precision": torch.bfloat16}, "bfloat16, which 7.5 has no kernels for"),
        ({"timing_cache_path": "somewhere"}, "timing_cache_path is TensorRT's"),
        ({"threads": 2}, "computes on a GPU and takes no number"),
        ({"optimization_level": 9}, "optimization_level is 9; expected -1 to 5"),
        ({"workspace_size": -1}, "workspace_size is -1; expected 0 or more"),
    ],
)
def test_what_it_cant_do_is_an_error(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(tracejet.InvalidInput, match=message):
        tracejet.compile(ImageClassifier().eval(), arg_inputs=[IMAGE], engine="tensorrt", **settings)


def test_its_settings_are_no_other_engines() -> None:
    for engine in ("openvino", ["openvino"], "aten"):
        with pytest.raises(tracejet.InvalidInput, match="workspace_size is a setting of tensorrt, which isn't among"):
            tracejet.compile(ImageClassifier().eval(), arg_inputs=[IMAGE], engine=engine, workspace_size=1 << 20)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_products_are_computed_in_the_precision_asked_for(dtype: torch.dtype) -> None:
    compiled = tracejet.compile(
        ImageClassifier().eval(), arg_inputs=[IMAGE], engine="tensorrt", enabled_precisions={dtype}
    )
    model = fake_tensorrt.onnx.ModelProto.FromString(compiled_blob(ImageClassifier().eval(), dtype).split(b"\0", 1)[1])
    types = {value.name: value.type.tensor_type.elem_type for value in inferred(model).graph.value_info}
    number = {torch.float16: 10, torch.bfloat16: 16}[dtype]
    products = [node for node in model.graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]
    assert products and {types[node.output[0]] for node in products} == {number}
    others = [node for node in model.graph.node if node.op_type == "Relu"]
    assert {types[node.output[0]] for node in others} == {1}
    if dtype == torch.float16:  # ONNX Runtime has no such convolution in bfloat16
        torch.manual_seed(0)
        model, x = ImageClassifier().eval(), torch.randn(4, 3, 8, 8)
        compiled = tracejet.compile(model, arg_inputs=[IMAGE], engine="tensorrt", precision=dtype)
        torch.testing.assert_close(compiled(x), model(x), atol=2e-3, rtol=2e-3)


def compiled_blob(model: nn.Module, dtype: torch.dtype, library: Library | None = None) -> bytes:
    from tracejet.engines.tensorrt.build import build
    from tracejet.engines.tensorrt.network import Network

    library = library or Library(fake_tensorrt, "TensorRT-RTX")
    settings = tracejet.CompileSettings(precision=dtype)
    program = tracejet.trace(model, arg_inputs=[IMAGE])
    return build(Network(library, _C.onnx_for_tensorrt(program._tracejet_graph, dtype)), settings)


def inferred(model: Any) -> Any:
    return fake_tensorrt.onnx.shape_inference.infer_shapes(model)


def test_which_gpus_it_runs_on(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Library(fake_tensorrt, "TensorRT")
    monkeypatch.setattr(Library, "is_rtx", property(lambda self: self.name == "TensorRT-RTX"))
    for present, on_rtx, on_full in ((None, True, False), ((8, 9), True, True), ((9, 0), False, True)):
        monkeypatch.setattr(gpu, "present_capability", lambda device, present=present: present)
        assert gpu.can_run_on(library, torch.device("cuda:0")) is on_rtx
        assert gpu.can_run_on(full, torch.device("cuda:0")) is on_full
        assert not gpu.can_run_on(library, torch.device("cpu"))


def test_a_cache_is_written_through_a_link_and_takes_no_other_places(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept/cache")
    for data in (b"first", b"second"):
        files.write_bytes(str(tmp_path / "link"), data)
        assert (tmp_path / "link").is_symlink() and (tmp_path / "kept/cache").read_bytes() == data
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "kept"):
        with pytest.raises(tracejet.Error, match="can't write .*: there is something else than a file"):
            files.write_bytes(str(tmp_path / name), b"third")
    with pytest.raises(tracejet.Error, match="can't write .*: Not a directory|File exists") as refused:
        files.write_bytes(str(tmp_path / "kept/cache/below"), b"third")
    assert refused.value.code == tracejet.ErrorCode.UNWRITABLE_FILE
    assert (tmp_path / "fifo").is_fifo()
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["cache", "fifo", "kept", "link"]
