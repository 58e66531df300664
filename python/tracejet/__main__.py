"""`python -m tracejet`: the command line."""

from __future__ import annotations

import json
import sys

import click
import torch

import tracejet


@click.group()
@click.version_option(tracejet.__version__, prog_name="tracejet")
def main() -> None:
    """Traces PyTorch models and compiles them."""


@main.command()
@click.argument("program", type=click.Path(exists=True, dir_okay=False))
@click.option("--engine", help="One that `tracejet engines` lists, by default the first, or onnx for an ONNX file.")
@click.option("--json", "as_json", is_flag=True, help="Writes the report as JSON.")
def check(program: str, engine: str | None, as_json: bool) -> None:
    """Says which calls of PROGRAM (a .pt2 file) an engine takes, and which not and why.

    Exit status: 0 if the engine runs the whole program, 1 if not, 2 where the question makes no sense.
    """
    try:
        report = tracejet.check(torch.export.load(program), engine=engine)
    except tracejet.Error as error:
        raise click.UsageError(str(error)) from error
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else str(report))
    sys.exit(0 if report.ok else 1)


@main.command()
def engines() -> None:
    """Lists the engines, the default first: versions, and the device that they compile for."""
    for name, fingerprint in tracejet.engines().items():
        click.echo(f"{name}: {fingerprint}")


if __name__ == "__main__":
    main(prog_name="python -m tracejet")
