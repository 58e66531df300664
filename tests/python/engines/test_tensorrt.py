"""The engine "tensorrt" against a fake of its bindings: what it tells them, and what it makes of what they give."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal
from testing.models import SMALL_MODELS
from tests.support import fake_tensorrt
from tests.support.faked_tensorrt import IMAGE, FakeStream, fake_library
from tests.support.lambda_module import Lambda, batch
from tests.support.small_models import ImageClassifier
from tracejet import _C
from tracejet.engines.tensorrt.engine import TensorRT
from tracejet.engines.tensorrt.library import Library


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    with fake_library(monkeypatch) as library:
        yield library


def test_a_program_is_built_and_run_in_place() -> None:
    model = ImageClassifier().eval()
    compiled = tracejet.compile(model, arg_inputs=[IMAGE], engine="tensorrt")
    (config,) = fake_tensorrt.configs
    (shapes,) = (profile.shapes for profile in config.profiles)
    assert list(shapes.values()) == [((1, 3, 8, 8), (4, 3, 8, 8), (9, 3, 8, 8))]
    for rows in (1, 4, 9):
        x = torch.randn(rows, 3, 8, 8)
        torch.testing.assert_close(compiled(x), model(x))
    x = torch.randn(3, 8, 8, 4).permute(3, 0, 1, 2)
    torch.testing.assert_close(compiled(x), model(x))
    assert compiled.report.engines == ("tensorrt",)
    assert len(fake_tensorrt.sessions) == 1  # one context, used again, after what it did last
    assert FakeStream.waited == ["done"] * 3


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_small_models_give_what_eager_gives(name: str) -> None:
    case = SMALL_MODELS[name]
    model = case.module()
    args, kwargs = case.tracejet_inputs()
    compiled = tracejet.compile(model, arg_inputs=args, kwarg_inputs=kwargs, engine=["tensorrt"])
    inputs, keywords = case.example()
    assert_equal(model(*inputs, **keywords), compiled(*inputs, **keywords), 1e-4)
    assert "tensorrt" in compiled.report.engines


def test_every_profile_of_an_input_is_one_of_the_engine() -> None:
    decode = {"min_shape": (1, 1), "opt_shape": (2, 1), "max_shape": (8, 1)}
    prefill = {"min_shape": (1, 16), "opt_shape": (1, 64), "max_shape": (4, 128)}
    x = tracejet.Input(profiles=[decode, prefill])
    model = Lambda(lambda x: x.softmax(-1) * x.shape[1])
    compiled = tracejet.compile(model, arg_inputs=[x], engine="tensorrt")
    profiles = [list(profile.shapes.values()) for profile in fake_tensorrt.configs[-1].profiles]
    assert profiles == [[((1, 1), (2, 1), (8, 1))], [((1, 16), (1, 64), (4, 128))]]
    for shape, profile in (((8, 1), 0), ((4, 100), 1), ((1, 16), 1), ((3, 1), 0)):
        given = torch.randn(shape)
        torch.testing.assert_close(compiled(given), model(given))
        assert fake_tensorrt.sessions[-1].profile == profile
    with pytest.raises(tracejet.Error, match="TensorRT-RTX refused the shape of"):
        compiled(torch.randn(8, 128))  # in no profile


def test_auto_asks_it_before_pytorchs_kernels() -> None:
    assert list(tracejet.engines()) == ["openvino", "tensorrt", "aten", "inductor"]
    assert tracejet.engines()["tensorrt"].startswith("TensorRT-RTX 1.2.3, ")


def test_what_its_parser_refuses_is_reported_with_lines_and_runs_elsewhere() -> None:
    fake_tensorrt.unparsed.add("Erf")

    def forward(x: torch.Tensor) -> torch.Tensor:
        y = torch.erf(x * 2)
        return y + 1

    report = tracejet.check(Lambda(forward), arg_inputs=[batch(8)], engine="tensorrt")
    assert [call.operator for call in report.refused] == ["aten::erf"]
    assert report.refused[0].reason == "becomes ONNX's Erf, which TensorRT-RTX's parser refuses: no such operator"
    assert "torch.erf(x * 2)" in report.refused[0].line.text
    with pytest.raises(tracejet.UnsupportedOperator, match="erf becomes ONNX's Erf, which TensorRT-RTX's"):
        tracejet.compile(Lambda(forward), arg_inputs=[batch(8)], engine="tensorrt")
    split = tracejet.compile(Lambda(forward), arg_inputs=[batch(8)], engine=["tensorrt"], min_block_size=1)
    assert split.report.engines == ("tensorrt", "aten")
    x = torch.randn(3, 8)
    torch.testing.assert_close(split(x), forward(x))


def test_all_that_its_parser_has_no_importer_for_is_reported() -> None:
    fake_tensorrt.unknown.update(("Erf", "Exp"))
    report = tracejet.check(Lambda(lambda x: x.erf() + x.exp() + x.erf()), arg_inputs=[batch(8)], engine="tensorrt")
    assert {call.operator for call in report.refused} == {"aten::erf", "aten::exp"}
    assert {call.reason for call in report.refused} == {
        f"becomes ONNX's {name}, which TensorRT-RTX's parser refuses" for name in ("Erf", "Exp")
    }


def test_what_it_cant_build_goes_to_the_next_engine() -> None:
    fake_tensorrt.unbuilt.add("Erf")
    model = Lambda(lambda x: torch.erf(x) + 1)
    with pytest.raises(tracejet.UnsupportedOperator, match=r"can't build this program: no kernels for \['Erf'\]\n"):
        tracejet.compile(model, arg_inputs=[batch(8)], engine="tensorrt")
    with pytest.warns(tracejet.BuildWarning, match="tensorrt failed to build"):
        compiled = tracejet.compile(model, arg_inputs=[batch(8)], engine=["tensorrt"])
    x = torch.randn(3, 8)
    torch.testing.assert_close(compiled(x), model(x))


def test_types_and_sizes_that_it_has_none_of_are_refused() -> None:
    cases = {
        "int16, which TensorRT doesn't compute in": (lambda x: x.to(torch.int16), [batch(8)]),
        "of 9 axes": (lambda x: x.reshape(1, 1, 1, 1, 1, 1, 1, -1, 8), [batch(8)]),
    }
    for reason, (forward, inputs) in cases.items():
        report = tracejet.check(Lambda(forward), arg_inputs=inputs, engine="tensorrt")
        assert any(reason in call.reason for call in report.refused), (reason, str(report))


def test_sizes_that_depend_on_data_come_in_memory_of_pytorchs() -> None:
    model = Lambda(lambda x: (x[x > 0] * 2, x.nonzero(), x + 1))
    compiled = tracejet.compile(model, arg_inputs=[batch(8)], engine=["tensorrt"], min_block_size=1)
    for x in (torch.randn(3, 8), torch.zeros(2, 8), torch.ones(9, 8)):
        torch.testing.assert_close(compiled(x), model(x))


def test_what_a_program_asserts_of_data_is_checked() -> None:
    model = Lambda(lambda table, index: table[index])
    inputs = [torch.randn(5, 2), batch(dtype=torch.int64)]
    compiled = tracejet.compile(model, arg_inputs=inputs, engine="tensorrt")
    table, index = torch.randn(5, 2), torch.tensor([4, 0, -5])
    torch.testing.assert_close(compiled(table, index), table[index])
    with pytest.raises(tracejet.Error, match="index"):
        compiled(table, torch.tensor([5]))


def test_buffers_and_numbers() -> None:
    class Counter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(()))

        def forward(self, x: torch.Tensor) -> tuple[Any, ...]:
            self.count += 1
            return x + self.count, x.sum().item(), x.shape[0]

    compiled = tracejet.compile(Counter(), arg_inputs=[batch(8)], engine=["tensorrt"], min_block_size=1)
    for step in (1, 2):
        y, total, rows = compiled(torch.ones(5, 8))
        assert (float(y[0, 0]), total, rows) == (1 + step, 40, 5)


def test_empty_tensors() -> None:
    model = Lambda(lambda x: (x + 1, torch.cat([x, x[:0]]), x.sum(0)))
    compiled = tracejet.compile(model, arg_inputs=[batch(8, low=0)], engine="tensorrt")
    for x in (torch.randn(0, 8), torch.randn(2, 8)):
        torch.testing.assert_close(compiled(x), model(x))


def test_several_threads_run_at_once() -> None:
    model = ImageClassifier().eval()
    compiled = tracejet.compile(model, arg_inputs=[IMAGE], engine="tensorrt")

    def work(rows: int) -> bool:
        x = torch.randn(rows, 3, 8, 8)
        return torch.allclose(compiled(x), model(x), atol=1e-5)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, [1, 2, 3, 4, 5, 6, 7, 8, 9] * 3))


def test_an_engine_that_cant_be_loaded_says_why(library: Library) -> None:
    adapter = TensorRT(lambda: library)
    program = _C.onnx_for_tensorrt(
        tracejet.trace(ImageClassifier().eval(), arg_inputs=[IMAGE])._tracejet_graph, torch.float32
    )
    settings = tracejet.CompileSettings()
    blob = adapter.compile(program, settings).serialize()
    x = torch.randn(2, 3, 8, 8)
    loaded = adapter.load(blob, program, settings)
    assert loaded is not None and loaded(x)[0].shape == (2, 5)
    assert adapter.load(b"nonsense", program, settings) is None
    from tracejet.engines.tensorrt.executable import Executable

    message = r"can't load its engine on this machine: no engine of ours \(cudaError 35: no driver\)\n"
    with pytest.raises(tracejet.Error, match=message):
        Executable(library, b"nonsense", program, settings)(x)


def test_a_program_for_a_gpu_is_built_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    library = Library(fake_tensorrt, "TensorRT-RTX")
    tracejet.unregister_engine("tensorrt")
    _C.register_onnx_engine(TensorRT(lambda: library))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    program = tracejet.trace(ImageClassifier().eval(), arg_inputs=[IMAGE], device="cuda")
    compiled = tracejet.compile(program)
    assert compiled.report.engines == ("tensorrt",)
    names = [capability.name for capability in fake_tensorrt.configs[-1].capabilities.values()]
    assert names == ["SM86", "SM89", "SM120"]  # all but those without products in float32
    with pytest.raises(tracejet.InvalidInput):
        compiled(torch.randn(2, 3, 8, 8))
