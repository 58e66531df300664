"""Latency, time to the first answer and memory: tracejet's compiled programs against other ways to run a model.

Everything is float32 on the CPU with the same number of threads. Each runtime lives in a process of its own; the
processes take turns, a few runs at a time, so that what disturbs the machine disturbs all of them.

    python -m bench.latency -m bert --threads 2 --json out.json
    python -m bench.latency --threads 1 --clock cpu             # on a machine that has other work to do
"""

from __future__ import annotations

import multiprocessing
import os
import time
import warnings
from multiprocessing.connection import Connection
from typing import Any

import click
from rich.table import Table

from bench.latency_cases import CASES, SMALL_CASES, TEN
from bench.measure import Peak, Times, seconds, wide_console, write_json
from bench.runtimes import RUNTIMES

TURNS, RUNS_PER_TURN = 6, 5
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def serve(runtime: str, model: str, small: bool, threads: int, clock_name: str, pipe: Connection) -> None:
    """A runtime's process: reports how it got ready, then runs when asked to."""
    import torch

    os.environ["OMP_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    warnings.filterwarnings("ignore")
    clock = CLOCKS[clock_name]
    case = (SMALL_CASES if small else CASES)[model]
    args, kwargs = case.example()
    module = case.module()
    expected = RUNTIMES["eager"](module, case, threads)(args, kwargs)
    try:
        with Peak.of_block() as peak:
            start = clock()
            run = RUNTIMES[runtime](module, case, threads)
            answer = run(args, kwargs)
            ready = clock() - start
    except Exception as error:
        return pipe.send({"error": f"{type(error).__name__}: {error}"})
    error = ((answer - expected).abs().max() / expected.abs().max()).item()
    pipe.send({"first_answer_s": ready, "peak_mib": peak.rise, "relative_error": error})
    while pipe.recv():
        pipe.send([seconds(lambda: run(args, kwargs), clock)[0] for _ in range(RUNS_PER_TURN)])
    return None


def compare(model: str, small: bool, threads: int, clock: str, runtimes: list[str]) -> list[dict[str, Any]]:
    context = multiprocessing.get_context("spawn")
    rows: list[dict[str, Any]] = []
    pipes: dict[int, Connection] = {}
    for runtime in runtimes:
        here, there = context.Pipe()
        context.Process(target=serve, args=(runtime, model, small, threads, clock, there), daemon=True).start()
        rows.append({"model": model, "runtime": runtime, "threads": threads, "clock": clock, **here.recv()})
        if "error" not in rows[-1]:
            pipes[len(rows) - 1] = here
    taken: dict[int, list[float]] = {index: [] for index in pipes}
    for _ in range(TURNS):
        for index, pipe in pipes.items():
            pipe.send(True)
            taken[index] += pipe.recv()[1:]  # the first run of a turn finds cold caches
    for index, pipe in pipes.items():
        pipe.send(False)
        rows[index]["latency"] = Times.of(taken[index])
    return rows


def table_of(rows: list[dict[str, Any]], threads: int) -> Table:
    table = Table(title=f"float32, {threads} threads", caption="speed: eager's median latency / the runtime's")
    table.add_column("model")
    table.add_column("runtime")
    columns = (
        "latency ms\n(median)",
        "(least)",
        "speed",
        "first answer",
        "peak MiB",
        "largest error\n/ largest output",
    )
    for column in columns:
        table.add_column(column, justify="right")
    model = None
    for row in rows:
        if row["model"] != model:
            model, base = row["model"], row
            table.add_section()
        if "error" in row:
            table.add_row(model, row["runtime"], "[red]failed")
            continue
        median, least = row["latency"].median, row["latency"].least
        table.add_row(
            model,
            row["runtime"],
            f"{median * 1000:.1f}",
            f"{least * 1000:.1f}",
            f"[bold]{base['latency'].median / median:.2f}x",
            f"{row['first_answer_s']:.2f} s",
            f"{row['peak_mib']:.0f}",
            f"{row['relative_error']:.0e}",
        )
    return table


@click.command(help=__doc__.splitlines()[0])
@click.option("-m", "--model", "names", multiple=True, type=click.Choice([*CASES]), help="Only these models.")
@click.option("-r", "--runtime", "runtimes", multiple=True, type=click.Choice(list(RUNTIMES)), help="Only these.")
@click.option("--threads", default=2, show_default=True)
@click.option("--clock", default="wall", show_default=True, type=click.Choice(list(CLOCKS)), help="Which time to take.")
@click.option("--small", is_flag=True, help="The small models of the tests.")
@click.option("--json", "json_path", help="Also write the numbers to this file.")
def main(
    names: tuple[str, ...], runtimes: tuple[str, ...], threads: int, clock: str, small: bool, json_path: str | None
) -> None:
    console = wide_console()
    rows: list[dict[str, Any]] = []
    with console.status("") as status:
        for name in names or TEN:
            status.update(name)
            rows += compare(name, small, threads, clock, list(dict.fromkeys(("eager", *(runtimes or RUNTIMES)))))
            write_json(json_path, rows)  # each time: a long run may be cut short
    console.print(table_of(rows, threads))
    for row in rows:
        if "error" in row:
            console.print(f"[red]{row['model']} with {row['runtime']}:[/] {row['error'].splitlines()[0]}")


if __name__ == "__main__":
    main()
