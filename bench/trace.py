"""Trace time and memory: tracejet against torch.export.export followed by run_decompositions.

Both do the same job with the same decompositions, alternately in one process; the median CPU time counts. Memory
and the first trace are measured in fresh processes, one per model and tool.

    python -m bench.trace                         # the full-size models, static and dynamic
    python -m bench.trace -m bert -m llama -n 9 --json out.json
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import click
import torch
from rich.table import Table

from bench.measure import Times, cpu_seconds, wide_console, write_json
from bench.tracers import TRACERS
from testing.models import MODELS, SMALL_MODELS, Case


def on_meta(model: torch.nn.Module, case: Case) -> Callable[[], Any]:
    """The model's forward on tensors without data: the Python that no tracer can avoid."""
    skeleton = copy.deepcopy(model).to("meta")
    args, kwargs = case.example()
    args = tuple(a.to("meta") for a in args)
    kwargs = {name: a.to("meta") for name, a in kwargs.items()}

    def forward() -> Any:
        # transformers asks these before it reads a mask's values
        with patch.multiple(torch.compiler, _is_compiling_flag=True, _is_exporting_flag=True):
            return skeleton(*args, **kwargs)

    return forward


def compare(case: Case, dynamic: bool, runs: int) -> dict[str, Any]:
    model = case.module()
    tools = {tool: steps(model, case, dynamic) for tool, steps in TRACERS.items()}
    tools["meta"] = {"forward": on_meta(model, case)}
    times: dict[str, list[float]] = {step: [] for steps in tools.values() for step in steps}
    for run in range(runs + 1):
        for steps in tools.values():
            for name, step in steps.items():
                taken, _ = cpu_seconds(step)
                if run:  # the first one warms up
                    times[name].append(taken)
    totals = {
        "tracejet": [sum(pair) for pair in zip(times["capture"], times["build"], strict=True)],
        "torch.export": [sum(pair) for pair in zip(times["export"], times["decompose"], strict=True)],
    }
    return {name: Times.of(values) for name, values in {**times, **totals}.items()}


def in_fresh_process(case: Case, tool: str, dynamic: bool, small: bool) -> dict[str, float]:
    """The first trace of a process that has imported torch and built the model, and the rise of its memory."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.first_trace", tool, case.name]
    command += ["--dynamic"] * dynamic + ["--small"] * small
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def table_of(rows: list[dict[str, Any]]) -> Table:
    table = Table(
        title="Trace time, CPU milliseconds (median)", caption="ratio: torch.export + decompositions / tracejet"
    )
    table.add_column("model")
    table.add_column("shapes")
    columns = ("forward\non meta", "capture", "build", "tracejet", "export", "decomp.", "torch.export")
    for column in (*columns, "ratio", "first trace\n(ratio)", "peak MiB", "peak MiB\ntorch.export"):
        table.add_column(column, justify="right")
    for row in rows:
        warm, first = row["warm"], row["first"]
        keys = ("forward", "capture", "build", "tracejet", "export", "decompose", "torch.export")
        ours, theirs = (first.get(tool, {}) for tool in TRACERS)
        cells = [f"{warm[key].median * 1000:.1f}" for key in keys]
        cells.append(f"[bold]{warm['torch.export'].median / warm['tracejet'].median:.0f}x")
        if first:
            cells.append(f"{ours['first_s']:.2f} s ({theirs['first_s'] / ours['first_s']:.0f}x)")
            cells += [f"{tool['peak_mib']:.0f}" for tool in (ours, theirs)]
        table.add_row(row["model"], row["shapes"], *cells)
    return table


@click.command(help=__doc__.splitlines()[0])
@click.option("-m", "--model", "names", multiple=True, type=click.Choice(list(MODELS)), help="Only these models.")
@click.option("-n", "--runs", default=5, show_default=True, help="Runs of each step after the first.")
@click.option("--dynamic/--static", default=None, help="Only dynamic, or only static shapes.  [default: both]")
@click.option("--small", is_flag=True, help="The small models of the tests.")
@click.option("--first/--no-first", "fresh", default=True, help="Measure first traces and memory too.")
@click.option("--json", "json_path", help="Also write the numbers to this file.")
def main(
    names: tuple[str, ...], runs: int, dynamic: bool | None, small: bool, fresh: bool, json_path: str | None
) -> None:
    warnings.filterwarnings("ignore")
    collection = SMALL_MODELS if small else MODELS
    rows = []
    console = wide_console()
    with torch.no_grad(), console.status("") as status:
        for name in names or collection:
            for shapes in [False, True] if dynamic is None else [dynamic]:
                status.update(f"{name}, {'dynamic' if shapes else 'static'}")
                case = collection[name]
                first = {tool: in_fresh_process(case, tool, shapes, small) for tool in TRACERS} if fresh else {}
                warm = compare(case, shapes, runs)
                rows.append({"model": name, "shapes": "dynamic" if shapes else "static", "warm": warm, "first": first})
                write_json(json_path, rows)  # each time: a long run may be cut short
    console.print(table_of(rows))


if __name__ == "__main__":
    main()
