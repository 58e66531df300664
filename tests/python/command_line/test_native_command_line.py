"""tracejet-cpp: what it writes, Python reads, and what it computes is what PyTorch computes."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

import tracejet
from tests.support.console import assert_as_shown, shown_commands
from tests.support.native_command_line import ROOT, Net, call, found

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.total.add_(x.sum(0))
        return torch.linalg.eigvals(x.t() @ x).abs() + self.total


ROWS = ("--min-shapes", "x:1x8", "--opt-shapes", "x:4x8", "--max-shapes", "x:16x8")


def assert_equals(file: str, net: Net, sizes: tuple[int, ...]) -> None:
    module = torch.export.load(file).module()
    for rows in sizes:
        x = torch.randn(rows, 8)
        result = module(x)
        torch.testing.assert_close(result[0] if isinstance(result, tuple) else result, net(x))


def test_trace_writes_what_torch_export_loads(net_folder: Path, net: Net) -> None:
    result = found("trace", "net.pt", *ROWS, "-o", "traced.pt2")
    assert result["inputs"] == {"x": "float32[x_0, 8]"}
    assert result["dimensions"] == {"x_0": {"min": 1, "opt": 4, "max": 16}}
    assert_equals("traced.pt2", net, (1, 4, 16))


def test_inputs_are_written_as_torchtrtc_does_too(net_folder: Path) -> None:
    result = found(
        "trace", "net.pt", "-i", "x:[(1,8);(4,8);(16,8)]", "-i", "scale:(3,)@f64", "--shared-dims", "rows=x:0"
    )
    assert result["inputs"] == {"x": "float32[rows, 8]", "scale": "float64[3]"}


@pytest.mark.parametrize("file", ["net.pt2", "exported.pt2"])
@pytest.mark.parametrize("decompositions", ["tensorrt", "core_aten", "none"])
def test_lower_gives_the_same_program_in_other_operators(
    file: str, decompositions: str, net_folder: Path, net: Net
) -> None:
    result = found("lower", file, "-o", "lowered.pt2", "--decompositions", decompositions)
    assert ("aten::linear" in result["operators"]) == (decompositions == "none" and file == "exported.pt2")
    assert_equals("lowered.pt2", net, (2, 4, 16))


def test_show_prints_the_program(net_folder: Path) -> None:
    assert "aten::gelu" in call("show", "net.pt2").stdout


def test_check_answers_by_its_exit_status(net_folder: Path) -> None:
    assert call("check", "net.pt2", "--engine", "aten").returncode == 0
    torch.jit.script(Counting().eval()).save("counting.pt")
    result = found("check", "counting.pt", "--shapes", "x:4x8", status=1)
    assert "aten::linalg_eig" in [call["op"] for call in result["unsupported"]]


@pytest.mark.parametrize("size", ["min", "opt", "max"])
def test_run_draws_inputs_of_a_size_and_compares(size: str, net_folder: Path) -> None:
    result = found("run", "net.pt2", "--size", size, "--compare")
    assert result["equal"]
    assert result["outputs"][0]["shape"] == [{"min": 1, "opt": 4, "max": 16}[size], 3]
    assert found("run", "net.pt2", "--shapes", "x:9x8")["outputs"][0]["shape"] == [9, 3]


def test_a_compiled_file_runs_as_it_is(net_folder: Path) -> None:
    assert found("compile", "net.pt2", "-o", "compiled.pt2", "--threads", 1)["report"]["preferred"] == "openvino"
    assert found("run", "compiled.pt2", "--compare")["equal"]
    assert isinstance(tracejet.load("compiled.pt2"), tracejet.CompiledModule)


def test_bench_measures_engines_side_by_side(net_folder: Path) -> None:
    result = found("bench", "net.pt2", "--duration", 0.05, "--warm-up", 0)
    assert [row["engine"] for row in result["engines"]] == ["aten", "openvino"]
    assert all(0 < row["min_ms"] <= row["p50_ms"] <= row["max_ms"] for row in result["engines"])


def test_kinds_of_files_are_told_by_what_is_in_them(net_folder: Path) -> None:
    shutil.copy("net.pt2", "program.zip")
    shutil.copy("net.pt", "script.pt2")
    assert found("show", "program.zip") == found("show", "net.pt2")
    assert found("lower", "program.zip")["inputs"] == {"x": "float32[s0, 8]"}
    assert found("trace", "script.pt2", "--shapes", "x:4x8")["inputs"] == {"x": "float32[4, 8]"}
    torch.save([torch.ones(5, 8)], "tensors.dat")
    assert found("run", "net.pt2", "--load-inputs", "tensors.dat")["outputs"][0]["shape"] == [5, 3]


def test_what_is_written_to_a_link_is_in_its_target(net_folder: Path) -> None:
    Path("link.pt2").symlink_to("target.pt2")
    for command in ("trace net.pt --shapes x:4x8", "lower net.pt2", "compile net.pt2"):
        assert call(*shlex.split(command), "-o", "link.pt2").returncode == 0
        assert Path("link.pt2").is_symlink() and tracejet.load("target.pt2", compiled=False)
        Path("target.pt2").unlink()


def test_the_commands_of_the_guide_do_what_it_shows(net_folder: Path) -> None:
    page = ROOT / "docs/cpp.md"
    commands = shown_commands(page)
    assert len(commands) > 5
    for command, lines in commands:
        name, *arguments = shlex.split(command)
        result = call(*arguments)
        assert (name, result.returncode) == ("tracejet-cpp", 0), f"{command}\n{result.stderr}"
        assert_as_shown(command, result.stdout, lines)
