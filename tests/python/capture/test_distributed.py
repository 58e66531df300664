"""Models that communicate with other processes: their collectives are nodes, and every process computes as in eager."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support import collectives

pytestmark = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this PyTorch has no gloo")


def outcomes(folder: Path) -> list[dict[str, Any]]:
    """What became of each model, in each process."""
    torch.multiprocessing.spawn(collectives.run, (str(folder),), nprocs=collectives.WORLD_SIZE)
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(collectives.WORLD_SIZE)]


def test_every_process_computes_as_in_eager(tmp_path: Path) -> None:
    # One test: starting the processes takes longer than all that they do.
    for rank, outcome in enumerate(outcomes(tmp_path)):
        for name, (_, operator) in collectives.COLLECTIVES.items():
            assert isinstance(outcome[name], list), f"{name}, process {rank}: {outcome[name]}"
            assert {operator, "wait_tensor"} <= set(outcome[name]), f"{name}: {outcome[name]}"
        for name in (f"{name}{how}" for name in collectives.PARALLEL for how in ("", ", static")):
            assert isinstance(outcome[name], list), f"{name}, process {rank}: {outcome[name]}"
            assert "wait_tensor" in outcome[name]
        for name in collectives.REFUSED:
            assert "UnsupportedOperator: [c10d::" in outcome[name], f"{name}: {outcome[name]}"
            assert "has no functional form" in outcome[name]
