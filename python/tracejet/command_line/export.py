"""`tracejet export`."""

from __future__ import annotations

from typing import Any, Literal, cast

import click

from tracejet.api.model_repository import save_model_repository
from tracejet.command_line.inputs import InputOptions, input_options, program_of
from tracejet.command_line.model import load, model_argument
from tracejet.command_line.outcome import Status, json_option, working


@click.command()
@model_argument
@click.option("--for", "server", type=click.Choice(["triton", "ovms"]), required=True, help="The model server.")
@click.option("-o", "--output", type=click.Path(file_okay=False), required=True, help="The model repository.")
@click.option("--name", required=True, help="Of the model in the repository.")
@click.option(
    "--merge-requests",
    is_flag=True,
    help="Triton may put requests together: rows of a batch are independent.",
)
@json_option
@input_options
def export(
    model: str, server: str, output: str, name: str, merge_requests: bool, inputs: InputOptions
) -> tuple[Status, str, dict[str, Any]]:
    """Writes MODEL into the model repository of Triton Inference Server or OpenVINO Model Server."""
    program = program_of(load(model), inputs)
    with working("writing the model"):
        place = save_model_repository(
            program,
            output,
            server=cast(Literal["triton", "ovms"], server),
            name=name,
            merge_requests=merge_requests,
        )
    files = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
    return Status.OK, f"written to {place}: {', '.join(files)}", {"folder": str(place), "files": files}
