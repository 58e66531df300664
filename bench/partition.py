"""What a cut costs: models that are split between engines, against the same models whole. The two take turns.

By default, a view that changes nothing (`unsqueeze` and back) stands after each layer. Split, PyTorch's kernels make
the view, so the program has one part more for OpenVINO than it has layers, and a call of PyTorch's between two of them.
What it takes longer than the whole is the cost of the cuts, fusions across them included.

With --parts, PyTorch's kernels run some of the model's own modules (layer norms, ReLUs) instead, so that OpenVINO gets
that many parts: what it takes longer is also what their kernels, and OpenVINO's lost fusions with them, cost.

    python -m bench.partition --threads 2 --json bench/results/partition.json
    python -m bench.partition --parts 4 --parts 8 --threads 1 --clock cpu
"""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from typing import Any

import click
import torch
from rich.table import Table
from torch import nn

import tracejet
from bench.measure import Times, seconds, wide_console
from bench.runtimes import first_tensor
from testing.models import MODELS, SMALL_MODELS

TURNS = 30
#: The classes of the layers after which programs are cut.
LAYERS = ("Bottleneck", "BasicBlock", "BertLayer", "EncoderBlock", "GPT2Block", "LlamaDecoderLayer", "TransformerBlock")


#: The modules that PyTorch's kernels run, by model and by how many parts OpenVINO gets then. A ReLU of ResNet is called
#: three times.
CUTS: dict[str, dict[int, list[str]]] = {
    "resnet50": {4: ["layer2.3.relu"], 8: ["maxpool", "layer2.3.relu", "layer3.5.relu"]},
    "bert": {
        4: [f"encoder.layer.{i}.output.LayerNorm" for i in (2, 5, 8)],
        8: [f"encoder.layer.{i}.output.LayerNorm" for i in (1, 3, 4, 6, 7, 9, 10)],
    },
    "vit_b_16": {
        4: [f"encoder.layers.encoder_layer_{i}.ln_2" for i in (2, 5, 8)],
        8: [f"encoder.layers.encoder_layer_{i}.ln_2" for i in (1, 3, 4, 6, 7, 9, 10)],
    },
}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def cut(x: torch.Tensor) -> torch.Tensor:
    return x.unsqueeze(0).squeeze(0)


def _cut_first(module: nn.Module, args: Any, output: Any) -> Any:
    return (cut(output[0]), *output[1:]) if isinstance(output, tuple) else cut(output)


def with_cuts(model: nn.Module, every: int) -> nn.Module:
    layers = [module for module in model.modules() if type(module).__name__ in LAYERS]
    for layer in layers[:: max(every, 1)]:
        layer.register_forward_hook(_cut_first)
    return model


def compare(
    name: str, small: bool, threads: int, every: int, parts: int = 0, turns: int = TURNS, clock: str = "wall"
) -> dict[str, Any]:
    """`parts`: how many of OpenVINO's; 0: cut by views."""
    case = (SMALL_MODELS if small else MODELS)[name]
    args, kwargs = case.example()
    settings: dict[str, Any] = {"arg_inputs": args, "kwarg_inputs": kwargs, "threads": threads}
    whole = tracejet.compile(case.module(), **settings)
    if parts:
        split = tracejet.compile(case.module(), torch_executed_modules=CUTS[name][parts], min_block_size=1, **settings)
        if [part.engine for part in split.report.parts].count("openvino") != parts:
            raise click.ClickException(f"{name} isn't cut into {parts} parts of OpenVINO's: {split.report.parts}")
    else:
        cuts: dict[str, Any] = {"torch_executed_ops": ["aten.unsqueeze"], "min_block_size": 1}
        split = tracejet.compile(with_cuts(case.module(), every), **cuts, **settings)
    expected, got = (first_tensor(run(*args, **kwargs)) for run in (whole, split))
    taken: list[list[float]] = [[], []]
    for _ in range(turns):
        for times, run in zip(taken, (whole, split), strict=True):
            times.append(seconds(lambda: run(*args, **kwargs), CLOCKS[clock])[0])  # noqa: B023
    return {
        "model": name,
        "cut by": "modules" if parts else "views",
        "parts": len(split.report.parts),
        "whole": Times.of(taken[0]),
        "split": Times.of(taken[1]),
        "error": ((got - expected).abs().max() / expected.abs().max()).item(),
    }


@click.command()
@click.option("-m", "--model", "models", multiple=True, default=("resnet50", "bert", "vit_b_16"), show_default=True)
@click.option("--small", is_flag=True, help="The small models of the tests, to try the benchmark itself.")
@click.option("--threads", default=2, show_default=True)
@click.option("--every", default=1, show_default=True, help="Cuts after every so many layers.")
@click.option("--parts", "counts", multiple=True, type=int, help="Cuts by modules into so many parts of OpenVINO's.")
@click.option("--clock", default="wall", show_default=True, type=click.Choice(list(CLOCKS)), help="Which time to take.")
@click.option("--turns", default=TURNS, show_default=True)
@click.option("--json", "file", type=click.Path(path_type=Path))
def main(
    models: tuple[str, ...],
    small: bool,
    threads: int,
    every: int,
    counts: tuple[int, ...],
    clock: str,
    turns: int,
    file: Path | None,
) -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(threads)
    columns = ("model", "cut by", "parts", "whole", "split", "split / whole", "least / least", "error")
    table = Table(*columns, title=f"{threads} threads")
    rows = []
    with torch.no_grad():
        for name, parts in [(name, parts) for name in models for parts in counts or (0,)]:
            row = compare(name, small, threads, every, parts, turns, clock)
            whole, split = row["whole"], row["split"]
            rows.append(
                {
                    "model": name,
                    "cut by": row["cut by"],
                    "parts": row["parts"],
                    "seconds": {"whole": whole.median, "split": split.median},
                    "split_over_whole": split.median / whole.median,
                    "least_over_least": split.least / whole.least,
                }
            )
            table.add_row(
                name,
                row["cut by"],
                str(row["parts"]),
                f"{whole.median * 1e3:.1f} ms",
                f"{split.median * 1e3:.1f} ms",
                f"{split.median / whole.median:.3f}",
                f"{split.least / whole.least:.3f}",
                f"{row['error']:.0e}",
            )
    wide_console().print(table)
    if file is not None:
        found = {"threads": threads, "clock": clock, "every": every, "turns": turns, "small": small, "rows": rows}
        file.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
