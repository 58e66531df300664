"""The time from a model in memory to its first answer: torch.compile with tracejet and with Inductor, in alternation.

python -m bench.first_answer -m bert -m resnet50 -n 5 --json bench/results/first_answer.json

Every answer is that of a fresh process, with Inductor's caches empty. TorchDynamo's part is in both of them;
`tracejet.compile`, which needs none of it, stands beside them.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import torch
from rich.console import Console
from rich.table import Table

import tracejet
from testing.models import MODELS, SMALL_MODELS

WAYS = ("torch.compile, tracejet", "torch.compile, inductor", "tracejet.compile")
_THIS = "--one"


def first_answer(way: str, name: str, small: bool) -> dict[str, float]:
    """Seconds of wall clock and of CPU time until the first answer, in this process."""
    case = (SMALL_MODELS if small else MODELS)[name]
    model, (args, kwargs) = case.module(), case.example("opt")
    if way != "tracejet.compile":
        for library in ("torch._dynamo", "torch._inductor.compile_fx"):  # their import is part of none
            importlib.import_module(library)
    wall, cpu = time.perf_counter(), time.process_time()
    with torch.no_grad():
        if way == "tracejet.compile":
            compiled = tracejet.compile(model, arg_inputs=args, kwarg_inputs=kwargs)
        else:
            compiled = torch.compile(model, backend=way.rpartition(" ")[2])
        compiled(*args, **kwargs)
    return {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}


def in_a_fresh_process(way: str, name: str, small: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as caches:
        command = [sys.executable, "-m", "bench.first_answer", _THIS, way, "-m", name, *(["--small"] if small else [])]
        environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": caches, "TRITON_CACHE_DIR": caches}
        found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(found.stdout.splitlines()[-1])


@click.command(help=__doc__.splitlines()[0])
@click.option("-m", "--model", "models", multiple=True, type=click.Choice(list(MODELS)), default=("resnet50", "bert"))
@click.option("-n", "--repeat", default=3, show_default=True)
@click.option("--small", is_flag=True, help="The small models of the tests.")
@click.option("--json", "file", type=click.Path(path_type=Path))
@click.option(_THIS, "one", type=click.Choice(WAYS), hidden=True)
def main(models: tuple[str, ...], repeat: int, small: bool, file: Path | None, one: str | None) -> None:
    if one is not None:
        print(json.dumps(first_answer(one, models[0], small)))
        return
    rows = []
    for name in models:
        runs = [{way: in_a_fresh_process(way, name, small) for way in WAYS} for _ in range(repeat)]
        medians = {way: statistics.median(run[way]["seconds"] for run in runs) for way in WAYS}
        cpu = {way: statistics.median(run[way]["cpu_seconds"] for run in runs) for way in WAYS}
        ratio = statistics.median(run[WAYS[1]]["seconds"] / run[WAYS[0]]["seconds"] for run in runs)
        rows.append({"model": name, "seconds": medians, "cpu_seconds": cpu, "inductor_over_tracejet": ratio})
    Console(width=120).print(_table(rows))
    if file is not None:
        file.write_text(json.dumps({"repeat": repeat, "small": small, "rows": rows}, indent=2) + "\n")


def _table(rows: list[dict]) -> Table:
    table = Table()
    for title in ("model", *WAYS, "inductor / tracejet"):
        table.add_column(title, justify="left" if title == "model" else "right")
    for row in rows:
        times = (f"{row['seconds'][way]:.2f} s" for way in WAYS)
        table.add_row(row["model"], *times, f"{row['inductor_over_tracejet']:.1f}x")
    return table


if __name__ == "__main__":
    main()
