"""From a session to its program, and to the graph in that."""

from __future__ import annotations

from dataclasses import replace

import torch

from tracejet import _C
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.call_spec import constant_names
from tracejet.frontend.session import Session


def run(session: Session) -> None:
    """Traces. Raises what ended the trace, and ConstraintViolation where it doesn't hold for all declared sizes."""
    session.run()
    if session.is_violated():
        report = session.report()
        violation = _C.ConstraintViolation(str(report))
        violation.report = report  # type: ignore[attr-defined]
        raise violation


def program_of(session: Session, model: torch.nn.Module) -> ExportedProgram:
    """What run() has traced of `model`."""
    spec = replace(session.call_spec, constant_names=constant_names(session.graph, model))
    return ExportedProgram(session.graph, spec, session.slow_calls)


def graph_of(program: ExportedProgram) -> _C.Graph:
    """The C++ graph of a program that has one."""
    graph = program._tracejet_graph
    assert graph is not None
    return graph
