"""tracejet-cpp: what it writes, Python reads, and what it computes is what PyTorch computes."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import tracejet
from tests.support.console import assert_as_shown, shown_commands

ROOT = Path(__file__).parents[3]
TOOL = ROOT / "build/tools/tracejet/tracejet-cpp"

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 3))

    def forward(self, x: torch.Tensor, scale: torch.Tensor | None = None) -> torch.Tensor:
        y = self.layers(x)
        return y if scale is None else y * scale


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.total.add_(x.sum(0))
        return torch.linalg.eigvals(x.t() @ x).abs() + self.total


ROWS = ("--min-shapes", "x:1x8", "--opt-shapes", "x:4x8", "--max-shapes", "x:16x8")


@pytest.fixture(scope="module")
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, net: Net) -> Path:
    """The net as TorchScript, as a program of ours, and as one of torch.export's."""
    folder = tmp_path_factory.mktemp("models")
    torch.jit.script(net).save(folder / "net.pt")
    x = tracejet.Input(min_shape=(1, 8), opt_shape=(4, 8), max_shape=(16, 8), name="x")
    tracejet.save(tracejet.trace(net, arg_inputs=[x]), folder / "net.pt2")
    rows = torch.export.Dim("rows", min=2, max=16)
    exported = torch.export.export(net, (torch.randn(4, 8),), dynamic_shapes=({0: rows},))
    torch.export.save(exported.run_decompositions({}), folder / "exported.pt2")
    return folder


