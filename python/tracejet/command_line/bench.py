"""`tracejet bench`."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click
import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tracejet import _C
from tracejet.api import compile as api
from tracejet.api.engine import engines as known_engines
from tracejet.command_line.amount import Amount
from tracejet.command_line.inputs import InputOptions, input_options, program_of
from tracejet.command_line.measure import latency, resident_bytes
from tracejet.command_line.model import load, model_argument
from tracejet.command_line.outcome import Status, json_option, working
from tracejet.command_line.settings import compile_options
from tracejet.command_line.values import arguments, load_inputs_option
from tracejet.export.exported_program import ExportedProgram

#: What can be measured beside the engines: PyTorch itself.
_OTHERS = ("eager", "torch.compile")
_ROUND = 0.1  # seconds that one engine is measured until it is another's turn


@dataclass
class _Contender:
    """One engine, ready to run."""

    name: str
    run: Callable[..., Any] | None = None
    build_seconds: float = 0.0
    memory_bytes: int = 0
    error: str = ""
    seconds: list[float] = field(default_factory=list)


@click.command()
@model_argument
@click.option(
    "--engine",
    "names",
    multiple=True,
    help="May be repeated: engines, eager, torch.compile. By default eager and the first.",
)
@click.option(
    "--size", type=click.Choice(["min", "opt", "max"]), default="opt", show_default=True, help="Of dynamic inputs."
)
@click.option("--seed", default=0, show_default=True, help="Of random inputs.")
@load_inputs_option
@click.option(
    "--warm-up",
    "--warmUp",
    type=Amount(),
    default=0.2,
    show_default=True,
    help="Seconds before anything is measured, each.",
)
@click.option("--duration", type=Amount(), default=3.0, show_default=True, help="Seconds to measure each engine.")
@click.option("--iterations", type=click.IntRange(1), default=10, show_default=True, help="Calls to measure at least.")
@json_option
@input_options
@compile_options
def bench(
    model: str,
    names: tuple[str, ...],
    size: str,
    seed: int,
    load_inputs: tuple[str, ...],
    warm_up: float,
    duration: float,
    iterations: int,
    inputs: InputOptions,
    settings: dict[str, Any],
) -> tuple[Status, str, dict[str, Any]]:
    """Measures engines side by side: percentiles of latency, throughput, memory, and how long they take to build.

    Engines take turns, so that what else the machine does befalls all of them alike.

    Exit status: 1 if some engine couldn't be built, 3 if none could.
    """
    names = names or ("eager", next(iter(known_engines())))
    unknown = [name for name in names if name not in (*known_engines(), *_OTHERS)]
    if unknown:
        raise _C.InvalidInput(
            f'there is no engine "{unknown[0]}"; there are {", ".join((*known_engines(), *_OTHERS))}',
            _C.ErrorCode.UNKNOWN_ENGINE,
        )
    loaded = load(model)
    program = program_of(loaded, inputs, is_run=True)
    args, kwargs = arguments(program, size, inputs.shapes, seed, load_inputs)
    call = _call(args, kwargs)
    contenders = [_built(name, loaded, program, call, settings) for name in dict.fromkeys(names)]
    ready = [contender for contender in contenders if contender.run is not None]
    _measure(ready, call, warm_up, duration, iterations)
    rows = [_row(contender) for contender in contenders]
    found = {"size": size, "threads": torch.get_num_threads(), "engines": rows}
    status = Status.OK if len(ready) == len(contenders) else Status.NO if ready else Status.FAILED
    return status, _table(rows), found


def _call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[Callable[..., Any]], float]:
    """A function that calls what it is given, and says how long that took."""
    has_gpu = any(isinstance(value, torch.Tensor) and value.is_cuda for value in (*args, *kwargs.values()))

    def timed(run: Callable[..., Any]) -> float:
        begin = time.perf_counter()
        run(*args, **kwargs)
        if has_gpu:
            torch.cuda.synchronize()
        return time.perf_counter() - begin

    return timed


def _built(
    name: str,
    loaded: torch.nn.Module | torch.export.ExportedProgram,
    program: ExportedProgram,
    call: Callable[[Callable[..., Any]], float],
    settings: dict[str, Any],
) -> _Contender:
    before, begin = resident_bytes(), time.perf_counter()
    eager = loaded if isinstance(loaded, torch.nn.Module) else None
    try:
        with working(f"building {name}"), torch.no_grad():
            if name in _OTHERS:
                eager = eager or program.module()
                run = torch.compile(eager) if name == "torch.compile" else eager
            else:
                run = api.compile(program, engine=name, **settings)
            call(run)  # some build at the first call
    except _C.Error as error:
        return _Contender(name, error=error.message)
    return _Contender(name, run, time.perf_counter() - begin, max(0, resident_bytes() - before))


def _measure(
    contenders: list[_Contender],
    call: Callable[[Callable[..., Any]], float],
    warm_up: float,
    duration: float,
    iterations: int,
) -> None:
    with torch.no_grad(), Progress(console=Console(stderr=True), transient=True) as progress:
        for contender in contenders:
            end = time.perf_counter() + warm_up
            while time.perf_counter() < end:
                _run(contender, call)
        task = progress.add_task("measuring", total=duration * len(contenders))
        waiting = list(contenders)
        while waiting:
            for contender in waiting:
                spent = 0.0
                while spent < _ROUND:
                    contender.seconds.append(_run(contender, call))
                    spent += contender.seconds[-1]
                progress.advance(task, spent)
            waiting = [c for c in waiting if sum(c.seconds) < duration or len(c.seconds) < iterations]


def _run(contender: _Contender, call: Callable[[Callable[..., Any]], float]) -> float:
    assert contender.run is not None
    return call(contender.run)


def _row(contender: _Contender) -> dict[str, Any]:
    if contender.error:
        return {"engine": contender.name, "error": contender.error}
    return {
        "engine": contender.name,
        "calls": len(contender.seconds),
        **latency(contender.seconds),
        "build_seconds": contender.build_seconds,
        "memory_bytes": contender.memory_bytes,
    }


def _table(rows: list[dict[str, Any]]) -> str:
    table = Table()
    columns = ("mean", "min", "p50", "p90", "p95", "p99", "max")
    for title in ("engine", *(f"{column} ms" for column in columns), "calls/s", "speed", "build s", "memory MiB"):
        table.add_column(title, justify="left" if title == "engine" else "right")
    measured = [row for row in rows if "error" not in row]
    for row in measured:
        table.add_row(
            row["engine"],
            *(f"{row[f'{column}_ms']:.3f}" for column in columns),
            f"{row['calls_per_second']:.1f}",
            f"{measured[0]['p50_ms'] / row['p50_ms']:.2f}x",
            f"{row['build_seconds']:.2f}",
            f"{row['memory_bytes'] / 2**20:.0f}",
        )
    file = io.StringIO()
    Console(file=file, width=160).print(table)
    failed = [f"{row['engine']}: {row['error']}" for row in rows if "error" in row]
    return "\n".join([file.getvalue().rstrip(), *failed] if measured else failed)
