"""`tracejet serve`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from tracejet._C import InvalidInput
from tracejet.command_line.outcome import Status, json_option, working
from tracejet.command_line.shapes import read_pairs


@click.command()
@click.argument("file", metavar="FILE.pt2")
@click.option("--name", help="Of the model, in URLs; by default the file's.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--http-port", default=8000, show_default=True)
@click.option("--grpc-port", type=int, help="Serves gRPC, too.")
@click.option("--replicas", default=1, show_default=True, help="Processes that run the program.")
@click.option("--max-replicas", type=int, help="Ray starts up to so many, as requests come.")
@click.option("--max-batch-size", type=int, help="Rows of one call; by default what the program takes.")
@click.option("--pad", default="", help="Inputs that may be padded, and with what: input_ids:0,attention_mask:0.")
@click.option("--batch-wait", default=0.0, show_default=True, help="Seconds that requests wait for others.")
@click.option("--no-check-rows", is_flag=True, help="Doesn't try whether requests may share a call.")
@json_option
def serve(
    file: str,
    name: str | None,
    host: str,
    http_port: int,
    grpc_port: int | None,
    replicas: int,
    max_replicas: int | None,
    max_batch_size: int | None,
    pad: str,
    batch_wait: float,
    no_check_rows: bool,
) -> tuple[Status, str, dict[str, Any]]:
    """Serves a program over the Open Inference Protocol with Ray Serve, until it is interrupted.

    FILE.pt2 is what `tracejet compile -o` writes, or `tracejet trace -o`.
    """
    if not Path(file).is_file():
        raise click.UsageError(f"there is no file {file}")
    served = _served()
    scale = {"num_replicas": replicas} if max_replicas is None else _autoscaling(replicas, max_replicas)
    named = name or Path(file).stem
    with working("loading the program"):
        application = served.application(
            file,
            name=named,
            max_batch_size=max_batch_size,
            pad=_padding(pad),
            batch_wait_s=batch_wait,
            check_rows=not no_check_rows,
            **scale,
        )
    url = f"http://{host}:{http_port}/v2/models/{named}"
    click.echo(f"serving {url}; interrupt to end", err=True)
    served.run(application, host=host, http_port=http_port, grpc_port=grpc_port, wait=True)
    return Status.OK, f"{named} was served at {url}", {"name": named, "url": url}


def _served() -> Any:
    try:
        return importlib.import_module("tracejet.serve")
    except ModuleNotFoundError as error:
        raise click.UsageError(str(error)) from None


def _autoscaling(least: int, most: int) -> dict[str, Any]:
    if most < least:
        raise InvalidInput(f"--max-replicas is {most}, less than --replicas, {least}")
    return {"autoscaling_config": {"min_replicas": least, "max_replicas": most}}


def _padding(text: str) -> dict[str, float] | None:
    if not text:
        return None
    try:
        return {name: float(value) for name, value in read_pairs(text, "input_ids:0").items()}
    except ValueError as error:
        raise InvalidInput(f"--pad: {error}") from None
