"""What the engine cache saves: compiling a program, against loading it from the cache and from a file. They take turns.

All begin with a traced program, or a file of one, and end with a module that can be called; the system has the files in
memory. "In use" is a hit where another program of the process uses the same already. "First call" is that of the module
that was just made. Beside them stands what OpenVINO alone takes for a model that its own converter made: compiling it,
and importing what it exported.

    python -m bench.engine_cache --threads 2 --json bench/results/engine_cache.json
    python -m bench.engine_cache --threads 1 --clock cpu        # on a machine that has other work to do
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import click
import numpy as np
import openvino
import torch
from rich.filesize import decimal
from rich.table import Table

import tracejet
from bench.measure import Times, seconds, wide_console, write_json
from testing.models import MODELS, SMALL_MODELS, Case
from tracejet import _C

TURNS = 7
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
WAYS = ("build", "hit", "hit in use", "file", "OpenVINO compiles", "OpenVINO imports")


def openvino_alone(case: Case, dynamic: bool, threads: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Compiles, and imports what was exported."""
    inputs, keywords = case.example()
    model = openvino.convert_model(case.module(), example_input=keywords or inputs)
    ports = [model.input(name) for name in keywords] or model.inputs
    sizes = {name: openvino.Dimension(range_.min, range_.max) for name, range_ in case.dims.items()}
    given = zip(ports, case.arguments.values(), (*inputs, *keywords.values()), strict=True)
    shapes = {
        port: [sizes[axis] if dynamic and isinstance(axis, str) else size for axis, size in zip(arg.axes, tensor.shape)]
        for port, arg, tensor in given
    }
    model.reshape({port: openvino.PartialShape(shape) for port, shape in shapes.items()})
    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    exported = core.compile_model(model, "CPU", settings).export_model()
    blob = openvino.Tensor(np.frombuffer(exported.getvalue(), np.uint8).copy())
    return lambda: core.compile_model(model, "CPU", settings), lambda: core.import_model(blob, "CPU", settings)


def compare(
    name: str, small: bool, dynamic: bool, threads: int, turns: int, clock_name: str = "wall"
) -> dict[str, Any]:
    clock = CLOCKS[clock_name]
    case = (SMALL_MODELS if small else MODELS)[name]
    inputs, keywords = case.example()
    args, kwargs = case.tracejet_inputs() if dynamic else (inputs, keywords)
    program = tracejet.trace(case.module(), arg_inputs=args, kwarg_inputs=kwargs)
    compiles, imports = openvino_alone(case, dynamic, threads)
    with tempfile.TemporaryDirectory() as folder:
        settings = {"threads": threads, "engine_cache_dir": folder}
        file = f"{folder}/saved.pt2"
        tracejet.compile(program, cache_built_engines=True, **settings).save(file)
        make: dict[str, Callable[[], Any]] = {
            "build": lambda: tracejet.compile(program, **settings),
            "hit": lambda: tracejet.compile(program, reuse_cached_engines=True, **settings),
            "hit in use": lambda: tracejet.compile(program, reuse_cached_engines=True, **settings),
            "file": lambda: tracejet.load(file),
            "OpenVINO compiles": compiles,
            "OpenVINO imports": imports,
        }
        times: dict[str, list[float]] = {}
        for _ in range(turns):
            for way in WAYS:
                in_use = [make["hit"]()] if way == "hit in use" else []
                taken, made = seconds(make[way], clock)
                times.setdefault(way, []).append(taken)
                if isinstance(made, tracejet.CompiledModule):
                    if any(part.is_cached for part in made.report.parts) != way.startswith("hit"):
                        raise click.ClickException(f"{name}: the engine cache did otherwise than it was asked to")
                    call = seconds(lambda: made(*inputs, **keywords), clock)[0]  # noqa: B023
                    times.setdefault(f"{way}, first call", []).append(call)
                in_use.clear()
                made = None  # or the next hit would find it in use
        size = sum(entry.bytes for entry in _C.cached_engines(folder))
    weights = sum(part.weight_bytes for part in tracejet.compile(program, dryrun=True, threads=threads).report.parts)
    sizes = {"entry_bytes": size, "weight_bytes": weights}
    return {"model": name, "clock": clock_name, **sizes, **{way: Times.of(taken) for way, taken in times.items()}}


def table_of(rows: list[dict[str, Any]], threads: int) -> Table:
    table = Table("model", *WAYS, "first answer\nfrom a file", "build / hit", "build / in use", "entry", "weights")
    table.title = f"milliseconds, {threads} threads"
    for row in rows:
        shown = [f"{row[way].median * 1e3:.1f}" for way in WAYS]
        answer = row["file"].median + row["file, first call"].median
        ratios = [f"{row['build'].median / row[way].median:.1f}x" for way in ("hit", "hit in use")]
        sizes = [decimal(row[what]) for what in ("entry_bytes", "weight_bytes")]
        table.add_row(row["model"], *shown, f"{answer * 1e3:.1f}", *ratios, *sizes)
    return table


@click.command()
@click.option("-m", "--model", "models", multiple=True, default=("resnet50", "bert", "swin"), show_default=True)
@click.option("--small", is_flag=True, help="The small models of the tests.")
@click.option("--static", is_flag=True, help="Sizes that don't vary.")
@click.option("--threads", default=2, show_default=True)
@click.option("--turns", default=TURNS, show_default=True)
@click.option("--clock", default="wall", show_default=True, type=click.Choice(list(CLOCKS)), help="Which time to take.")
@click.option("--json", "path", help="Also write the numbers to this file.")
def main(
    models: tuple[str, ...], small: bool, static: bool, threads: int, turns: int, clock: str, path: str | None
) -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(threads)
    rows = []
    with torch.no_grad():
        for name in models:
            rows.append(compare(name, small, not static, threads, turns, clock))
            write_json(path, rows)
    wide_console().print(table_of(rows, threads))


if __name__ == "__main__":
    main()
