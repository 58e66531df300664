"""Fixtures of the tests of tracejet-cpp."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

import tracejet
from tests.support.native_command_line import Net


@pytest.fixture(scope="session")
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture(scope="session")
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
def net_folder(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(models, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path
