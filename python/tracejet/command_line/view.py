"""`tracejet view`."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

import click
import torch

from tracejet.api.compile import save_onnx
from tracejet.command_line.inputs import InputOptions, input_options, program_of
from tracejet.command_line.model import load, model_argument
from tracejet.command_line.outcome import Status, json_option, working


@click.command()
@model_argument
@click.option(
    "--format", type=click.Choice(["pt2", "onnx"]), default="pt2", show_default=True, help="What Netron is shown."
)
@click.option("--host", default="localhost", show_default=True)
@click.option("--port", default=8080, show_default=True)
@click.option("--no-browser", is_flag=True, help="Serves the page without opening it.")
@click.option("--no-wait", is_flag=True, help="Ends at once, and the page with it: for scripts that try it.")
@json_option
@input_options
def view(
    model: str, format: str, host: str, port: int, no_browser: bool, no_wait: bool, inputs: InputOptions
) -> tuple[Status, str, dict[str, Any]]:
    """Shows the program of MODEL in Netron, in a browser, until it is interrupted."""
    netron = _netron()
    with tempfile.TemporaryDirectory(prefix="tracejet-") as folder:
        file = _file(model, Path(folder), format, inputs)
        server, served_at = netron.start(str(file), address=(host, port), browse=not no_browser)
        address = f"http://{server}:{served_at}"
        click.echo(f"{address} shows {model}; interrupt to end", err=True)
        if no_wait:
            netron.stop((server, served_at))
        else:
            netron.wait()
    return Status.OK, f"{model} was shown at {address}", {"address": address, "format": format}


def _netron() -> Any:
    try:
        return importlib.import_module("netron")
    except ModuleNotFoundError:
        raise click.UsageError("Netron isn't installed: pip install 'tracejet[view]', or pip install netron") from None


def _file(model: str, folder: Path, format: str, inputs: InputOptions) -> Path:
    if model.endswith(".pt2") and format == "pt2" and Path(model).is_file():
        return Path(model)
    program = program_of(load(model), inputs)
    file = folder / f"{model.rpartition(':')[2].removesuffix('.pt2').replace('/', '_')}.{format}"
    with working("writing the program"):
        if format == "onnx":
            save_onnx(program, file)
        else:
            torch.export.save(program, file)
    return file
