"""Programs on several GPUs: of one process each, with NCCL between them, and of one process for all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch._dynamo  # see test_cuda_graphs.py
from torch import nn

import tracejet
from tests.support import collectives
from tests.support.lambda_module import Lambda

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(torch.cuda.device_count() < collectives.WORLD_SIZE, reason="needs two GPUs"),
]


def test_every_process_computes_as_in_eager_and_records_it(tmp_path: Path) -> None:
    # One test: starting the processes takes longer than all that they do.
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    run += ["--nproc-per-node", str(collectives.WORLD_SIZE), "-m", "tests.support.nccl_programs", str(tmp_path)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    for rank in range(collectives.WORLD_SIZE):
        outcome = json.loads((tmp_path / f"{rank}.json").read_text())
        for name in (*collectives.COLLECTIVES, *collectives.PARALLEL):
            assert outcome[name] == 1, f"{name}, process {rank}: {outcome[name]}"
        for name in collectives.PARALLEL:
            of_any_size = outcome.get(f"{name}, any size", 0)
            assert isinstance(of_any_size, int), f"{name}, any size, process {rank}: {of_any_size}"


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.LayerNorm(16)) for _ in range(4))).eval()


def assert_right(compiled: nn.Module, module: nn.Module, device: str, calls: int) -> None:
    for _ in range(calls):
        x = torch.randn(4, 16, device=device)
        got = compiled(x)
        assert got.device == x.device
        torch.testing.assert_close(got, module(x), rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("current", [0, 1])
def test_a_program_runs_on_its_own_gpu_whatever_the_current_one_is(current: int) -> None:
    module = net().to("cuda:1")
    x = torch.randn(4, 16, device="cuda:1")
    with torch.cuda.device(current):
        compiled = tracejet.compile(tracejet.trace(module, arg_inputs=[x]))
        assert_right(compiled, module, "cuda:1", calls=5)
    with pytest.raises(tracejet.InvalidInput, match="cuda:1"):
        compiled(torch.randn(4, 16, device="cuda:0"))


@torch.no_grad()
def test_a_program_on_two_gpus_is_recorded_on_each() -> None:
    first, second = net().to("cuda:0"), net().to("cuda:1")
    module = Lambda(lambda x: second(first(x).to("cuda:1")).to("cuda:0") + x, first=first, second=second)
    x = torch.randn(4, 16, device="cuda:0")
    with pytest.warns(tracejet.BuildWarning, match="more than one CUDA graph.*several GPUs"):
        compiled = tracejet.compile(tracejet.trace(module, arg_inputs=[x]))
    assert_right(compiled, module, "cuda:0", calls=6)