@pytest.fixture
def folder(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(models, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, check=False)


def found(*arguments: Any, status: int = 0) -> Any:
    result = call(*arguments, "--json")
    assert result.returncode == status, result.stdout + result.stderr
    return json.loads(result.stdout)


def assert_equals(file: str, net: Net, sizes: tuple[int, ...]) -> None:
    module = torch.export.load(file).module()
    for rows in sizes:
        x = torch.randn(rows, 8)
        result = module(x)
        torch.testing.assert_close(result[0] if isinstance(result, tuple) else result, net(x))


def test_trace_writes_what_torch_export_loads(folder: Path, net: Net) -> None:
    result = found("trace", "net.pt", *ROWS, "-o", "traced.pt2")
    assert result["inputs"] == {"x": "float32[x_0, 8]"}
    assert result["dimensions"] == {"x_0": {"min": 1, "opt": 4, "max": 16}}
    assert_equals("traced.pt2", net, (1, 4, 16))


def test_inputs_are_written_as_torchtrtc_does_too(folder: Path) -> None:
    result = found(
        "trace", "net.pt", "-i", "x:[(1,8);(4,8);(16,8)]", "-i", "scale:(3,)@f64", "--shared-dims", "rows=x:0"
    )
    assert result["inputs"] == {"x": "float32[rows, 8]", "scale": "float64[3]"}


@pytest.mark.parametrize("file", ["net.pt2", "exported.pt2"])
@pytest.mark.parametrize("decompositions", ["tensorrt", "core_aten", "none"])
def test_lower_gives_the_same_program_in_other_operators(
    file: str, decompositions: str, folder: Path, net: Net
) -> None:
    result = found("lower", file, "-o", "lowered.pt2", "--decompositions", decompositions)
    assert ("aten::linear" in result["operators"]) == (decompositions == "none" and file == "exported.pt2")
    assert_equals("lowered.pt2", net, (2, 4, 16))


def test_show_prints_the_program(folder: Path) -> None:
    assert "aten::gelu" in call("show", "net.pt2").stdout


def test_check_answers_by_its_exit_status(folder: Path) -> None:
    assert call("check", "net.pt2", "--engine", "aten").returncode == 0
    torch.jit.script(Counting().eval()).save("counting.pt")
    result = found("check", "counting.pt", "--shapes", "x:4x8", status=1)
    assert "aten::linalg_eig" in [call["op"] for call in result["unsupported"]]


@pytest.mark.parametrize("name", ["x.npy", "x=x.npy", "x.pt", "dict.pt", "list.pt"])
def test_run_takes_files_and_writes_outputs(name: str, folder: Path, net: Net) -> None:
    x = torch.randn(5, 8)
    np.save("x.npy", x.numpy())
    torch.save(x, "x.pt")
    torch.save({"x": x}, "dict.pt")
    torch.save([x], "list.pt")
    run = call("run", "net.pt2", "--load-inputs", name, "--save-outputs", "y.npy", "--engine", "aten", "--compare")
    assert run.returncode == 0, run.stderr
    assert call("run", "net.pt2", "--load-inputs", name, "--save-outputs", "y.pt").returncode == 0
    torch.testing.assert_close(torch.from_numpy(np.load("y.npy")), net(x))
    torch.testing.assert_close(torch.load("y.pt")[0], net(x))


@pytest.mark.parametrize("size", ["min", "opt", "max"])
def test_run_draws_inputs_of_a_size_and_compares(size: str, folder: Path) -> None:
    result = found("run", "net.pt2", "--size", size, "--compare")
    assert result["equal"]
    assert result["outputs"][0]["shape"] == [{"min": 1, "opt": 4, "max": 16}[size], 3]
    assert found("run", "net.pt2", "--shapes", "x:9x8")["outputs"][0]["shape"] == [9, 3]


def test_a_compiled_file_runs_as_it_is(folder: Path) -> None:
    assert found("compile", "net.pt2", "-o", "compiled.pt2", "--threads", 1)["report"]["preferred"] == "openvino"
    assert found("run", "compiled.pt2", "--compare")["equal"]
    assert isinstance(tracejet.load("compiled.pt2"), tracejet.CompiledModule)


def test_bench_measures_engines_side_by_side(folder: Path) -> None:
    result = found("bench", "net.pt2", "--duration", 0.05, "--warm-up", 0)
    assert [row["engine"] for row in result["engines"]] == ["aten", "openvino"]
    assert all(0 < row["min_ms"] <= row["p50_ms"] <= row["max_ms"] for row in result["engines"])


WRONG = {
    "missing.pt2": ("run missing.pt2", 2, "no file"),
    "a command": ("frobnicate", 2, "frobnicate"),
    "less than no time": ("bench net.pt2 --duration -1", 2, "--duration"),
    "no time at all": ("bench net.pt2 --warm-up nan", 2, "--warm-up"),
    "no end": ("bench net.pt2 --duration inf", 2, "--duration"),
    "a tolerance of nothing": ("run net.pt2 --compare --tolerance nan", 2, "tolerance"),
    "a negative tolerance": ("run net.pt2 --compare --tolerance -1", 2, "tolerance"),
    "no model": ("check", 2, "model"),
    "no shapes": ("trace net.pt", 2, "--shapes"),
    "another input": ("trace net.pt --shapes y:1x8", 2, "'y'"),
    "no shape": ("trace net.pt --shapes x:1xfour", 2, "1xfour"),
    "two ranges": ("trace net.pt --min-shapes x:1x8 --opt-shapes x:4x8", 2, "--max-shapes"),
    "a dtype": ("trace net.pt --shapes x:1x8 --dtypes x:float33", 2, "float33"),
    "inputs of a program": ("compile net.pt2 --shapes x:4x8", 2, "knows its inputs"),
    "out of range": ("run net.pt2 --shapes x:99x8", 2, "1 to 16"),
    "another rank": ("run net.pt2 --shapes x:4x8x1", 2, "x is"),
    "a setting": ("compile net.pt2 --set frobnicate=1", 2, "frobnicate"),
    "a setting's value": ("compile net.pt2 --set threads=many", 2, "threads"),
    "an engine": ("compile net.pt2 --engine frobnicate", 2, "frobnicate"),
    "a broken file": ("show broken.pt2", 3, "broken.pt2"),
    "a broken script": ("trace broken.pt --shapes x:4x8", 3, "broken.pt"),
    "a broken array": ("run net.pt2 --load-inputs broken.npy", 3, "broken.npy"),
    "objects": ("run net.pt2 --load-inputs objects.npy", 3, "objects.npy"),
    "a dtype without an end": ("run net.pt2 --load-inputs dtype.npy", 3, "dtype.npy"),
    "a shape of many axes": ("run net.pt2 --load-inputs axes.npy", 3, "axes.npy"),
    "a shape that overflows": ("run net.pt2 --load-inputs overflow.npy", 3, "overflow.npy"),
    "broken tensors": ("run net.pt2 --load-inputs broken.pt", 3, "broken.pt"),
    "other sizes": ("trace net.pt --shapes x:4x7", 3, "x"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_with_an_exit_status(what: str, folder: Path) -> None:
    for name in ("broken.pt2", "broken.pt", "broken.npy"):
        Path(name).write_bytes(Path("net.pt2").read_bytes()[:500])
    np.save("objects.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    hostile = {
        "dtype": ("f" * 1_000_000, "4, 8"),
        "axes": ("<f4", "1, " * 300_000),
        "overflow": ("<f4", f"0, {2**62}, 4"),
    }
    for name, (dtype, shape) in hostile.items():
        header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({shape}), }}"
        Path(f"{name}.npy").write_bytes(b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header.encode())
    command, status, words = WRONG[what]
    assert words in found(*shlex.split(command), status=status)["error"]["message"]


def test_errors_go_to_standard_error(folder: Path) -> None:
    result = call("run", "missing.pt2")
    message = "InvalidInput: there is no file missing.pt2\nSee docs/errors.md#invalidinput\n"
    assert (result.returncode, result.stdout, result.stderr) == (2, "", message)


def test_without_a_command_the_commands_are_listed(folder: Path) -> None:
    result = call()
    assert (result.returncode, result.stdout) == (2, "")
    assert all(name in result.stderr for name in ("show", "trace", "bench"))


DTYPES = "bool int8 int16 int32 int64 uint8 float16 float32 float64 complex64".split()


@pytest.mark.parametrize(
    ("dtype", "shape", "order"),
    [*((dtype, (2, 3, 4), "F") for dtype in DTYPES), ("float32", (), "C"), ("float32", (0, 2), "C")],
)
def test_arrays_come_back_as_they_were(dtype: str, shape: tuple[int, ...], order: str, tmp_path: Path) -> None:
    class Same(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

    x = (torch.randn(shape) * 5).to(getattr(torch, dtype))
    tracejet.save(tracejet.trace(Same(), arg_inputs=[x]), tmp_path / "same.pt2")
    np.save(tmp_path / "x.npy", np.asarray(x.numpy(), order=order))
    files = ("--load-inputs", tmp_path / "x.npy", "--save-outputs", tmp_path / "y.npy")
    run = call("run", tmp_path / "same.pt2", "--engine", "aten", *files)
    assert run.returncode == 0, run.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), x.numpy())


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.uint64, torch.float8_e5m2], ids=str)
def test_what_torch_load_cant_open_isnt_written(dtype: torch.dtype, tmp_path: Path) -> None:
    class Holds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("kept", torch.ones(3).to(dtype))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.kept.clone()

    tracejet.save(tracejet.trace(Holds(), arg_inputs=[torch.ones(2)]), tmp_path / "holds.pt2")
    run = call("run", tmp_path / "holds.pt2", "--engine", "aten", "--save-outputs", tmp_path / "y.pt")
    assert run.returncode == 3 and ".npy" in run.stderr
    assert not (tmp_path / "y.pt").exists()


