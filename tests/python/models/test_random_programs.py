"""Random small programs: what is compiled equals eager at every size in range, or it is refused.

`make fuzz` runs more of them, on every engine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from tests.support import oracle, rounding
from tests.support.batches import judged
from tests.support.differences import excuses
from tests.support.oracle import FAULTS, Finding, judge

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("engine", "count"), [("aten", 150), ("openvino", 150), ("onnxruntime", 100), ("split", 150)])
def test_random_programs_are_right_or_refused(engine: str, count: int, tmp_path: Path) -> None:
    log = tmp_path / "findings.json"
    # In a process of its own: engines' threads in this one wouldn't survive a fork.
    command = [sys.executable, "-m", "tests.fuzz", "--engine", engine, "--seed", "1", "--count", str(count)]
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'python'}{os.pathsep}{ROOT}"}
    run = subprocess.run(
        [*command, "--jobs", "1", "--json", str(log)], cwd=ROOT, env=env, capture_output=True, text=True
    )
    findings = [json.loads(line) for line in log.read_text().splitlines()]
    assert not any(finding["verdict"] in FAULTS for finding in findings), run.stdout + run.stderr
    assert sorted(finding["seed"] for finding in findings) == list(range(1, count + 1))
    assert sum(finding["verdict"] == "right" for finding in findings) > count / 2


class _Rounds(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        y = F.cosine_similarity(x, x, dim=-1).long()
        return y, x.argmax(0), (x + 1).floor()


def test_what_rounding_decides_is_what_eager_gives_too() -> None:
    """The cosine of a number and itself is 1, or nearly: cut, it is 1 or 0. Ties and whole numbers don't move."""
    x = torch.tensor([[0.3], [0.7], [0.7], [3.0], [-2.0]])
    outcomes = [outcome[0] for outcome in rounding.outcomes(_Rounds, (x,), {})]
    cosines = torch.stack([cosine for cosine, _, _ in outcomes])
    assert set(cosines[:, 0].tolist()) == {0, 1}
    assert all(torch.equal(first, x.argmax(0)) for _, first, _ in outcomes)
    assert all(torch.equal(floor[3:], (x + 1).floor()[3:]) for _, _, floor in outcomes)


class _Overflows(torch.nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        return x @ y, x[:, :1] @ y[:1]


def test_the_order_of_a_sum_decides_what_overflows() -> None:
    """The sum itself is a float32, what it is added up from isn't."""
    big = torch.finfo(torch.float32).max
    x, y = torch.tensor([[big, -big, big]]), torch.tensor([[2.0], [2.0], [0.5]])
    outcomes = [outcome[0] for outcome in rounding.outcomes(_Overflows, (x, y), {})]
    assert {str(summed.item()) for summed, _ in outcomes} >= {"-inf", "inf", str(big / 2)}
    assert all(single.item() == float("inf") for _, single in outcomes)


class _Undefined(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        return x.long(), torch.lerp(x, -2.0 * x, 1 / 3), x.nansum()


def test_what_casts_make_of_nan_and_what_is_left_of_terms_that_cancel_is_open() -> None:
    big = torch.finfo(torch.float32).max
    x = torch.tensor([float("nan"), 1e30, 5.5, big, -big, big, -big, 0.125])
    outcomes = [outcome[0] for outcome in rounding.outcomes(_Undefined, (x,), {})]
    assert {-(2**31), -(2**63)} <= {number for cast, _, _ in outcomes for number in cast[:2].tolist()}
    assert all(cast[2] == 5 for cast, _, _ in outcomes)
    assert {bool(between[2] == 0) for _, between, _ in outcomes} == {True, False}
    assert len({total.item() for _, _, total in outcomes}) > 1


class _WritesWhatItReads(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        return x.add_(x[:1].expand(2, -1)), F.instance_norm(torch.tensor([[[1e200, 2.0, -1e200]]], dtype=torch.float64))


def test_what_overlaps_is_read_before_it_is_written() -> None:
    """And squares that overflow may be subtracted from each other."""
    outcomes = [outcome[0] for outcome in rounding.outcomes(_WritesWhatItReads, (torch.ones(2, 1),), {})]
    assert all(torch.equal(written, torch.full((2, 1), 2.0)) for written, _ in outcomes)
    assert {bool(norm.isnan().all()) for _, norm in outcomes} == {True, False}


class _MeetsNan(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(3))
        self.register_buffer("clean", torch.zeros(3))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        clamped = x.relu()
        self.kept.add_(clamped)
        self.clean.add_(y)
        y.mul_(2)
        return {"other": x + 1, "clamped": clamped * 2}, y.relu()


class _Signs(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.signbit(x * 0)


def test_the_sign_of_a_nan_is_left_open_and_no_other() -> None:
    x = torch.tensor([float("inf"), 2.0, -3.0])
    outcomes = [outcome[0] for outcome in rounding.outcomes(_Signs, (x,), {})]
    assert {bool(outcome[0]) for outcome in outcomes} == {True, False}
    assert all(outcome[1:].tolist() == [False, True] for outcome in outcomes)


def test_a_known_difference_excuses_only_what_follows_from_it() -> None:
    model = _MeetsNan()
    traced = tracejet.trace(model, arg_inputs=[torch.zeros(3), torch.zeros(3)])
    state = dict(model.named_buffers())
    x, y = torch.tensor([1.0, float("nan"), 2.0]), torch.ones(3)
    # Leaves: other, clamped, relu of y; x, y; kept, clean.
    assert sorted(excuses(traced, "openvino", (x, y), state)) == [1, 5]
    assert not excuses(traced, "openvino", (y, y.clone()), state)
    assert not excuses(traced, "aten", (x, y), state)


def _with_engine(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]) -> None:
    """Lets programs that traced run, and then `run` on what they give."""

    def compiled(traced: torch.export.ExportedProgram, engine: str, seed: int) -> Callable[..., Any]:
        program = tracejet.compile(traced, engine="aten")
        return lambda *args: run(program(*args))

    monkeypatch.setattr(oracle, "_compiled", compiled)


def _verdicts(seeds: range) -> list[str]:
    found = sorted(judged({"aten": seeds}, jobs=1), key=lambda finding: finding.seed)
    assert [finding.seed for finding in found] == list(seeds)
    return [finding.verdict for finding in found]


def test_a_wrong_value_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = [judge(seed, "aten").verdict for seed in range(1, 9)]
    _with_engine(monkeypatch, lambda outputs: torch.utils._pytree.tree_map(lambda x: x.logical_not(), outputs))
    lying = [judge(seed, "aten") for seed in range(1, 9)]
    # A size that is refused comes after others, where the lie is found.
    for verdict, finding in zip(honest, lying, strict=True):
        assert finding.verdict in (("wrong",) if verdict == "right" else (verdict, "wrong"))
    assert "right" in honest
    assert all("expected" in f.reason and "def forward" in f.text for f in lying if f.verdict == "wrong")


def test_a_crash_is_a_finding_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    _with_engine(monkeypatch, lambda outputs: os.kill(os.getpid(), signal.SIGSEGV))
    assert set(_verdicts(range(1, 6))) <= {"crashed", "refused"}
    assert "crashed" in _verdicts(range(1, 6))


def test_an_engines_own_words_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(outputs: Any) -> Any:
        raise RuntimeError("Check 'false' failed at src/core/node.cpp")

    _with_engine(monkeypatch, fails)
    found: list[Finding] = [judge(seed, "aten") for seed in range(1, 6)]
    assert all(f.verdict in ("failed", "refused") for f in found)
    assert any(f.verdict in FAULTS and "src/core/node.cpp" in f.reason for f in found)
