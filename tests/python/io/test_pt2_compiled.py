"""Compiled programs as .pt2 files: what is loaded runs as what was saved; where it is compiled again, that is said."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

import tracejet
from testing.models import SMALL_MODELS
from tests.support.program_cases import Tied
from tracejet import Input


class Split(nn.Module):
    """OpenVINO has no FFT of these, so it is split."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 16), nn.Linear(9, 4)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> Any:
        self.calls.add_(1)
        hidden = torch.fft.rfft(self.first(x).relu().sigmoid() * 2 + 1).abs()
        return {"out": self.last(hidden).tanh(), "calls": self.calls.clone()}, x.size(0) * 2


ROWS = Input(min_shape=(1, 8), opt_shape=(4, 8), max_shape=(16, 8), name="rows")


def summary(module: Any) -> Any:
    """A report without the names of axes, which files don't keep."""
    report = module.report
    return report.engines, [(part.engine, part.nodes) for part in report.parts], list(report.notes)


def silently(load: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load()


@pytest.mark.parametrize("engine", ["auto", "openvino", "aten"])
def test_a_loaded_module_gives_what_the_saved_one_gives(engine: str, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 2)).eval()
    compiled = tracejet.compile(model, arg_inputs=[ROWS], engine=engine, min_block_size=1)
    compiled.save(tmp_path / "model.pt2")
    loaded = silently(lambda: tracejet.load(tmp_path / "model.pt2"))
    assert isinstance(loaded, tracejet.CompiledModule)
    assert loaded.settings == compiled.settings
    assert summary(loaded) == summary(compiled)
    for rows in (1, 4, 16):
        x = torch.randn(rows, 8)
        assert torch.equal(loaded(x), compiled(x))
    with pytest.raises(tracejet.InvalidInput):
        loaded(torch.randn(17, 8))


def test_a_split_program_with_state(tmp_path: Path) -> None:
    model = Split().eval()
    compiled = tracejet.compile(model, arg_inputs=[ROWS], min_block_size=1)
    assert compiled(torch.randn(2, 8))[0]["calls"] == 1
    compiled.save(tmp_path / "split.pt2")
    loaded = silently(lambda: tracejet.load(tmp_path / "split.pt2"))
    assert summary(loaded) == summary(compiled)
    x = torch.randn(3, 8)
    for calls in (2, 3):  # the state is that of the moment it was saved in
        found, expected = loaded(x), compiled(x)
        assert found[0]["calls"] == expected[0]["calls"] == calls and found[1] == 6
        torch.testing.assert_close(found[0]["out"], expected[0]["out"])
    assert silently(lambda: tracejet.load(tmp_path / "split.pt2"))(x)[0]["calls"] == 2


