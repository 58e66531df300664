"""`tracejet trace`."""

from __future__ import annotations

import time
from typing import Any

import click

from tracejet.api.files import save
from tracejet.api.session_program import graph_of
from tracejet.command_line.inputs import InputOptions, input_options, program_of
from tracejet.command_line.model import load, model_argument
from tracejet.command_line.outcome import Status, json_option, working
from tracejet.export.exported_program import ExportedProgram
from tracejet.export.summary import dimensions, shape_text


@click.command()
@model_argument
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="The .pt2 file to write.")
@click.option("--device", help="Where the program is to run; the device needn't exist here.")
@click.option(
    "--decompositions",
    type=click.Choice(["tensorrt", "core_aten", "none"]),
    default="tensorrt",
    show_default=True,
    help="What is done with operators while tracing.",
)
@json_option
@input_options
def trace(
    model: str, output: str | None, device: str | None, decompositions: str, inputs: InputOptions
) -> tuple[Status, str, dict[str, Any]]:
    """Traces MODEL, says what its program is made of, and writes it as a .pt2 file where asked to.

    Where the model can't take all sizes that were declared, exit status 3 and the lines of the model with their fixes.
    """
    loaded = load(model)
    begin = time.perf_counter()
    program = program_of(loaded, inputs, device=device, decompositions=decompositions)
    seconds = time.perf_counter() - begin
    found = {**described(program), "seconds": seconds, "file": output}
    if output is not None:
        with working(f"writing {output}"):
            save(program, output)
    return Status.OK, _text(found), found


def described(program: ExportedProgram) -> dict[str, Any]:
    """What a program takes, and how many calls it has of which operator."""
    operators: dict[str, int] = {}
    for node in graph_of(program).nodes:
        operators[node.op] = operators.get(node.op, 0) + 1
    leaves = [leaf for leaf in program._tracejet_call_spec.inputs if leaf.shape is not None]
    return {
        "inputs": {leaf.path: shape_text(leaf) for leaf in leaves},
        "dimensions": {
            name: {"min": dim.min, "opt": dim.opt, "max": dim.max} for name, dim in dimensions(leaves).items()
        },
        "calls": sum(operators.values()),
        "operators": dict(sorted(operators.items(), key=lambda item: (-item[1], item[0]))),
    }


def _text(found: dict[str, Any]) -> str:
    lines = [f"{name}: {shape}" for name, shape in found["inputs"].items()]
    lines += [f"{name}: {dim['min']} to {dim['max']}" for name, dim in found["dimensions"].items()]
    lines.append(f"{found['calls']} calls, traced in {found['seconds']:.2f} s")
    lines += [f"{count:6} {operator}" for operator, count in found["operators"].items()]
    if found["file"] is not None:
        lines.append(f"written to {found['file']}")
    return "\n".join(lines)
