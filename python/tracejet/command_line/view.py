"""`tracejet view`."""

from __future__ import annotations

import importlib
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click
import torch

from tracejet import _C
from tracejet.api import compile as api
from tracejet.api.compile import save_onnx
from tracejet.command_line.inputs import InputOptions, input_options, program_of
from tracejet.command_line.model import load, model_argument, saved_compiled
from tracejet.command_line.outcome import Status, json_option, working
from tracejet.command_line.settings import engine_option


@click.command()
@model_argument
@click.option(
    "--viewer",
    type=click.Choice(["netron", "model-explorer"]),
    default="netron",
    show_default=True,
    help="Model Explorer has the modules as layers that open and close.",
)
@click.option(
    "--format", type=click.Choice(["pt2", "onnx"]), default="pt2", show_default=True, help="What Netron is shown."
)
@click.option("--part", type=int, help="Shows one part of the compiled program, by number, as its engine reads it.")
@engine_option
@click.option("--host", default="localhost", show_default=True)
@click.option("--port", default=8080, show_default=True)
@click.option("--no-browser", is_flag=True, help="Serves the page without opening it.")
@click.option("--no-wait", is_flag=True, help="Ends at once, and the page with it: for scripts that try it.")
@json_option
@input_options
def view(
    model: str,
    viewer: str,
    format: str,
    part: int | None,
    engine: Any,
    host: str,
    port: int,
    no_browser: bool,
    no_wait: bool,
    inputs: InputOptions,
) -> tuple[Status, str, dict[str, Any]]:
    """Shows the program of MODEL in Netron or Model Explorer, in a browser, until it is interrupted.

    With --part, MODEL is compiled first, or a file of a compiled program, and Netron shows that part as ONNX.
    """
    if viewer == "model-explorer":
        if part is not None or format != "pt2":
            raise click.UsageError("Model Explorer is shown whole programs; --part and --format are for Netron")
        address = _in_model_explorer(model, inputs, (host, port), no_browser, no_wait)
    else:
        address = _in_netron(model, format, part, engine, inputs, (host, port), no_browser, no_wait)
    shown = {"format": format} if part is None else {"format": "onnx", "part": part}
    return Status.OK, f"{model} was shown at {address}", {"address": address, **shown}


def _in_netron(
    model: str,
    format: str,
    part: int | None,
    engine: Any,
    inputs: InputOptions,
    place: tuple[str, int],
    no_browser: bool,
    no_wait: bool,
) -> str:
    netron = _package("netron", "Netron", "view")
    with tempfile.TemporaryDirectory(prefix="tracejet-") as folder:
        if part is None:
            file = _file(model, Path(folder), format, inputs)
        else:
            file = _part_file(model, Path(folder), part, engine, inputs)
        server, served_at = netron.start(str(file), address=place, browse=not no_browser)
        address = f"http://{server}:{served_at}"
        click.echo(f"{address} shows {model}; interrupt to end", err=True)
        if no_wait:
            netron.stop((server, served_at))
        else:
            netron.wait()
    return address


def _in_model_explorer(
    model: str, inputs: InputOptions, place: tuple[str, int], no_browser: bool, no_wait: bool
) -> str:
    explorer = _package("model_explorer", "Model Explorer", "explorer")
    program = program_of(load(model), inputs)
    config = explorer.config().add_model_from_pytorch(_name(model), program)
    address = f"http://{place[0]}:{place[1]}"
    serving = threading.Thread(
        target=explorer.visualize_from_config,
        kwargs={"config": config, "host": place[0], "port": place[1], "no_open_in_browser": no_browser},
        daemon=True,
    )
    serving.start()
    _await(address, serving)
    click.echo(f"{address} shows {model}; interrupt to end", err=True)
    if not no_wait:
        serving.join()
    return address


def _await(address: str, serving: threading.Thread) -> None:
    while serving.is_alive():
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise _C.Error(f"Model Explorer doesn't serve at {address}: is the port taken?")


def _package(name: str, called: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise click.UsageError(f"{called} isn't installed: pip install 'tracejet[{extra}]'") from None


def _name(model: str) -> str:
    return model.rpartition(":")[2].removesuffix(".pt2").replace("/", "_")


def _file(model: str, folder: Path, format: str, inputs: InputOptions) -> Path:
    if model.endswith(".pt2") and format == "pt2" and Path(model).is_file():
        return Path(model)
    program = program_of(load(model), inputs)
    file = folder / f"{_name(model)}.{format}"
    with working("writing the program"):
        if format == "onnx":
            save_onnx(program, file)
        else:
            torch.export.save(program, file)
    return file


def _part_file(model: str, folder: Path, part: int, engine: Any, inputs: InputOptions) -> Path:
    """A part as ONNX. Raises UnsupportedOperator where it holds what ONNX can't say, as PyTorch's own parts may."""
    saved = saved_compiled(model)
    with working("compiling"):
        compiled = api.compile(program_of(load(model), inputs), engine=engine) if saved is None else saved[1]
    parts = [one for one in compiled.report.parts if not one.inside]
    if not 0 <= part < len(parts):
        raise click.UsageError(f"there is no part {part}: the program has {len(parts)}, numbered from 0")
    file = folder / f"{_name(model)}-part-{part}-{parts[part].engine}.onnx"
    _C.save_onnx(compiled._program.part_graph(part), str(file))
    return file
