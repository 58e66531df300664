"""What the engine cache saves: compiling a program, against loading it from the cache. The two take turns.

Both begin with a traced program and end with a module that can be called; the cache is in a folder of its own, and
the system has its file in memory. "First call" is that of the module that either gives.

    python -m bench.engine_cache --threads 2
"""

from __future__ import annotations

import tempfile
import warnings
from typing import Any

import click
import torch
from rich.filesize import decimal
from rich.table import Table

import tracejet
from bench.measure import Times, seconds, wide_console
from testing.models import MODELS, SMALL_MODELS
from tracejet import _C

TURNS = 7


def compare(name: str, small: bool, dynamic: bool, threads: int, turns: int = TURNS) -> dict[str, Any]:
    case = (SMALL_MODELS if small else MODELS)[name]
    inputs, keywords = case.example()
    args, kwargs = case.tracejet_inputs() if dynamic else (inputs, keywords)
    program = tracejet.trace(case.module(), arg_inputs=args, kwarg_inputs=kwargs)
    with tempfile.TemporaryDirectory() as folder:
        settings = {"threads": threads, "engine_cache_dir": folder}
        tracejet.compile(program, cache_built_engines=True, **settings)
        times: dict[str, list[float]] = {"build": [], "hit": [], "first call, built": [], "first call, hit": []}
        for _ in range(turns):
            for way, reuse in (("build", False), ("hit", True)):
                taken, compiled = seconds(lambda: tracejet.compile(program, reuse_cached_engines=reuse, **settings))  # noqa: B023
                times[way].append(taken)
                if any(part.is_cached for part in compiled.report.parts) != reuse:
                    raise click.ClickException(f"{name}: the engine cache did otherwise than it was asked to")
                call = f"first call, {'hit' if reuse else 'built'}"
                times[call].append(seconds(lambda: compiled(*inputs, **keywords))[0])  # noqa: B023
        size = sum(entry.bytes for entry in _C.cached_engines(folder))
    weights = sum(part.weight_bytes for part in tracejet.compile(program, dryrun=True, threads=threads).report.parts)
    return {"model": name, "entry_bytes": size, "weight_bytes": weights, **{k: Times.of(v) for k, v in times.items()}}


@click.command()
@click.option("-m", "--model", "models", multiple=True, default=("resnet50", "bert", "vit_b_16"), show_default=True)
@click.option("--small", is_flag=True, help="The small models of the tests.")
@click.option("--static", is_flag=True, help="Sizes that don't vary.")
@click.option("--threads", default=2, show_default=True)
@click.option("--turns", default=TURNS, show_default=True)
def main(models: tuple[str, ...], small: bool, static: bool, threads: int, turns: int) -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(threads)
    columns = ("model", "build", "hit", "build / hit", "first call, built", "first call, hit", "entry", "weights")
    table = Table(*columns, title=f"{threads} threads")
    with torch.no_grad():
        for name in models:
            row = compare(name, small, not static, threads, turns)
            shown = [
                f"{row[way].median * 1e3:.1f} ms" for way in ("build", "hit", "first call, built", "first call, hit")
            ]
            ratio = f"{row['build'].median / row['hit'].median:.1f}x"
            sizes = [decimal(row[what]) for what in ("entry_bytes", "weight_bytes")]
            table.add_row(name, *shown[:2], ratio, *shown[2:], *sizes)
    wide_console().print(table)


if __name__ == "__main__":
    main()