def test_torch_finds_the_program_and_each_weight_is_there_once(tmp_path: Path) -> None:
    model = Tied().eval()
    tokens = torch.tensor([[1, 2, 3]])
    tracejet.compile(model, arg_inputs=[tokens]).save(tmp_path / "tied.pt2")
    with torch.no_grad():
        torch.testing.assert_close(torch.export.load(tmp_path / "tied.pt2").module()(tokens), model(tokens))
    program = tracejet.load(tmp_path / "tied.pt2", compiled=False)
    assert isinstance(program, torch.export.ExportedProgram)
    with zipfile.ZipFile(tmp_path / "tied.pt2") as archive:
        weights = [entry for entry in archive.infolist() if "/weight_" in entry.filename]
        assert len(weights) == 1
    big = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 512)).eval()
    tracejet.compile(big, arg_inputs=[torch.ones(2, 512)]).save(tmp_path / "big.pt2")
    assert (tmp_path / "big.pt2").stat().st_size < 1.2 * sum(p.numel() * 4 for p in big.parameters())


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_small_models_at_every_size(name: str, tmp_path: Path) -> None:
    case = SMALL_MODELS[name]
    args, kwargs = case.tracejet_inputs()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = tracejet.compile(case.module(), arg_inputs=args, kwarg_inputs=kwargs)
        compiled.save(tmp_path / "model.pt2")
        loaded = tracejet.load(tmp_path / "model.pt2")
    assert not [note for note in loaded.report.notes if "again" in note]
    for which in ("min", "opt", "max"):
        args, kwargs = case.example(which)
        found, expected = pytree.tree_leaves(loaded(*args, **kwargs)), pytree.tree_leaves(compiled(*args, **kwargs))
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same file with another description of what was compiled."""
    made = path.with_name("changed.pt2")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(made, "w") as made_archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith("tracejet/compiled.json"):
                value = json.loads(content)
                change(value)
                content = json.dumps(value).encode()
            made_archive.writestr(name, content)
    return made


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2)).eval()
    tracejet.compile(model, arg_inputs=[ROWS]).save(tmp_path / "model.pt2")
    return tmp_path / "model.pt2"


def other_fingerprint(json: dict[str, Any]) -> None:
    for part in json["parts"]:
        part["fingerprint"] = "engine 0.0 on an abacus"
        part.setdefault("entry", "tracejet/none")


def other_engine(json: dict[str, Any]) -> None:
    json["settings"]["engine"] = {"names": ["abacus"], "may_split": False}


def other_program(json: dict[str, Any]) -> None:
    json["program"] += 1


def other_version(json: dict[str, Any]) -> None:
    json["version"] = 99


def missing_part(json: dict[str, Any]) -> None:
    for part in json["parts"]:
        part["entry"] = "tracejet/none"


def other_nodes(json: dict[str, Any]) -> None:
    for part in json["parts"]:
        part["nodes"] = [2**40]
    json["refused"][0] = [{"node": 2**40, "reason": "isn't there"}]


@pytest.mark.parametrize(
    "change", [other_fingerprint, other_engine, other_program, other_version, missing_part, other_nodes]
)
def test_what_isnt_good_here_is_compiled_again_and_said(change: Callable, saved: Path) -> None:
    before = tracejet.load(saved)
    with pytest.warns(tracejet.BuildWarning, match="again"):
        after = tracejet.load(changed(saved, change))
    assert any("again" in note for note in after.report.notes)
    x = torch.randn(5, 8)
    torch.testing.assert_close(after(x), before(x))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("settings", []),
        ("settings", {"threads": "many"}),
        ("settings", {"threads": 2**40}),
        ("settings", {"precision": 3}),
        ("settings", {"engine": {"names": [], "may_split": True}}),
        ("refused", {}),
        ("refused", []),
        ("parts", [5]),
        ("engines", None),
        ("version", "one"),
    ],
)
def test_a_wrong_description_is_refused(key: str, value: Any, saved: Path) -> None:
    def change(json: dict[str, Any]) -> None:
        json[key] = value

    with pytest.raises(tracejet.Error):
        tracejet.load(changed(saved, change))


def test_truncated_files_are_refused(saved: Path) -> None:
    content = saved.read_bytes()
    for length in [*range(0, len(content), 1024), len(content) - 1]:
        saved.write_bytes(content[:length])
        with pytest.raises(tracejet.Error, match="can't load"):
            tracejet.load(saved)


def test_a_dry_run_has_nothing_to_save(tmp_path: Path) -> None:
    planned = tracejet.compile(nn.Linear(8, 2).eval(), arg_inputs=[ROWS], dryrun=True)
    with pytest.raises(tracejet.InvalidInput, match="dry run"):
        planned.save(tmp_path / "plan.pt2")
    assert not (tmp_path / "plan.pt2").exists()


def test_save_takes_what_compile_gave(tmp_path: Path) -> None:
    model = nn.Linear(4, 3).eval()
    compiled = tracejet.compile(model, arg_inputs=[tracejet.Input((2, 4))])
    tracejet.save(compiled, tmp_path / "compiled.pt2")
    x = torch.randn(2, 4)
    torch.testing.assert_close(tracejet.load(tmp_path / "compiled.pt2")(x), compiled(x))
