"""check and trace(validate=): what an engine takes of a program, and what not and why, before anything is compiled."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.models import SMALL_MODELS
from tests.support.lambda_module import Lambda, batch


class Spectrum(nn.Module):
    """OpenVINO computes neither complex numbers nor float64."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fft.rfft(x).abs() + torch.fft.rfft(x * 2).abs()


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.spectrum = Spectrum()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x).double().exp()
        return self.spectrum(self.linear(x)) + y.float()[:, :5]


def net_program() -> torch.export.ExportedProgram:
    return tracejet.trace(Net(), arg_inputs=[batch(8)])


def test_a_report_groups_what_an_engine_refuses_by_operator_and_reason() -> None:
    report = tracejet.check(net_program(), engine="openvino")
    assert not report.ok
    groups = {key: len(calls) for key, calls in report.groups().items()}
    assert groups["aten::_fft_r2c", "has no conversion"] == 2
    assert groups["aten::abs", "computes in complex numbers"] == 2
    assert groups["aten::exp", "computes in float64, which openvino would do in float32"] == 1
    assert report.taken["aten::addmm"] == 2

    call = report.groups()["aten::_fft_r2c", "has no conversion"][0]
    assert call.takes == ("float32[batch, 8]",)
    assert call.gives == ("complex64[batch, 5]",)
    assert call.line.file == __file__
    assert "torch.fft.rfft(x)" in call.line.text
    assert (call.line.module_path, call.line.module_type.split(".")[-1]) == ("spectrum", "Spectrum")


def test_a_report_in_words_names_operator_reason_tensors_and_lines() -> None:
    text = str(tracejet.check(net_program()))
    refused = len(tracejet.check(net_program()).refused)
    assert text.startswith(f"openvino can't run {refused} operators of this program:")
    assert "aten::_fft_r2c has no conversion (2 times)" in text
    assert "float32[batch, 8] -> complex64[batch, 5]" in text
    assert "test_check.py" in text
    assert "in spectrum (Spectrum)" in text


def test_a_report_for_machines_is_json() -> None:
    plain = json.loads(json.dumps(tracejet.check(net_program()).to_json()))
    assert plain["ok"] is False
    assert plain["engine"] == "openvino"
    group = next(group for group in plain["refused"] if group["operator"] == "aten::_fft_r2c")
    assert group["reason"] == "has no conversion"
    assert group["calls"][0]["line"]["line"] > 0


@pytest.mark.parametrize("engine", ["openvino", "aten", "onnx"])
@pytest.mark.parametrize("name", SMALL_MODELS)
def test_engines_take_the_models_that_they_compile(name: str, engine: str) -> None:
    case = SMALL_MODELS[name]
    args, kwargs = case.tracejet_inputs()
    report = tracejet.check(case.module(), engine=engine, arg_inputs=args, kwarg_inputs=kwargs)
    assert report.ok, str(report)
    assert report.refused == ()
    assert "runs the whole program" in str(report)


def test_what_is_refused_is_what_compile_refuses() -> None:
    with pytest.raises(tracejet.UnsupportedOperator) as raised:
        tracejet.compile(net_program(), engine="openvino")
    assert str(raised.value).startswith(str(tracejet.check(net_program(), engine="openvino")))
    assert tracejet.check(net_program(), engine="aten").ok
    tracejet.compile(net_program(), engine="aten")


def test_validate_warns_or_raises() -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="complex numbers") as raised:
        tracejet.trace(Net(), arg_inputs=[batch(8)], validate="error")
    assert len(raised.value.report.refused) == len(tracejet.check(net_program()).refused)

    with pytest.warns(UserWarning, match="openvino can't run") as warned:
        program = tracejet.trace(Net(), arg_inputs=[batch(8)], validate="warn")
    assert warned[0].filename == __file__
    x = torch.randn(3, 8)
    assert program.module()(x).shape == (3, 5)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracejet.trace(Net(), arg_inputs=[batch(8)], validate="error", engine="aten")
        tracejet.trace(nn.Linear(8, 8), arg_inputs=[batch(8)], validate="error")


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(tracejet.InvalidInput, match='validate: expected "warn", "error" or None'):
        tracejet.trace(Net(), arg_inputs=[batch(8)], validate="maybe")  # type: ignore[arg-type]
    with pytest.raises(tracejet.InvalidInput, match='no engine "abacus".*openvino, aten, onnx or inductor'):
        tracejet.check(net_program(), engine="abacus")


