"""`compiled.profile`: kernels with their times, modules and lines; traces for Perfetto."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from tests.support.python_engines import Everything, registered
from tracejet import Input


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64))
        self.second = nn.Linear(33, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.fft.rfft(self.first(x)).abs())


ROWS = Input(min_shape=(1, 64), opt_shape=(32, 64), max_shape=(128, 64), name="x")
X = torch.randn(100, 64)


@pytest.fixture(scope="module", params=["openvino", "aten", "split"])
def profiled(request: Any) -> tuple[str, Any, tracejet.Profile]:
    torch.manual_seed(0)
    engine: Any = ["openvino", "aten"] if request.param == "split" else request.param
    model = Tower().eval() if request.param != "openvino" else Tower().first.eval()
    compiled = tracejet.compile(model, arg_inputs=[ROWS], engine=engine, min_block_size=1)
    return request.param, compiled, compiled.profile(X, calls=5)


def test_every_kernel_has_its_time_module_and_line(profiled: Any) -> None:
    engine, compiled, profile = profiled
    engines = [part.engine for part in compiled.report.parts]
    assert profile.calls == 5 and profile.kernels
    assert {engines[kernel.part] for kernel in profile.kernels} == set(engines)
    assert all(kernel.engine == engines[kernel.part] for kernel in profile.kernels)
    assert all(kernel.milliseconds >= 0 and kernel.operators for kernel in profile.kernels)
    assert profile.milliseconds == pytest.approx(sum(kernel.milliseconds for kernel in profile.kernels))
    if engine != "openvino":  # there, the model's own lines are PyTorch's modules'
        assert any(kernel.file.endswith("test_profile.py") and "rfft" in kernel.text for kernel in profile.kernels)
    operators = {name for kernel in profile.kernels for name in kernel.operators}
    assert "aten::gelu" in operators and operators & {"aten::linear", "aten::addmm"}


def test_modules_have_the_time_of_what_is_inside(profiled: Any) -> None:
    engine, _, profile = profiled
    found = profile.by_module()
    assert found[""] == pytest.approx(profile.milliseconds)
    if engine != "openvino":
        inner = [path for path in found if path.startswith("first.")]
        assert inner and found["first"] == pytest.approx(sum(found[path] for path in inner))


def test_a_profile_is_of_calls_that_give_the_same(profiled: Any) -> None:
    _, compiled, _ = profiled
    before = compiled(X)
    compiled.profile(X, calls=1)
    torch.testing.assert_close(compiled(X), before)


def test_a_trace_is_what_perfetto_opens(profiled: Any, tmp_path: Path) -> None:
    engine, _, profile = profiled
    profile.write_trace(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    names = [event["name"] for event in events]
    assert "tracejet program" in names
    kernels = [event for event in events if event.get("cat") == "kernel"]
    assert bool(kernels) == (engine != "aten")  # PyTorch's operators are in the profiler's own rows
    spans = [event for event in events if event["name"].startswith(("tracejet program", "tracejet part"))]
    for kernel in kernels:
        assert any(span["ts"] <= kernel["ts"] <= span["ts"] + max(span["dur"], 1e5) for span in spans)


def test_text_and_json_say_the_same(profiled: Any) -> None:
    _, _, profile = profiled
    slowest = max(profile.kernels, key=lambda kernel: kernel.milliseconds)
    assert f"{len(profile.kernels)} kernels take" in str(profile) and slowest.kernel in str(profile)
    assert len(json.loads(json.dumps(profile.to_json()))["kernels"]) == len(profile.kernels)


def test_bodies_of_control_flow_are_in_their_part() -> None:
    class Branch(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cond(x.sum() > 0, lambda x: x.exp(), lambda x: x.tanh(), (x,)) + 1

    compiled = tracejet.compile(Branch(), arg_inputs=[torch.ones(4)], engine="aten")
    operators = {name for kernel in compiled.profile(torch.ones(4), calls=2).kernels for name in kernel.operators}
    assert "aten::exp" in operators and "aten::tanh" not in operators and "higher_order::cond" not in operators


def test_engines_that_dont_say_are_left_out() -> None:
    with registered(Everything()):
        profile = tracejet.compile(nn.ReLU(), arg_inputs=[X], engine="everything").profile(X)
    assert not profile.kernels and "none of the program's engines" in str(profile)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(tracejet.InvalidInput, match="axis 1 is 3"):
        tracejet.compile(nn.ReLU(), arg_inputs=[ROWS]).profile(torch.ones(2, 3))


def test_a_trace_that_cant_be_written_is_an_error_of_ours(profiled: Any, tmp_path: Path) -> None:
    with pytest.raises(tracejet.Error, match="can't write .*nowhere/trace.json: No such file") as refused:
        profiled[2].write_trace(tmp_path / "nowhere/trace.json")
    assert refused.value.code == tracejet.ErrorCode.UNWRITABLE_FILE
