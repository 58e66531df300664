"""tracejet-cpp: what it writes, Python reads, and what it computes is what PyTorch computes."""

from __future__ import annotations

import json
import os
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


class Lists(nn.Module):
    def forward(self, xs: list[torch.Tensor]) -> torch.Tensor:
        return xs[0]


class Repeats(nn.Module):
    def forward(self, x: torch.Tensor, times: int, y: torch.Tensor) -> torch.Tensor:
        return x * times + y


class NoForward(nn.Module):
    @torch.jit.export
    def run(self, x: torch.Tensor) -> torch.Tensor:
        return x


class Rows(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2


@pytest.fixture(scope="module")
def odd_files(models: Path, net: Net, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models, and files that are something else than their names or commands make of them."""
    folder = tmp_path_factory.mktemp("odd")
    shutil.copytree(models, folder, dirs_exist_ok=True)
    for name, model in {"lists": Lists(), "repeats": Repeats(), "noforward": NoForward()}.items():
        torch.jit.script(model).save(folder / f"{name}.pt")
    rows = tracejet.Input(min_shape=(1, 8), opt_shape=(4, 8), max_shape=(2**62, 8), name="x")
    tracejet.save(tracejet.trace(Rows(), arg_inputs=[rows]), folder / "rows.pt2")
    torch.save(net.state_dict(), folder / "state.pt")
    torch.save({"x": {"deep": torch.ones(4, 8)}}, folder / "deep.pt")
    torch.save(net, folder / "pickled.pt")
    torch.save(torch.ones(4, 8), folder / "old.pt", _use_new_zipfile_serialization=False)
    np.save(folder / "x.npy", np.ones((4, 8), dtype=np.float32))
    for name in ("text.pt", "text.pt2", "text.dat"):
        (folder / name).write_text("no model\n" * 100)
    (folder / "empty.pt").touch()
    (folder / "folder.pt2").mkdir()
    for name in ("fifo", "fifo.pt2", "fifo.npy"):
        os.mkfifo(folder / name)
    (folder / "link.pt2").symlink_to("nowhere/at/all.pt2")
    return folder


def files_in(folder: Path) -> dict[str, tuple[int, ...]]:
    """What changes where a file is written or replaced."""
    about = {file.name: file.lstat() for file in folder.iterdir()}
    return {name: (stat.st_mode, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in about.items()}


HUGE = 2**63 - 1
TRACE = "trace net.pt --shapes x:4x8"
ODD = [  # the command, its exit status, and what its one line says
    (f"trace net.pt --shapes x:{HUGE}x8", 2, f"x: [{HUGE}, 8] is more than"),
    (f"trace net.pt --shapes x:{2**62}x8", 2, "x: "),
    (f"trace net.pt --min-shapes x:1x8 --opt-shapes x:{2**62}x8 --max-shapes x:{HUGE}x8", 2, "x: "),
    ("trace net.pt --shapes x:99999999999999999999x8", 2, "isn't a shape"),
    ("trace net.pt --shapes x:-1x8", 2, "isn't a shape"),
    ("trace net.pt --shapes x:", 2, "isn't a shape"),
    ("trace net.pt --shapes :", 2, "isn't a shape"),
    ("trace net.pt --shapes ''", 2, "--shapes: expected a value"),
    ("trace net.pt --shapes 4x8,x:4x8", 2, "x: expected one shape"),
    ("trace net.pt --shapes x:4x8,x:3x8", 2, "two shapes"),
    ("trace net.pt --shapes x:4x8 --shapes x:3x8", 2, "--shapes"),
    ("trace net.pt -i 'x:(4,8)' -i 'x:(3,8)'", 2, "-i is given twice for x"),
    ("trace net.pt -i '(4,8)' -i 'x:(3,8)'", 2, "-i is given twice for x"),
    ("trace net.pt -i 'x:(4,8)' --shapes x:3x8", 2, "x: expected one shape"),
    ("trace net.pt -i 'x:(4,8)@f32' --dtypes x:f16", 2, "x is given two dtypes"),
    ("trace net.pt --shapes x:4x8 --dtypes x:f32,x:f16", 2, "x is given two dtypes"),
    ("trace net.pt --shapes x:4x8 --dtypes scale:f16", 2, "no shape is given of scale"),
    ("trace net.pt --shapes x:4x8 --shared-dims n=scale:0", 2, "no shape is given of scale"),
    ("trace net.pt --shapes x:4x8 --shared-dims n=x:0 --shared-dims m=x:0", 2, "two names, n and m"),
    ("trace net.pt -i 'x:(4,,8)'", 2, "isn't a shape"),
    ("trace net.pt -i 'x:(,)'", 2, "isn't a shape"),
    ("trace net.pt -i 'x:(4,8,,)'", 2, "isn't a shape"),
    ("trace net.pt -i '(4,8)' -i '(3,)' -i '(2,)'", 2, "it takes x, scale"),
    ("trace net.pt --min-shapes x:1x8", 2, "--opt-shapes and --max-shapes"),
    ("trace net.pt --max-shapes x:1x8", 2, "--opt-shapes and --max-shapes"),
    ("trace net.pt --opt-shapes x:1x8 --max-shapes x:1x8", 2, "--min-shapes"),
    ("trace net.pt --shapes x:4x8 --min-shapes scale:1", 2, "scale: a dynamic input needs"),
    (f"{TRACE} -o ''", 2, "--output: expected a value"),
    (f"{TRACE} -o fifo", 3, "can't write fifo: there is something else than a file"),
    (f"{TRACE} -o folder.pt2", 3, "can't write folder.pt2: Is a directory"),
    (f"{TRACE} -o link.pt2", 3, "can't write link.pt2: No such file"),
    ("compile net.pt2 -o fifo", 3, "can't write fifo"),
    ("lower net.pt2 -o fifo", 3, "can't write fifo"),
    ("trace noforward.pt --shapes x:4x8", 3, "can't trace noforward.pt: it has no forward"),
    ("trace lists.pt --shapes xs:4x8", 2, "it takes xs: List[Tensor], of which tensors can be given"),
    ("trace lists.pt --shapes 4x8", 2, "it takes xs: List[Tensor], of which"),
    (
        "trace repeats.pt --shapes x:4x8,y:4x8",
        2,
        "no input 'y' that can be given; it takes x: Tensor, times: int",
    ),
    ("trace repeats.pt --shapes x:4x8,times:scalar", 2, "no input 'times' that can be given"),
    ("show state.pt", 2, "state.pt is a file of torch.save"),
    ("show pickled.pt", 2, "pickled.pt is a file of torch.save"),
    ("show text.pt", 3, "can't load text.pt: it is no .pt2 file and no TorchScript file"),
    ("show empty.pt", 3, "can't load empty.pt: it is no .pt2 file and no TorchScript file"),
    ("show text.pt2", 3, "can't load text.pt2: it is no .pt2 archive"),
    ("show folder.pt2", 2, "there is no file folder.pt2"),
    ("show fifo.pt2", 2, "there is no file fifo.pt2"),
    ("show link.pt2", 2, "there is no file link.pt2"),
    ("show ''", 2, "model: expected a value"),
    ("trace missing.pt2", 2, "there is no file missing.pt2"),
    ("lower missing.pt2", 2, "there is no file missing.pt2"),
    ("trace net.pt2", 2, "net.pt2 is a program already"),
    ("lower net.pt", 2, "net.pt is no .pt2 file"),
    ("run rows.pt2 --shapes x:9999999999999x8", 2, "no memory for random numbers of the shape [9999999999999, 8]"),
    (f"run rows.pt2 --shapes x:{2**61}x8", 2, "no memory for random numbers"),
    ("run net.pt2 --shapes y:4x8", 2, "no input 'y'"),
    ("run net.pt2 --shapes 4x8,x:5x8", 2, "x is given two shapes"),
    ("run net.pt2 --seed -1", 2, "--seed: expected a whole number from 0 to 18446744073709551615, got -1"),
    ("run net.pt2 --seed 99999999999999999999999", 2, "--seed: expected a whole number"),
    ("run net.pt2 --seed 1.5", 2, "--seed: expected a whole number"),
    ("run net.pt2 --seed 1 --seed 2", 2, "--seed"),
    ("run net.pt2 --threads 99999999999999999999", 2, "--threads"),
    ("run net.pt2 --cache-dir x.npy", 2, "cache_dir is x.npy, where there is something else than a folder"),
    ("run net.pt2 --engine ''", 2, "--engine: expected a value"),
    ("run net.pt2 --load-inputs x=x.npy --load-inputs x=x.npy", 2, "a tensor for the input 'x' already"),
    ("run net.pt2 --load-inputs x.npy --load-inputs x=x.npy", 2, "a tensor for the input 'x' already"),
    ("run net.pt2 --load-inputs =x.npy", 2, "expected the name of an input"),
    ("run net.pt2 --load-inputs x=", 2, "there is no file "),
    ("run net.pt2 --load-inputs fifo.npy", 2, "there is no file fifo.npy"),
    ("run net.pt2 --load-inputs state.pt", 3, "can't read state.pt: it holds an object of a class"),
    ("run net.pt2 --load-inputs deep.pt", 3, "deep.pt holds"),
    ("run net.pt2 --load-inputs pickled.pt", 3, "can't read pickled.pt: "),
    ("run net.pt2 --load-inputs old.pt", 3, "can't read old.pt: it is no file of torch.save"),
    ("run net.pt2 --load-inputs text.dat", 3, "can't read text.dat: it is no file of torch.save"),
    ("run net.pt2 --load-inputs net.pt", 3, "can't read net.pt: it is no file of torch.save"),
    ("run net.pt2 --load-inputs net.pt2", 3, "can't read net.pt2: it is no file of torch.save"),
    ("run net.pt2 --save-outputs folder.pt2", 3, "can't write folder.pt2"),
    ("bench net.pt2 --iterations 0", 2, "--iterations: expected a whole number from 1 to"),
    ("bench net.pt2 --iterations -5", 2, "--iterations: expected a whole number from 1 to"),
    ("bench net.pt2 --iterations 99999999999999999999999", 2, "--iterations: expected a whole number from 1 to"),
]


@pytest.mark.parametrize(("command", "status", "words"), ODD, ids=[command for command, _, _ in ODD])
def test_an_odd_command_is_one_line_about_what_is_odd(
    command: str, status: int, words: str, odd_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(odd_files)
    before = files_in(odd_files)
    result = call(*shlex.split(command))
    line, *more = result.stderr.splitlines()
    assert result.returncode == status, result
    assert words in line and len(line) < 300, line
    assert all(word not in line for word in ("c10::", "INTERNAL ASSERT", "miniz", "enforce fail"))
    assert more == [] or (len(more) == 1 and more[0].startswith("See docs/errors.md#")), more
    assert files_in(odd_files) == before


def test_kinds_of_files_are_told_by_what_is_in_them(folder: Path) -> None:
    shutil.copy("net.pt2", "program.zip")
    shutil.copy("net.pt", "script.pt2")
    assert found("show", "program.zip") == found("show", "net.pt2")
    assert found("lower", "program.zip")["inputs"] == {"x": "float32[s0, 8]"}
    assert found("trace", "script.pt2", "--shapes", "x:4x8")["inputs"] == {"x": "float32[4, 8]"}
    torch.save([torch.ones(5, 8)], "tensors.dat")
    assert found("run", "net.pt2", "--load-inputs", "tensors.dat")["outputs"][0]["shape"] == [5, 3]


def test_what_is_written_to_a_link_is_in_its_target(folder: Path) -> None:
    Path("link.pt2").symlink_to("target.pt2")
    for command in (TRACE, "lower net.pt2", "compile net.pt2"):
        assert call(*shlex.split(command), "-o", "link.pt2").returncode == 0
        assert Path("link.pt2").is_symlink() and tracejet.load("target.pt2", compiled=False)
        Path("target.pt2").unlink()


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16, torch.complex32], ids=str)
def test_programs_of_rare_dtypes_run_on_random_inputs(dtype: torch.dtype, tmp_path: Path) -> None:
    class Same(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

    x = tracejet.Input(shape=(2, 3), dtype=dtype, name="x")
    tracejet.save(tracejet.trace(Same(), arg_inputs=[x]), tmp_path / "same.pt2")
    assert found("run", tmp_path / "same.pt2", "--engine", "aten", "--compare")["outputs"][0]["shape"] == [2, 3]


def test_nan_has_no_sign_in_what_is_printed(folder: Path) -> None:
    for name, value in {"nan": np.nan, "negative": -np.nan}.items():
        np.save(f"{name}.npy", np.full((4, 8), value, dtype=np.float32))
        run = call("run", "net.pt2", "--load-inputs", f"{name}.npy")
        assert run.stdout == "output 0 float32[4, 3]: min nan, mean nan, max nan\n"


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
