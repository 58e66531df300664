"""`tracejet compile`."""

from __future__ import annotations

import time
from typing import Any

import click

from tracejet.api import compile as api
from tracejet.command_line.inputs import InputOptions, input_options, program_of
from tracejet.command_line.measure import resident_bytes
from tracejet.command_line.model import load, model_argument
from tracejet.command_line.outcome import Status, json_option, working
from tracejet.command_line.settings import compile_options, engine_option


@click.command()
@model_argument
@engine_option
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="The .pt2 file to write, of program and what was compiled."
)
@click.option("--onnx", type=click.Path(dir_okay=False), help="An ONNX file to write for other tools.")
@json_option
@input_options
@compile_options
def compile(
    model: str,
    engine: Any,
    output: str | None,
    onnx: str | None,
    inputs: InputOptions,
    settings: dict[str, Any],
) -> tuple[Status, str, dict[str, Any]]:
    """Compiles MODEL, says how long that took and how much memory, and writes what was compiled where asked to."""
    program = program_of(load(model), inputs)
    before, begin = resident_bytes(), time.perf_counter()
    with working("compiling"):
        compiled = api.compile(program, engine=engine, **settings)
    found: dict[str, Any] = {
        "engine": engine or "auto",
        "seconds": time.perf_counter() - begin,
        "memory_bytes": max(0, resident_bytes() - before),
        "file": output,
        "onnx": onnx,
        "report": compiled.report.to_json(),
    }
    text = f"compiled in {found['seconds']:.2f} s, {found['memory_bytes'] / 2**20:.0f} MiB\n{compiled.report}"
    if output is not None:
        with working(f"writing {output}"):
            compiled.save(output)
        text += f"\nwritten to {output}"
    if onnx is not None:
        api.save_onnx(program, onnx)
        text += f"\nwritten to {onnx}"
    return Status.OK, text, found
