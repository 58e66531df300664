"""`effort`: engines that compile for long are held against the others."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from tests.support.lambda_module import Lambda, batch
from tests.support.python_engines import Everything, registered
from tracejet.engines.inductor import build, toolchain

needs_compiler = pytest.mark.skipif(bool(toolchain.missing()), reason=toolchain.missing())


class Chain(nn.Module):
    """What calls of PyTorch's kernels are slow at."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(6):
            x = x.tanh() * 1.5 + x.sigmoid()
        return x


def wide() -> tracejet.Input:
    return tracejet.Input(min_shape=(1, 4096), opt_shape=(16, 4096), max_shape=(32, 4096), name="x")


def test_a_wrong_effort_is_an_error() -> None:
    with pytest.raises(tracejet.InvalidInput, match='effort is "most"; choose "fast", "balanced" or "max"'):
        tracejet.compile(Chain(), arg_inputs=[wide()], effort="most")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many calls the programs have that Inductor is asked to compile; it fails."""
    sizes: list[int] = []

    def compile(module: torch.fx.GraphModule, options: dict[str, Any]) -> Any:
        sizes.append(len(module.graph.find_nodes(op="call_function", target=torch.ops.aten.tanh.default)))
        raise RuntimeError("it was asked")

    monkeypatch.setattr(build, "_compile", compile)
    return sizes


@needs_compiler
@pytest.mark.parametrize(
    ("settings", "is_asked"),
    [
        ({}, False),
        ({"effort": "fast"}, False),
        ({"effort": "balanced"}, False),  # OpenVINO runs it
        ({"effort": "balanced", "engine": ["aten", "inductor"]}, True),
        ({"effort": "max"}, True),
        ({"effort": "max", "engine": ["openvino"]}, False),
        ({"effort": "max", "engine": ["openvino", "inductor"]}, True),
        ({"effort": "max", "engine": "openvino"}, False),
        ({"effort": "max", "dryrun": True}, False),
    ],
)
@pytest.mark.filterwarnings("ignore::tracejet.BuildWarning")
def test_whom_inductor_is_held_against(settings: dict[str, Any], is_asked: bool, asked: list[int]) -> None:
    compiled = tracejet.compile(Chain(), arg_inputs=[wide()], **settings)
    assert asked == ([6] if is_asked else [])
    assert "inductor" not in compiled.report.engines


@needs_compiler
def test_balanced_asks_for_chains_only(asked: list[int]) -> None:
    product = Lambda(lambda x: (x @ x.T).tanh() @ x)
    tracejet.compile(product, arg_inputs=[wide()], effort="balanced", engine=["aten", "inductor"])
    assert not asked


@needs_compiler
def test_what_fails_loses_with_a_warning(asked: list[int]) -> None:
    with pytest.warns(
        tracejet.BuildWarning, match="inductor failed to build what openvino runs instead: .*it was asked"
    ):
        compiled = tracejet.compile(Chain(), arg_inputs=[wide()], effort="max")
    assert compiled.report.engines == ("openvino",)
    with pytest.raises(tracejet.UnsupportedOperator, match="it was asked"):
        tracejet.compile(Chain(), arg_inputs=[wide()], effort="max", pass_through_build_failures=True)


class Slow(Everything):
    """The model itself, after a nap."""

    name = "slow"

    def compile(self, program: torch.fx.GraphModule, settings: tracejet.CompileSettings) -> Any:
        return lambda x: time.sleep(0.2) or Chain()(x)


@needs_compiler
def test_the_faster_one_runs_the_part_and_files_remember_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Chain()
    with registered(Slow()):
        compiled = tracejet.compile(model, arg_inputs=[wide()], effort="max", engine=["slow", "inductor"])
        (part,) = compiled.report.parts
        assert part.engine == "inductor" and re.fullmatch(r"inductor [\d.]+ ms, slow [\d.]+ ms", part.measured)
        assert f"measured: {part.measured}" in str(compiled.report)
        for rows in (1, 16, 32):
            x = torch.randn(rows, 4096)
            torch.testing.assert_close(compiled(x), model(x))
        compiled.save(tmp_path / "chain.pt2")
        loaded = tracejet.load(tmp_path / "chain.pt2")
        assert loaded.report.engines == ("inductor",) and not loaded.report.parts[0].measured
        assert not loaded.report.notes
        assert torch.equal(loaded(x), compiled(x))
        monkeypatch.setattr(build, "_compile", lambda *_: pytest.fail("it was compiled again"))
        fitted = tracejet.refit_module_weights(compiled, model, arg_inputs=[wide()])
        assert torch.equal(fitted(x), compiled(x))


@needs_compiler
def test_the_slower_one_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that gives what it is given: nobody is faster."""

    class Nothing(Everything):
        name = "nothing"

        def compile(self, program: torch.fx.GraphModule, settings: tracejet.CompileSettings) -> Any:
            return lambda x: x

    model = Lambda(lambda x: x.tanh().sigmoid().exp())
    with registered(Nothing()):
        compiled = tracejet.compile(model, arg_inputs=[batch(100_000)], effort="max", engine=["nothing", "inductor"])
    assert compiled.report.engines == ("nothing",)
    assert compiled.report.parts[0].measured.startswith("inductor ")


@needs_compiler
def test_parts_of_data_are_not_measured(asked: list[int]) -> None:
    model = Lambda(lambda x: x[x > 0].tanh())
    compiled = tracejet.compile(model, arg_inputs=[batch(8)], effort="max", engine=["aten", "inductor"])
    assert "inductor doesn't take it: " in compiled.report.parts[0].measured and not asked
