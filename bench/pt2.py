"""How long programs take to save and load, against torch.export's save and load: both take turns in one process.

    python -m bench.pt2                      # layers of a transformer: about 500, 1,000 and 2,000 nodes
    python -m bench.pt2 --layers 12 --width 768 -n 7 --json bench/results/pt2.json

"load" is tracejet.load, whose program is ready to compile; "with its Python side" adds the making of what
torch.export.load makes, too. The files are in the page cache.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

import tracejet
from bench.measure import Times, seconds


class Layer(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        q, k, v = self.qkv(self.first(x)).view(batch, length, 3, 4, width // 4).permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q @ k.transpose(-1, -2) / width**0.5).softmax(-1)
        x = x + self.out((scores @ v).transpose(1, 2).reshape(batch, length, width))
        return x + self.down(nn.functional.gelu(self.up(self.second(x))))


def program_of(layers: int, width: int) -> torch.export.ExportedProgram:
    model = nn.Sequential(*[Layer(width) for _ in range(layers)]).eval()
    x = tracejet.Input(min_shape=(2, 2, width), opt_shape=(4, 16, width), max_shape=(64, 512, width), name="x")
    return tracejet.trace(model, arg_inputs=[x])


def alternately(count: int, *runs: Callable[[], Any]) -> list[Times]:
    """The times of each, which take turns; the first turn isn't counted."""
    taken: list[list[float]] = [[] for _ in runs]
    for turn in range(count + 1):
        for of_run, run in zip(taken, runs, strict=True):
            time, _ = seconds(run)
            if turn > 0:
                of_run.append(time)
    return [Times.of(of_run) for of_run in taken]


def measure(layers: int, width: int, count: int, folder: Path) -> dict[str, Any]:
    program = program_of(layers, width)
    nodes = len(program.graph.nodes)  # makes its Python side, which torch's save needs and isn't charged for
    ours, theirs = folder / "ours.pt2", folder / "theirs.pt2"
    save, torch_save = alternately(
        count, lambda: tracejet.save(program, ours), lambda: torch.export.save(program, theirs)
    )
    load, whole, torch_load = alternately(
        count,
        lambda: tracejet.load(theirs),
        lambda: tracejet.load(theirs).graph_module,
        lambda: torch.export.load(theirs),
    )
    return {
        "nodes": nodes,
        "mib": theirs.stat().st_size / 2**20,
        "save": save.median,
        "torch save": torch_save.median,
        "load": load.median,
        "with its Python side": whole.median,
        "torch load": torch_load.median,
    }


def table(rows: list[dict[str, Any]]) -> Table:
    shown = Table("nodes", "MiB", "save", "torch", "ratio", "load", "with its Python side", "torch", "ratio")
    for row in rows:
        shown.add_row(
            str(row["nodes"]),
            f"{row['mib']:.0f}",
            f"{row['save'] * 1e3:.0f} ms",
            f"{row['torch save'] * 1e3:.0f} ms",
            f"{row['torch save'] / row['save']:.1f}x",
            f"{row['load'] * 1e3:.1f} ms",
            f"{row['with its Python side'] * 1e3:.0f} ms",
            f"{row['torch load'] * 1e3:.0f} ms",
            f"{row['torch load'] / row['load']:.1f}x",
        )
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("-n", type=int, default=5, help="how often each is measured")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # torch.export.save warns of weights that it doesn't find whole
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for layers in options.layers:
            rows.append(measure(layers, options.width, options.n, Path(folder)))
    Console().print(table(rows))
    if options.json:
        options.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
