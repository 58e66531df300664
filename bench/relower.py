"""How long programs take to be lowered anew: tracejet.trace(program) against torch.export's run_decompositions.

    python -m bench.relower                  # layers of a transformer: about 500, 1,000 and 2,000 nodes
    python -m bench.relower -n 5 --json bench/results/relower.json

Programs of torch.export in training IR, with a dynamic batch and length. "tracejet" replays their nodes in Python,
"from a file" those of a `.pt2` file that tracejet.load has read, in C++; both give programs in Core ATen. All take
turns in one process, in CPU time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

import tracejet
from bench.pt2 import Layer


def exported(layers: int, width: int) -> torch.export.ExportedProgram:
    model = nn.Sequential(*[Layer(width) for _ in range(layers)]).eval()
    batch, length = torch.export.Dim("batch", min=2, max=64), torch.export.Dim("length", min=2, max=512)
    example = (torch.randn(4, 16, width),)
    return torch.export.export(model, example, dynamic_shapes=({0: batch, 1: length},))


def cpu_seconds(run: Any) -> float:
    begin = time.process_time()
    run()
    return time.process_time() - begin


def measure(layers: int, width: int, count: int, folder: Path) -> dict[str, Any]:
    program = exported(layers, width)
    file = folder / "program.pt2"
    torch.export.save(program.run_decompositions({}), file)
    loaded = tracejet.load(file)
    runs = {
        "run_decompositions": program.run_decompositions,
        "tracejet": lambda: tracejet.trace(program, decompositions="core_aten"),
        "from a file": lambda: tracejet.trace(loaded, decompositions="core_aten"),
    }
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(count + 1):
        for name, run in runs.items():
            spent = cpu_seconds(run)
            if turn > 0:
                taken[name].append(spent)
    return {"nodes": len(program.graph.nodes), **{name: median(seconds) for name, seconds in taken.items()}}


def table(rows: list[dict[str, Any]]) -> Table:
    shown = Table("nodes", "run_decompositions", "tracejet", "ratio", "from a file", "ratio")
    for row in rows:
        whole = row["run_decompositions"]
        cells = [str(row["nodes"]), f"{whole:.2f} s"]
        for name in ("tracejet", "from a file"):
            cells += [f"{row[name] * 1e3:.0f} ms", f"{whole / row[name]:.0f}x"]
        shown.add_row(*cells)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("-n", type=int, default=3, help="how often each is measured")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(layers, options.width, options.n, Path(folder)) for layers in options.layers]
    Console().print(table(rows))
    if options.json:
        options.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
