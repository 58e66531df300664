"""Files of programs that write in place: what torch.export.save writes of models with state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from tests.support.other_torch import assert_close, computed
from tests.support.plain_models import MODELS, Case, function

SIZES = (4, 5, 9)


class WritesViews(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.zeros(2, 3))

    def forward(self, x):
        self.table[0] += x.sum(0)
        y = x.clone()
        y[1:, 0] = self.table.sum()
        row = y.view(-1)[:3]
        row.mul_(2)
        return y.clamp_(max=9.0).add_(row.clone()), self.table.t()


class Trains(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def eval(self) -> Trains:
        return self.train()

    def forward(self, x):
        return self.layers(x), [buffer.clone() for buffer in self.buffers()]


class Shared(nn.Module):
    """Two buffers of one memory."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("both", torch.zeros(2, 3))
        self.register_buffer("first", self.both[0])

    def forward(self, x):
        self.both.add_(x.sum(0))
        return x + self.first


def branches(x):
    y = x * 1
    y.add_(torch.tensor([1.0, 2.0, 3.0]))
    return torch.cond(y.sum() > 0, lambda y: y.sin().add_(2.0), lambda y: y.cos(), (y,))


ROWS = (("n", 3),)
CASES = {name: MODELS[name] for name in ("state", "written_inputs", "tied", "loop")}
CASES |= {
    "views": Case(WritesViews, ROWS),
    "batch_norm": Case(lambda: Trains(nn.Linear(3, 4), nn.BatchNorm1d(4)), ROWS),
    "instance_norm": Case(lambda: Trains(nn.InstanceNorm1d(3, track_running_stats=True)), (("n", 3, 7),)),
    "branches": Case(function(branches), ROWS),
    "relu": Case(lambda: nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Hardswish(inplace=True)), ROWS),
}


def exported(case: Case) -> torch.export.ExportedProgram:
    dynamic = tuple({0: torch.export.Dim.DYNAMIC} for _ in case.axes)
    return torch.export.export(case.module(), tuple(case.inputs(5)), dynamic_shapes=dynamic)


@pytest.mark.parametrize("name", CASES)
def test_programs_that_write_in_place_open(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    torch.export.save(exported(case), tmp_path / "exported.pt2")
    expected = computed(case.module(), case, SIZES)

    def opened() -> Any:
        return tracejet.load(tmp_path / "exported.pt2")

    assert_close(computed(opened().module(), case, SIZES), expected)
    for engine in ("aten", "auto"):
        assert_close(computed(tracejet.compile(opened(), engine=engine), case, SIZES), expected)
    tracejet.save(opened(), tmp_path / "again.pt2")
    assert_close(computed(torch.export.load(tmp_path / "again.pt2").module(), case, SIZES), expected)
    assert set(opened().state_dict) == set(case.module().state_dict())


def test_what_it_writes_is_in_the_signature(tmp_path: Path) -> None:
    torch.export.save(exported(CASES["state"]), tmp_path / "exported.pt2")
    signature = tracejet.load(tmp_path / "exported.pt2").graph_signature
    assert set(signature.buffers_to_mutate.values()) == {"calls", "scratch"}
    assert set(signature.non_persistent_buffers) == {"scratch"}


def test_lines_modules_and_constants_stay(tmp_path: Path) -> None:
    torch.export.save(exported(CASES["tied"]), tmp_path / "exported.pt2")
    loaded, expected = tracejet.load(tmp_path / "exported.pt2"), torch.export.load(tmp_path / "exported.pt2")
    assert loaded.constants.keys() == expected.constants.keys()
    lines = {node.meta["stack_trace"].splitlines()[-1] for node in loaded.graph.nodes if "stack_trace" in node.meta}
    assert any("self.b(self.a(x))" in line or "F.linear" in line for line in lines)


def test_two_buffers_of_one_memory_are_right_or_refused(tmp_path: Path) -> None:
    case = Case(Shared, ROWS)
    torch.export.save(exported(case), tmp_path / "exported.pt2")
    try:
        loaded = tracejet.load(tmp_path / "exported.pt2")
    except tracejet.UnsupportedOperator as refusal:
        pytest.skip(f"refused: {refusal}")
    assert_close(computed(tracejet.compile(loaded, engine="aten"), case, SIZES), computed(case.module(), case, SIZES))
