"""What a cut costs: models that are split between engines after each of their layers, against the same models whole.

After each layer stands a view that changes nothing (`unsqueeze` and back). Split, PyTorch's kernels make the view, so
the program has one part more for OpenVINO than it has layers, and a call of PyTorch's between two of them. What it
takes longer than the whole is the cost of the cuts, fusions across them included. The two take turns.

    python -m bench.partition --threads 2 --json bench/results/partition.json
"""

from __future__ import annotations

import json
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


def cut(x: torch.Tensor) -> torch.Tensor:
    return x.unsqueeze(0).squeeze(0)


def _cut_first(module: nn.Module, args: Any, output: Any) -> Any:
    return (cut(output[0]), *output[1:]) if isinstance(output, tuple) else cut(output)


def with_cuts(model: nn.Module, every: int) -> nn.Module:
    layers = [module for module in model.modules() if type(module).__name__ in LAYERS]
    for layer in layers[:: max(every, 1)]:
        layer.register_forward_hook(_cut_first)
    return model


def compare(name: str, small: bool, threads: int, every: int, turns: int = TURNS) -> dict[str, Any]:
    case = (SMALL_MODELS if small else MODELS)[name]
    args, kwargs = case.example()
    settings: dict[str, Any] = {"arg_inputs": args, "kwarg_inputs": kwargs, "threads": threads}
    whole = tracejet.compile(case.module(), **settings)
    cuts: dict[str, Any] = {"torch_executed_ops": ["aten.unsqueeze"], "min_block_size": 1}
    split = tracejet.compile(with_cuts(case.module(), every), **cuts, **settings)
    expected, got = (first_tensor(run(*args, **kwargs)) for run in (whole, split))
    taken: list[list[float]] = [[], []]
    for _ in range(turns):
        for times, run in zip(taken, (whole, split), strict=True):
            times.append(seconds(lambda: run(*args, **kwargs))[0])  # noqa: B023
    return {
        "model": name,
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
@click.option("--turns", default=TURNS, show_default=True)
@click.option("--json", "file", type=click.Path(path_type=Path))
def main(models: tuple[str, ...], small: bool, threads: int, every: int, turns: int, file: Path | None) -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(threads)
    columns = ("model", "parts", "whole", "split", "split / whole", "least / least", "error")
    table = Table(*columns, title=f"{threads} threads")
    rows = []
    with torch.no_grad():
        for name in models:
            row = compare(name, small, threads, every, turns)
            whole, split = row["whole"], row["split"]
            rows.append(
                {
                    "model": name,
                    "parts": row["parts"],
                    "seconds": {"whole": whole.median, "split": split.median},
                    "split_over_whole": split.median / whole.median,
                    "least_over_least": split.least / whole.least,
                }
            )
            table.add_row(
                name,
                str(row["parts"]),
                f"{whole.median * 1e3:.1f} ms",
                f"{split.median * 1e3:.1f} ms",
                f"{split.median / whole.median:.3f}",
                f"{split.least / whole.least:.3f}",
                f"{row['error']:.0e}",
            )
    wide_console().print(table)
    if file is not None:
        found = {"threads": threads, "every": every, "turns": turns, "small": small, "rows": rows}
        file.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
