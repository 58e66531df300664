"""The command `tracejet`: what it says, as text and as JSON, and by its exit status."""

from __future__ import annotations

import http.server
import json
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch

import tracejet
from tests.support.command_line import MODELS, RANGE, found, tracejet_command
from tests.support.console import assert_as_shown, shown_commands

# ---- commands ------------------------------------------------------------------------------------------------------


def test_trace_writes_a_program_that_every_command_takes(folder: Path) -> None:
    traced = found("trace", "cli_models:Net", *RANGE, "-o", "net.pt2", "--decompositions", "core_aten")
    assert traced["dimensions"] == {"x_0": {"min": 1, "opt": 4, "max": 16}}
    assert traced["calls"] == sum(traced["operators"].values()) and traced["file"] == "net.pt2"
    assert torch.export.load(folder / "net.pt2").module()(torch.ones(3, 8)).shape == (3, 3)
    assert found("check", "net.pt2", "--engine", "aten")["ok"]
    assert found("compile", "net.pt2")["seconds"] > 0
    assert found("run", "net.pt2", "--size", "max", "--compare")["outputs"][0]["shape"] == [16, 3]
    assert found("run", "net.pt2", "--shapes", "x:5x8")["outputs"][0]["shape"] == [5, 3]


def test_trace_says_which_lines_fix_a_size(folder: Path) -> None:
    ranges = ("--min-shapes", "x:1", "--opt-shapes", "x:12", "--max-shapes", "x:16")
    error = found("trace", "cli_models:Fixed", *ranges, status=3)["error"]
    assert error["type"] == "ConstraintViolation" and "torch.ones(12)" in error["message"]
    assert error["report"]["problems"]
    result = tracejet_command("trace", "cli_models:Fixed", *ranges)
    assert result.exit_code == 3 and "torch.ones(12)" in result.stderr and not result.stdout


def test_check_answers_by_its_exit_status(folder: Path) -> None:
    shapes = ("--shapes", "x:3x3")
    refused = found("check", "cli_models:Refused", *shapes, "--engine", "openvino", status=1)
    assert not refused["ok"] and "linalg_eig" in json.dumps(refused["refused"])
    assert found("check", "cli_models:Refused", *shapes, "--engine", "aten")["ok"]
    assert "abacus" in found("check", "cli_models:Refused", *shapes, "--engine", "abacus", status=2)["error"]["message"]


def test_compile_takes_settings_and_writes_onnx(folder: Path) -> None:
    settings = ("--precision", "bfloat16", "--threads", "1", "--set", "engine=openvino")
    found("compile", "cli_models:Net", *RANGE, *settings[:4])
    found("compile", "cli_models:Net", *RANGE, "--onnx", "net.onnx")
    assert (folder / "net.onnx").stat().st_size > 100
    assert (
        found("compile", "cli_models:Net", *RANGE, "--precision", "int64", status=2)["error"]["type"] == "InvalidInput"
    )
    refused = found("compile", "cli_models:Refused", "--shapes", "x:3x3", "--engine", "openvino", status=3)["error"]
    assert refused["type"] == "UnsupportedOperator" and "linalg_eig" in refused["message"]


def test_compile_writes_what_it_compiled(folder: Path) -> None:
    assert found("compile", "cli_models:Net", *RANGE, "-o", "compiled.pt2")["file"] == "compiled.pt2"
    compiled = tracejet.load(folder / "compiled.pt2")
    assert isinstance(compiled, tracejet.CompiledModule) and compiled(torch.ones(3, 8)).shape == (3, 3)
    assert found("run", "compiled.pt2", "--compare")["equal"]


def test_run_compares_with_eager(folder: Path) -> None:
    compared = found("run", "cli_models:Net", *RANGE, "--compare")
    assert compared["equal"] and compared["differences"][0]["relative_error"] < 1e-3
    assert "equal to eager" in tracejet_command("run", "cli_models:Net", *RANGE, "--compare").stdout
    differs = found("run", "cli_models:Random", "--shapes", "x:64", "--compare", "--engine", "aten", status=1)
    assert not differs["equal"] and "verification" in differs
    tight = found("run", "cli_models:Random", "--shapes", "x:64", "--compare", "--engine", "aten", "--tolerance", "10")
    assert tight["equal"]


