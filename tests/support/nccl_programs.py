"""Models on several GPUs, one process for each: what becomes of their programs under CUDA graphs.

torchrun --nproc-per-node 2 -m tests.support.nccl_programs FOLDER
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # older versions of PyTorch import it in the midst of a trace
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh

import tracejet
from tests.support import collectives
from tests.support.lambda_module import Lambda
from tracejet import Input

#: Older versions of PyTorch trace DTensors of one size only.
SIZES_MAY_VARY = [int(part) for part in torch.__version__.split(".")[:2]] >= [2, 13]


def graph_launches(call: Callable[[], Any]) -> int:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        call()
        torch.cuda.synchronize()
    return sum(event.count for event in profile.key_averages() if event.key == "cudaGraphLaunch")


def _assert_same(got: Any, expected: Any) -> None:
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def replayed(model: nn.Module, shape: tuple[int, ...], relaid: bool = False) -> int:
    """Calls of one size equal eager: as they are, recorded and replayed. Gives how many graphs a call launches."""
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[torch.randn(shape, device="cuda")]))
    for call in range(8):
        x = torch.randn(shape, device="cuda")
        if call == 5 and relaid and dist.get_rank() == 0:  # laid out otherwise in one of them
            x = x.transpose(0, 1).contiguous().transpose(0, 1)
        _assert_same(compiled(x), model(x))
    return graph_launches(lambda: compiled(x))


def split(model: nn.Module) -> int:
    """Sizes that vary: communication isn't recorded, and all that surrounds it may be."""
    rows = Input(min_shape=(2, 4, 16), opt_shape=(3, 4, 16), max_shape=(5, 4, 16), device="cuda", name="tokens")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tracejet.BuildWarning)
        compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[rows]))
    for rows in (2, 3, 2, 3, 5, 2, 3, 3):
        x = torch.randn(rows, 4, 16, device="cuda")
        _assert_same(compiled(x), model(x))
    return graph_launches(lambda: compiled(x))


def checks() -> dict[str, Callable[[], int]]:
    mesh = init_device_mesh("cuda", (dist.get_world_size(),))
    models = {name: make(mesh).cuda().eval() for name, make in collectives.PARALLEL.items()}
    found: dict[str, Callable[[], int]] = {}
    for name, (function, _) in collectives.COLLECTIVES.items():
        found[name] = lambda function=function: replayed(Lambda(function), (4, 4))  # type: ignore[misc]
    for name, model in models.items():
        found[name] = lambda model=model: replayed(model, (3, 4, 16), relaid=True)  # type: ignore[misc]
        if SIZES_MAY_VARY:
            found[f"{name}, any size"] = lambda model=model: split(model)  # type: ignore[misc]
    return found


def main(folder: str) -> None:
    rank = int(os.environ["LOCAL_RANK"])
    torch.cuda.set_device(rank)
    torch.backends.cuda.matmul.allow_tf32 = False
    dist.init_process_group("nccl", device_id=torch.device("cuda", rank))
    outcomes: dict[str, Any] = {}
    for name, check in checks().items():
        torch.manual_seed(0)
        print(rank, name, flush=True)
        with torch.no_grad():
            try:
                outcomes[name] = check()
            except Exception as error:
                outcomes[name] = f"{type(error).__name__}: {error}"
    Path(folder, f"{rank}.json").write_text(json.dumps(outcomes))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
