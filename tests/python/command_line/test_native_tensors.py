"""Tensors that tracejet-cpp reads, writes and prints: files of numpy's and of torch.save's, of every dtype."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import tracejet
from tests.support.native_command_line import Net, call, found

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")


@pytest.mark.parametrize("name", ["x.npy", "x=x.npy", "x.pt", "dict.pt", "list.pt"])
def test_run_takes_files_and_writes_outputs(name: str, net_folder: Path, net: Net) -> None:
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


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16, torch.complex32], ids=str)
def test_programs_of_rare_dtypes_run_on_random_inputs(dtype: torch.dtype, tmp_path: Path) -> None:
    class Same(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

    x = tracejet.Input(shape=(2, 3), dtype=dtype, name="x")
    tracejet.save(tracejet.trace(Same(), arg_inputs=[x]), tmp_path / "same.pt2")
    assert found("run", tmp_path / "same.pt2", "--engine", "aten", "--compare")["outputs"][0]["shape"] == [2, 3]


def test_nan_has_no_sign_in_what_is_printed(net_folder: Path) -> None:
    for name, value in {"nan": np.nan, "negative": -np.nan}.items():
        np.save(f"{name}.npy", np.full((4, 8), value, dtype=np.float32))
        run = call("run", "net.pt2", "--load-inputs", f"{name}.npy")
        assert run.stdout == "output 0 float32[4, 3]: min nan, mean nan, max nan\n"


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
    for got, expected in zip(torch.load(tmp_path / "y.pt"), Conjugates()(x), strict=True):
        torch.testing.assert_close(got, expected)