def test_run_takes_inputs_of_a_file_and_writes_outputs(folder: Path) -> None:
    x = torch.randn(5, 8)
    for number, inputs in enumerate((x, [x], {"x": x})):
        torch.save(inputs, folder / f"{number}.pt")
        files = ("--load-inputs", f"{number}.pt", "--save-outputs", "out.pt")
        found("run", "cli_models:net", *RANGE, *files, "--compare")
        assert torch.load(folder / "out.pt").shape == (5, 3)
    torch.save(torch.randn(50, 8), folder / "large.pt")
    assert (
        found("run", "cli_models:net", *RANGE, "--load-inputs", "large.pt", status=2)["error"]["type"] == "InvalidInput"
    )
    assert "no file" in found("run", "cli_models:net", *RANGE, "--load-inputs", "none.pt", status=2)["error"]["message"]


def test_bench_measures_engines_side_by_side(folder: Path) -> None:
    short = ("--duration", "0.05", "--warm-up", "0", "--iterations", "3")
    measured = found("bench", "cli_models:Net", *RANGE, "--engine", "eager", "--engine", "aten", *short)
    assert [row["engine"] for row in measured["engines"]] == ["eager", "aten"]
    for row in measured["engines"]:
        assert row["calls"] >= 3 and row["memory_bytes"] >= 0
        assert row["min_ms"] <= row["p50_ms"] <= row["p90_ms"] <= row["p95_ms"] <= row["p99_ms"] <= row["max_ms"]
        assert row["calls_per_second"] > 0
    text = tracejet_command("bench", "cli_models:Net", *RANGE, *short).stdout
    assert "eager" in text and "p99 ms" in text and "calls/s" in text

    for wrong in ("nan", "inf", "-1"):
        refused = tracejet_command("bench", "cli_models:Net", *RANGE, "--duration", wrong)
        assert refused.exit_code == 2 and "--duration" in refused.output
    assert tracejet_command("run", "cli_models:Net", *RANGE, "--compare", "--tolerance", "nan").exit_code == 2

    engines = ("--engine", "openvino", "--engine", "aten")
    some = found("bench", "cli_models:Refused", "--shapes", "x:3x3", *engines, *short, status=1)
    assert "linalg_eig" in some["engines"][0]["error"] and some["engines"][1]["calls"] >= 3
    found("bench", "cli_models:Refused", "--shapes", "x:3x3", "--engine", "openvino", *short, status=3)
    assert "abacus" in found("bench", "cli_models:Net", *RANGE, "--engine", "abacus", status=2)["error"]["message"]


