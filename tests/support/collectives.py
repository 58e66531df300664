"""Models that communicate, and what becomes of them in each of two processes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed._functional_collectives as functional
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor, Replicate, Shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    RowwiseParallel,
    SequenceParallel,
    parallelize_module,
)

import tracejet
from testing.compare import assert_equal, assert_same_as_eager
from tests.support.lambda_module import Lambda
from tracejet import Input

WORLD_SIZE = 2
ROWS = Input(min_shape=(2, 4), opt_shape=(6, 4), max_shape=(8, 4), name="x")
EVEN_ROWS = [{"x_0": rows} for rows in (2, 6, 8)]


def _own(x: torch.Tensor) -> torch.Tensor:
    """What differs from process to process."""
    return x * (1 + dist.get_rank())


def _written(collective: Callable[..., Any], output: torch.Tensor, *inputs: torch.Tensor) -> torch.Tensor:
    collective(output, *inputs)
    return output


def _all_gather(x: torch.Tensor) -> torch.Tensor:
    outputs = [torch.empty_like(x) for _ in range(WORLD_SIZE)]
    dist.all_gather(outputs, _own(x))
    return torch.cat(outputs, 1)


def _all_to_all(x: torch.Tensor) -> torch.Tensor:
    inputs = list(_own(x).chunk(WORLD_SIZE, 1))
    outputs = [torch.empty_like(part) for part in inputs]
    dist.all_to_all(outputs, [part.contiguous() for part in inputs])
    return torch.cat(outputs)


def _waited(x: torch.Tensor) -> torch.Tensor:
    y = _own(x)
    dist.all_reduce(y, op=dist.ReduceOp.MAX, async_op=True).wait()
    return y - x


#: By name: the model's code, and the operator that its program is to have.
COLLECTIVES: dict[str, tuple[Callable[[torch.Tensor], Any], str]] = {
    "functional all_reduce": (lambda x: functional.all_reduce(_own(x), "sum", dist.group.WORLD) + 1, "all_reduce"),
    "functional all_gather": (
        lambda x: functional.all_gather_tensor(_own(x), 1, dist.group.WORLD),
        "all_gather_into_tensor",
    ),
    "functional reduce_scatter": (
        lambda x: functional.reduce_scatter_tensor(_own(x), "sum", 0, dist.group.WORLD),
        "reduce_scatter_tensor",
    ),
    "functional all_to_all": (
        lambda x: functional.all_to_all_single(_own(x), None, None, dist.group.WORLD),
        "all_to_all_single",
    ),
    "functional broadcast": (lambda x: functional.broadcast(_own(x), 1, dist.group.WORLD), "broadcast"),
    "functional coalesced": (
        lambda x: functional.all_reduce_coalesced([_own(x), x + 1], "max", dist.group.WORLD),
        "all_reduce_coalesced",
    ),
    "all_reduce": (lambda x: _written(dist.all_reduce, _own(x)) + x, "all_reduce"),
    "all_reduce of a view": (lambda x: (y := _own(x), dist.all_reduce(y[:2]), y)[2], "all_reduce"),
    "all_reduce, waited for": (_waited, "all_reduce"),
    "all_reduce of a number": (lambda x: _written(dist.all_reduce, _own(x).sum()) * x, "all_reduce"),
    "all_gather": (_all_gather, "all_gather_into_tensor"),
    "all_gather_into_tensor": (
        lambda x: _written(dist.all_gather_into_tensor, x.new_empty(WORLD_SIZE * x.shape[0], 4), _own(x)),
        "all_gather_into_tensor",
    ),
    "reduce_scatter": (
        lambda x: (y := torch.empty_like(x), dist.reduce_scatter(y, [_own(x), x * 3]), y)[2],
        "reduce_scatter_tensor",
    ),
    "reduce_scatter_tensor": (
        lambda x: _written(dist.reduce_scatter_tensor, x.new_empty(x.shape[0] // WORLD_SIZE, 4), _own(x)),
        "reduce_scatter_tensor",
    ),
    "all_to_all": (_all_to_all, "all_to_all_single"),
    "all_to_all_single": (
        lambda x: _written(dist.all_to_all_single, torch.empty_like(x), _own(x)),
        "all_to_all_single",
    ),
    "broadcast": (lambda x: _written(lambda y: dist.broadcast(y, 1), _own(x)), "broadcast"),
}


class Block(nn.Module):
    """A layer of a transformer."""

    def __init__(self, heads: int = 4):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(16)
        self.q, self.k, self.v, self.o = (nn.Linear(16, 16, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x)
        q, k, v = (part(y).unflatten(-1, (self.heads, 4)).transpose(1, 2) for part in (self.q, self.k, self.v))
        attended = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(attended.transpose(1, 2).flatten(2))
        return x + self.down(nn.functional.gelu(self.up(x)))


def _parallel_block(mesh: DeviceMesh) -> nn.Module:
    torch.manual_seed(0)
    block = Block(heads=4 // WORLD_SIZE)
    columns = {name: ColwiseParallel() for name in ("q", "k", "v", "up")}
    rows = {name: RowwiseParallel() for name in ("o", "down")}
    return parallelize_module(block, mesh, {**columns, **rows})


def _sequence_parallel(mesh: DeviceMesh) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 16))
    plan = {
        "0": SequenceParallel(use_local_output=False),
        "1": ColwiseParallel(input_layouts=Shard(1)),
        "3": RowwiseParallel(),
    }
    return parallelize_module(model, mesh, plan)


class Redistributed(nn.Module):
    """Uses DTensors itself."""

    def __init__(self, mesh: DeviceMesh) -> None:
        super().__init__()
        self.mesh = mesh

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = DTensor.from_local(_own(x), self.mesh, [Shard(0)], run_check=False)
        columns = rows.redistribute(placements=[Shard(2)])
        return (columns.exp().to_local().sum(), columns.redistribute(placements=[Replicate()]).to_local())


PARALLEL: dict[str, Callable[[DeviceMesh], nn.Module]] = {
    "tensor parallel": _parallel_block,
    "sequence parallel": _sequence_parallel,
    "DTensors in forward": Redistributed,
}
TOKENS = Input(min_shape=(2, 4, 16), opt_shape=(3, 4, 16), max_shape=(5, 4, 16), name="tokens")

#: Communication that programs can't have.
REFUSED: dict[str, Callable[[torch.Tensor], Any]] = {
    "barrier": lambda x: (dist.barrier(), x + 1)[1],
    "send": lambda x: (dist.send(x, 1 - dist.get_rank()), x + 1)[1],
    "gather": lambda x: (dist.gather(x, [x, x] if dist.get_rank() == 0 else None), x + 1)[1],
    "reduce": lambda x: _written(lambda y: dist.reduce(y, 0), x + 1),
}


def _check(model: nn.Module, given: Any, sizes: Any, example: torch.Tensor) -> list[str]:
    """Compares the traced program with eager. Gives its collectives."""
    program = assert_same_as_eager(model, [given], sizes)
    split = tracejet.compile(program, min_block_size=1)
    assert "aten" in split.report.engines, str(split.report)
    with torch.no_grad():
        for compiled in (tracejet.compile(program, engine="aten"), split):
            assert_equal(model(example.clone()), compiled(example.clone()))
    names = [str(node.target) for node in program.graph.nodes]
    return [name.split(".")[1] for name in names if name.startswith("_c10d_functional.")]


def _outcome(check: Callable[..., Any], *args: Any) -> Any:
    try:
        return check(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def run(rank: int, folder: str) -> None:
    """One of the processes. Writes what became of every model to `folder`."""
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=WORLD_SIZE)
    outcomes: dict[str, Any] = {}
    for name, (function, _) in COLLECTIVES.items():
        outcomes[name] = _outcome(_check, Lambda(function), ROWS, EVEN_ROWS, torch.randn(4, 4))
    mesh = init_device_mesh("cpu", (WORLD_SIZE,))
    for name, make in PARALLEL.items():
        tokens = torch.randn(3, 4, 16)
        outcomes[name] = _outcome(_check, make(mesh), TOKENS, None, tokens)
        outcomes[f"{name}, static"] = _outcome(_check, make(mesh), tokens, None, tokens)
    for name, function in REFUSED.items():
        outcomes[name] = _outcome(tracejet.trace, Lambda(function), [ROWS])
    Path(folder, f"{rank}.json").write_text(json.dumps(outcomes))
    dist.destroy_process_group()
