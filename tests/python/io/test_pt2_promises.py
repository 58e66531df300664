"""What a program promises of data is checked when it comes from a file, too, whatever ranges the file has of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tracejet


class Promising(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        count = x.sum().item()
        torch._check(count >= 2)
        torch._check(count <= 7)
        torch._check(count != 5)
        torch._check(2 * count + 1 < 13)
        return x * count


class Rows(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        rows = x[x > 0]
        torch._check(rows.shape[0] != 0)
        torch._check(rows.shape[0] <= 2)
        return rows * 2


def of_tracejet(model: nn.Module, x: torch.Tensor, path: Path) -> None:
    tracejet.save(tracejet.trace(model, arg_inputs=[x]), path)


def of_torch(model: nn.Module, x: torch.Tensor, path: Path) -> None:
    torch.export.save(torch.export.export(model, (x,)).run_decompositions({}), path)


def of_both(model: nn.Module, x: torch.Tensor, path: Path) -> None:
    of_torch(model, x, path)
    tracejet.save(tracejet.load(path), path)


@pytest.mark.parametrize("save", [of_tracejet, of_torch, of_both])
@pytest.mark.parametrize(
    ("model", "good", "bad"),
    [
        (Promising(), [(1, 1, 1), (0, 0, 4), (2, 2, -2)], [(0, 0, 1), (0, 0, -9), (5, 0, 0), (3, 3, 0), (9, 0, 0)]),
        (Rows(), [(1, 0, 0), (1, 0, 3)], [(0, 0, 0), (1, 2, 3)]),
    ],
    ids=["numbers", "sizes"],
)
def test_promises_of_data_are_checked(model: nn.Module, good: list, bad: list, save: Callable, tmp_path: Path) -> None:
    save(model, torch.tensor(good[0]), tmp_path / "program.pt2")
    program = tracejet.load(tmp_path / "program.pt2")
    compiled = tracejet.compile(program, engine="aten")
    for values in good:
        x = torch.tensor(values)
        torch.testing.assert_close(compiled(x), model(x))
        torch.testing.assert_close(program.module()(x), model(x))
    for values in bad:
        for run in (compiled, program.module()):
            with pytest.raises(RuntimeError):
                run(torch.tensor(values))
