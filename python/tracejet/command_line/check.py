"""`tracejet check` and `tracejet engines`."""

from __future__ import annotations

from typing import Any

import click

from tracejet.api import check as api
from tracejet.api.engine import engines as known_engines
from tracejet.command_line.inputs import InputOptions, input_options, program_of
from tracejet.command_line.model import load, model_argument
from tracejet.command_line.outcome import Status, json_option


@click.command()
@model_argument
@click.option("--engine", help="One that `tracejet engines` lists, by default the first, or onnx for an ONNX file.")
@json_option
@input_options
def check(model: str, engine: str | None, inputs: InputOptions) -> tuple[Status, str, dict[str, Any]]:
    """Says which calls of MODEL an engine takes, and which not and why. Nothing is compiled.

    Exit status: 1 if the engine doesn't run the whole program.
    """
    report = api.check(program_of(load(model), inputs), engine=engine)
    return (Status.OK if report.ok else Status.NO), str(report), report.to_json()


@click.command()
@json_option
def engines() -> tuple[Status, str, dict[str, Any]]:
    """Lists the engines, the default first: versions, and the device that they compile for."""
    found = known_engines()
    return Status.OK, "\n".join(f"{name}: {fingerprint}" for name, fingerprint in found.items()), {"engines": found}