def test_tensors_that_are_conjugated_or_turned_come_back(tmp_path: Path) -> None:
    class Conjugates(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            turned = torch.complex(x, x * 2)
            return turned.conj(), turned.conj().imag, x.t(), x[1:, 1:]

    x = torch.randn(3, 4)
    tracejet.save(tracejet.trace(Conjugates(), arg_inputs=[x]), tmp_path / "program.pt2")
    torch.save(x, tmp_path / "x.pt")
    files = ("--load-inputs", tmp_path / "x.pt", "--save-outputs", tmp_path / "y.pt")
    run = call("run", tmp_path / "program.pt2", "--engine", "aten", *files)
    assert run.returncode == 0, run.stderr
    for found, expected in zip(torch.load(tmp_path / "y.pt"), Conjugates()(x), strict=True):
        torch.testing.assert_close(found, expected)


def test_the_commands_of_the_guide_do_what_it_shows(folder: Path) -> None:
    page = ROOT / "docs/cpp.md"
    commands = shown_commands(page)
    assert len(commands) > 5
    for command, lines in commands:
        name, *arguments = shlex.split(command)
        result = call(*arguments)
        assert (name, result.returncode) == ("tracejet-cpp", 0), f"{command}\n{result.stderr}"
        assert_as_shown(command, result.stdout, lines)
