"""Control flow runs on PyTorch's kernels; what is in it is split as a program of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._higher_order_ops.map import map as hop_map
from torch._higher_order_ops.scan import scan

import tracejet
from tests.support.lambda_module import batch


class Branches(nn.Module):
    """Weights, a size of the graph around, and an operator that OpenVINO hasn't."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

    def one(self, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(self.second(F.gelu(self.first(x))) * x.shape[0], (8,)).softmax(-1)

    def other(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.first(x)).sigmoid() * 3
        return torch.fft.rfft(y).abs().sum(-1, keepdim=True) + self.second(y).tanh().exp().sqrt()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, self.one, self.other, (x,)) * 2


class Loop(Branches):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        def go_on(i: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return i < 3

        def body(i: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return i + 1, self.one(y) + y.mean()

        return torch.while_loop(go_on, body, (torch.tensor(0), x))[1]


class Scan(Branches):
    def forward(self, x: torch.Tensor) -> Any:
        def step(carried: torch.Tensor, row: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            y = F.gelu(self.first(row) + carried).softmax(-1)
            return y * 2, self.second(y).tanh() + x.mean()

        return scan(step, x.sum(0), x)


class Map(Branches):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return hop_map(lambda row, by: self.second(F.gelu(self.first(row))).softmax(-1).exp() * by[0], x, x * 2)


class Nested(Branches):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        def around(x: torch.Tensor) -> torch.Tensor:
            y = self.second(F.gelu(self.first(x)).tanh().sigmoid())
            return torch.cond(y.sum() > 1, self.one, self.other, (y,)) + 1

        return torch.cond(x.sum() > 0, around, self.other, (x,))


MODELS: list[Callable[[], nn.Module]] = [Branches, Loop, Scan, Map, Nested]
ROWS = [2, 5, 9]


def compiled_with_bodies(model: nn.Module, **settings: Any) -> Any:
    return tracejet.compile(model, arg_inputs=[batch(8, high=9, low=2)], **settings)


@pytest.mark.parametrize("make", MODELS)
def test_bodies_give_what_they_give_in_eager(make: Callable[[], nn.Module]) -> None:
    model = make().eval()
    compiled = compiled_with_bodies(model)
    inside = [part for part in compiled.report.parts if part.inside]
    assert any(part.engine == "openvino" and part.nodes >= 5 for part in inside), str(compiled.report)
    for rows in ROWS:
        for sign in (1, -1):
            x = torch.rand(rows, 8) * sign
            with torch.no_grad():
                torch.testing.assert_close(compiled(x), model(x), rtol=1e-4, atol=1e-5)


def test_weights_of_the_program_are_weights_of_its_bodies() -> None:
    parts = [part for part in compiled_with_bodies(Branches().eval()).report.parts if part.inside]
    assert max(part.weight_bytes for part in parts if part.engine == "openvino") >= 2 * 4 * (64 + 8)


def test_the_report_says_which_call_runs_a_body() -> None:
    report = compiled_with_bodies(Branches().eval()).report
    assert any("fft" in call.operator for call in report.fallbacks)
    inside = [part for part in report.parts if part.inside]
    assert all("cond" in part.inside and "test_partition_bodies.py" in part.inside for part in inside)
    assert "test_partition_bodies.py" in str(report).split("fft")[0]
    assert report.coverage > 0.5


def test_a_dry_run_plans_bodies_as_a_build_does() -> None:
    model = Nested().eval()
    assert compiled_with_bodies(model, dryrun=True).report.to_json() == compiled_with_bodies(model).report.to_json()


def test_small_bodies_are_left_to_pytorch() -> None:
    assert not any(part.inside for part in compiled_with_bodies(Branches().eval(), min_block_size=100).report.parts)


def test_a_named_operator_runs_on_pytorchs_kernels_in_a_body_too() -> None:
    report = compiled_with_bodies(Branches().eval(), torch_executed_ops=["aten.gelu"]).report
    assert any(call.operator == "aten::gelu" for call in report.fallbacks)
    assert not report.notes