def test_view_shows_the_program_in_netron(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []

    def start(file: str, address: tuple[str, int], browse: bool) -> tuple[str, int]:
        shown.append((Path(file).name, Path(file).stat().st_size > 100, browse))
        return address

    netron = types.SimpleNamespace(start=start, stop=lambda address: None, wait=lambda: shown.append("waited"))
    monkeypatch.setitem(sys.modules, "netron", netron)
    page = found("view", "cli_models:Net", *RANGE, "--no-browser", "--port", "8123", "--no-wait")
    assert page == {"address": "http://localhost:8123", "format": "pt2"}
    assert tracejet_command("view", "cli_models:Net", *RANGE, "--format", "onnx").exit_code == 0
    assert shown == [("Net.pt2", True, False), ("Net.onnx", True, True), "waited"]


def test_view_shows_each_part_as_its_engine_reads_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def start(file: str, address: tuple[str, int], browse: bool) -> tuple[str, int]:
        shown.append(Path(file).name)
        assert Path(file).stat().st_size > 100
        return address

    netron = types.SimpleNamespace(start=start, stop=lambda address: None)
    monkeypatch.setitem(sys.modules, "netron", netron)
    page = found("view", "cli_models:Net", *RANGE, "--no-wait", "--part", "0", "--engine", "openvino")
    assert page["part"] == 0 and page["format"] == "onnx" and shown == ["Net-part-0-openvino.onnx"]
    refused = found("view", "cli_models:Net", *RANGE, "--no-wait", "--part", "7", "--engine", "openvino", status=2)
    assert "there is no part 7: the program has 1" in refused["error"]["message"]
    tracejet.compile(torch.nn.Linear(8, 3), arg_inputs=[torch.ones(4, 8)], engine="openvino").save("kept.pt2")
    found("view", "kept.pt2", "--no-wait", "--part", "0")
    assert shown[-1] == "kept-part-0-openvino.onnx"


def test_view_shows_the_program_in_model_explorer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real one serves in a thread, as this one does."""
    shown: list[Any] = []

    class Config:
        def add_model_from_pytorch(self, name: str, program: Any) -> Config:
            shown.append((name, isinstance(program, torch.export.ExportedProgram)))
            return self

    def serve(config: Config, host: str, port: int, no_open_in_browser: bool) -> None:
        with http.server.HTTPServer((host, port), http.server.BaseHTTPRequestHandler) as server:
            server.handle_request()

    explorer = types.SimpleNamespace(config=Config, visualize_from_config=serve)
    monkeypatch.setitem(sys.modules, "model_explorer", explorer)
    monkeypatch.setattr(http.server.BaseHTTPRequestHandler, "do_GET", lambda self: self.send_error(200), raising=False)
    options = (*RANGE, "--viewer", "model-explorer", "--port", "8127", "--no-wait")
    assert found("view", "cli_models:Net", *options)["address"] == "http://localhost:8127"
    assert shown == [("Net", True)]
    assert "--part" in found("view", "cli_models:Net", *options, "--part", "0", status=2)["error"]["message"]
    explorer.visualize_from_config = lambda **settings: None
    assert "is the port taken" in found("view", "cli_models:Net", *options, status=3)["error"]["message"]


@pytest.mark.parametrize(
    ("package", "viewer", "extra"), [("netron", "netron", "view"), ("model_explorer", "model-explorer", "explorer")]
)
def test_view_says_how_to_get_the_viewer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, package: str, viewer: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    said = found("view", "cli_models:Net", *RANGE, "--viewer", viewer, status=2)["error"]["message"]
    assert f"pip install 'tracejet[{extra}]'" in said


def test_what_the_models_code_raises_is_told_with_its_traceback(folder: Path) -> None:
    result = tracejet_command("trace", "cli_models:Raises", "--shapes", "x:3", "--json")
    assert result.exit_code == 3 and json.loads(result.stdout)["error"]["type"] == "KeyError"
    assert "in forward" in result.stderr


def test_what_the_model_prints_is_no_part_of_the_answer(folder: Path) -> None:
    (folder / "loud_models.py").write_text(
        f"{MODELS}\nprint('loud')\nNet.forward = lambda self, x: print('loud') or x + 1"
    )
    assert found("trace", "loud_models:Net", "--shapes", "x:3")["calls"] == 1


def test_engines_and_help() -> None:
    assert list(found("engines")["engines"]) == list(tracejet.engines())
    help = tracejet_command("--help").stdout
    for command in ("check", "trace", "compile", "run", "bench", "view", "engines"):
        assert command in help
        assert "--json" in tracejet_command(command, "--help").stdout


def test_it_runs_as_a_module_too() -> None:
    run = subprocess.run([sys.executable, "-m", "tracejet", "engines", "--json"], capture_output=True, text=True)
    assert run.returncode == 0 and json.loads(run.stdout)["engines"]


# ---- the guide -----------------------------------------------------------------------------------------------------

GUIDE = Path(__file__).parents[3] / "docs/command-line.md"


def test_the_commands_of_the_guide_do_what_it_shows(folder: Path) -> None:
    python = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    (folder / "net.py").write_text("\n".join(python))
    commands = shown_commands(GUIDE)
    assert len(commands) > 8
    for command, lines in commands:
        name, *arguments = shlex.split(command)
        result = tracejet_command(*arguments)
        assert (name, result.exit_code) == ("tracejet", 0), f"{command}\n{result.output}"
        assert_as_shown(command, result.stdout, lines)
