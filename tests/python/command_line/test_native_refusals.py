"""What tracejet-cpp says of a command that is wrong: one line, an exit status, and no file is touched."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tracejet
from tests.support.native_command_line import Net, call, found

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")


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
def test_what_is_wrong_is_told_with_an_exit_status(what: str, net_folder: Path) -> None:
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


def test_errors_go_to_standard_error(net_folder: Path) -> None:
    result = call("run", "missing.pt2")
    message = "InvalidInput: there is no file missing.pt2\nSee docs/errors.md#invalidinput\n"
    assert (result.returncode, result.stdout, result.stderr) == (2, "", message)


def test_without_a_command_the_commands_are_listed(net_folder: Path) -> None:
    result = call()
    assert (result.returncode, result.stdout) == (2, "")
    assert all(name in result.stderr for name in ("show", "trace", "bench"))
