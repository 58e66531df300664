"""`tracejet report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import torch

from tracejet._C import ErrorCode, InvalidInput
from tracejet.api import compile as api
from tracejet.api.trace import diagnose
from tracejet.api.verify import verify as verify_program
from tracejet.command_line.amount import Amount
from tracejet.command_line.inputs import InputOptions, call_of, input_options, program_of
from tracejet.command_line.model import load, model_argument, saved_compiled
from tracejet.command_line.outcome import Status, json_option, working
from tracejet.command_line.settings import compile_options, engine_option
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.report import Report
from tracejet.html_report.latency import measure_latency, sizes_that_fit
from tracejet.html_report.page import write_report


@click.command()
@model_argument
@click.option("-o", "--output", type=click.Path(dir_okay=False), required=True, help="The HTML file to write.")
@engine_option
@click.option("--verify/--no-verify", default=True, show_default=True, help="Holds what is compiled against eager.")
@click.option(
    "--duration",
    type=Amount(),
    default=0.5,
    show_default=True,
    help="Seconds to measure at each size; 0 for not at all.",
)
@click.option("--title", default="", help="The heading; by default MODEL.")
@json_option
@input_options
@compile_options
def report(
    model: str,
    output: str,
    engine: Any,
    verify: bool,
    duration: float,
    title: str,
    inputs: InputOptions,
    settings: dict[str, Any],
) -> tuple[Status, str, dict[str, Any]]:
    """Writes one page of HTML about MODEL: program, engines and why, guards, weights, verification, latency.

    A compiled program that was saved is shown as it is. Where the model can't take all sizes that were declared, the
    page lists what is in the way.

    Exit status: 1 if that is so, or if verification finds a difference.
    """
    title = title or model
    program, compiled, eager, diagnosis = _loaded(model, inputs, engine, settings)
    if program is None:
        assert diagnosis is not None
        write_report(output, diagnosis, title=title)
        return (
            Status.NO,
            f"{diagnosis}\nwritten to {output}",
            {"file": output, "ok": False, "diagnosis": diagnosis.to_json()},
        )
    assert compiled is not None
    verification = latency = None
    if verify:
        with working("verifying"):
            verification = verify_program(program, compiled, sizes=sizes_that_fit(program))
    if duration > 0:
        with working("measuring"):
            latency = measure_latency(program, compiled, duration, eager)
    write_report(
        output, program, compiled, verification=verification, latency=latency, diagnosis=diagnosis, title=title
    )
    is_right = verification is None or verification.ok
    size = Path(output).stat().st_size
    text = f"{str(compiled.report).partition(chr(10))[0]}\nwritten to {output}, {size / 2**10:.0f} KiB"
    return Status.OK if is_right else Status.NO, text, {"file": output, "ok": is_right, "bytes": size}


def _loaded(
    model: str, inputs: InputOptions, engine: Any, settings: dict[str, Any]
) -> tuple[ExportedProgram | None, api.CompiledModule | None, torch.nn.Module | None, Report | None]:
    """The program, compiled, the model itself where there is one, and what a trace says of its sizes."""
    if (saved := saved_compiled(model)) is not None:
        inputs.check_suit_program(may_say_sizes=False)
        if engine is not None or settings:
            option = "--engine" if engine is not None else next(iter(settings))
            raise InvalidInput(f"{option}: {model} is compiled already; compile its model anew", ErrorCode.COMMAND_LINE)
        with working("loading"):
            return *saved, None, None
    loaded = load(model)
    diagnosis = eager = None
    if isinstance(loaded, torch.nn.Module):
        eager = loaded
        args, kwargs = call_of(loaded, inputs)
        with working("tracing"):
            diagnosis = diagnose(loaded, arg_inputs=args, kwarg_inputs=kwargs)
        if not diagnosis.ok:
            return None, None, None, diagnosis
    program = program_of(loaded, inputs)
    with working("compiling"):
        return program, api.compile(program, engine=engine, **settings), eager, diagnosis