@pytest.mark.skipif(torch.cuda.is_available(), reason="shows what happens where there is no GPU")
def test_a_program_for_a_gpu_isnt_for_openvino() -> None:
    program = tracejet.trace(nn.Linear(3, 3), arg_inputs=[batch(3)], device="cuda")
    with pytest.raises(tracejet.InvalidInput, match="weight: .*cuda:0.*openvino runs on the CPU"):
        tracejet.check(program)


def test_bodies_of_control_flow_count() -> None:
    def forward(x: torch.Tensor) -> Any:
        return torch.cond(x.sum() > 0, lambda x: x.exp(), lambda x: x.tanh(), (x,))

    program = tracejet.trace(Lambda(forward), arg_inputs=[batch(8)])
    assert {"aten::exp", "aten::tanh", "higher_order::cond"} <= tracejet.check(program, engine="aten").taken.keys()
    refused = tracejet.check(program, engine="openvino")
    assert [call.operator for call in refused.refused] == ["higher_order::cond"]
    assert "aten::exp" not in refused.taken


def test_aten_refuses_operators_without_a_kernel() -> None:
    with torch.library._scoped_library("tracejet_check", "DEF") as library:
        library.define("described_only(Tensor x) -> Tensor")
        library.impl("described_only", torch.empty_like, "Meta")
        forward = Lambda(lambda x: torch.ops.tracejet_check.described_only(x) + 1)
        program = tracejet.trace(forward, arg_inputs=[batch(8)])
        report = tracejet.check(program, engine="aten")
        assert [(call.operator, call.reason) for call in report.refused] == [
            ("tracejet_check::described_only", "has no kernel for CPU")
        ]
        with pytest.raises(tracejet.UnsupportedOperator, match="described_only has no kernel for CPU"):
            tracejet.compile(program, engine="aten")


def test_a_program_that_was_saved_keeps_its_lines(tmp_path: Path) -> None:
    torch.export.save(net_program(), tmp_path / "net.pt2")
    loaded = torch.export.load(tmp_path / "net.pt2")
    before, after = tracejet.check(net_program()), tracejet.check(loaded)
    assert str(before) == str(after).replace("s0", "batch")
    assert [call.line for call in before.refused] == [call.line for call in after.refused]


def test_a_program_of_torch_export_has_the_lines_of_its_model() -> None:
    program = torch.export.export(Net(), (torch.randn(2, 8),))
    call = next(call for call in tracejet.check(program).refused if call.operator == "aten::_fft_r2c")
    assert "torch.fft.rfft(x)" in call.line.text
    assert call.line.module_path == "spectrum"


def command_line(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tracejet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_line_says_it_by_its_exit_status(tmp_path: Path) -> None:
    file = tmp_path / "net.pt2"
    torch.export.save(net_program(), file)
    refused = command_line("check", file, "--json")
    assert refused.returncode == 1, refused.stderr
    assert json.loads(refused.stdout)["ok"] is False

    taken = command_line("check", file, "--engine", "aten")
    assert taken.returncode == 0, taken.stderr
    assert "aten runs the whole program" in taken.stdout

    wrong = command_line("check", file, "--engine", "abacus")
    assert wrong.returncode == 2
    assert 'there is no engine "abacus"' in wrong.stderr


def test_trace_and_diagnose_take_the_same_arguments() -> None:
    signatures = [inspect.signature(function) for function in (tracejet.trace, tracejet.diagnose)]
    assert signatures[0].parameters == signatures[1].parameters
    for function in (tracejet.trace, tracejet.diagnose):
        with pytest.raises(TypeError, match=rf"{function.__name__}\(\) got an unexpected keyword argument 'modell'"):
            function(nn.Linear(8, 8), modell=1)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=rf"{function.__name__}\(\) missing a required argument: 'mod'"):
            function()  # type: ignore[call-arg]


def test_diagnose_reports_what_the_engine_refuses() -> None:
    report = tracejet.diagnose(Net(), arg_inputs=[batch(8)], validate="error")
    assert not report.ok and "complex numbers" in str(report.error)
    assert isinstance(report.error.report, tracejet.EngineReport)
    assert tracejet.diagnose(Net(), arg_inputs=[batch(8)], validate="error", engine="aten").ok
    with pytest.warns(UserWarning, match="openvino can.t run") as warned:
        assert tracejet.diagnose(Net(), arg_inputs=[batch(8)], validate="warn").ok
    assert warned[0].filename == __file__
