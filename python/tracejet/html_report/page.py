"""`write_report`: a page of HTML that says all there is to say about a program."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import torch

from tracejet import _C
from tracejet.api.compile import CompiledModule
from tracejet.api.config import config
from tracejet.api.native_program import native
from tracejet.api.verify import Verification
from tracejet.frontend.report import Report
from tracejet.frontend.written_files import writing_to
from tracejet.html_report import charts
from tracejet.html_report.content import content_of
from tracejet.html_report.latency import Latency

_TEMPLATES = Path(__file__).parent / "templates"


def write_report(
    path: str | os.PathLike[str],
    program: torch.export.ExportedProgram | Report,
    compiled: CompiledModule | None = None,
    *,
    verification: Verification | None = None,
    latency: Latency | None = None,
    diagnosis: Report | None = None,
    title: str = "",
) -> None:
    """Writes one self-contained page of HTML about a program: what it takes and gives, its modules, nodes and weights,
    what it forbids; and as far as they are given, which engine runs what and why, what was verified and measured.

    Args:
        path: the file. What was there before is overwritten.
        program: from `trace`, `load` or `torch.export`. Or what `diagnose` gave: then the page is about that alone.
        compiled: what `compile` made of it.
        verification: what `verify` found.
        latency: what `measure_latency` found.
        diagnosis: what `diagnose` found of the same model: which guards were proven, and which are asserted.
        title: the heading; by default the name of the file.

    Raises:
        Error: Jinja2 or pygal isn't installed: pip install 'tracejet[report]'; or the file can't be written.
    """
    heading = title or Path(path).stem
    if isinstance(program, Report):
        text = _rendered("diagnosis.html", title=heading, diagnosis=program)
    else:
        report = None if compiled is None else compiled.report
        content = content_of(heading, native(program, None, None), report, verification, latency, diagnosis)
        engines = dict(zip(report.engines, charts.COLOURS)) if report is not None else {}
        text = _rendered(
            "report.html",
            title=heading,
            content=content,
            colours=engines,
            weights_chart=charts.weights_chart(content.modules),
            latency_chart=charts.latency_chart(latency.sizes) if latency is not None else "",
        )
    with writing_to(path):
        Path(path).write_text(text, encoding="utf-8")


def _rendered(template: str, **values: Any) -> str:
    jinja = _jinja()
    charts.pygal()
    environment = jinja.Environment(
        loader=jinja.FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.undefined = jinja.StrictUndefined
    environment.filters["bytes"] = _bytes_text
    environment.filters["milliseconds"] = lambda value: f"{value:.3g} ms"
    text: str = environment.get_template(template).render(machine=config(), **values)
    return text


def _jinja() -> Any:
    try:
        return importlib.import_module("jinja2")
    except ModuleNotFoundError as error:
        if error.name != "jinja2":
            raise
        raise _C.Error(
            "reports need Jinja2, which isn't installed: pip install 'tracejet[report]'", _C.ErrorCode.MISSING_PACKAGE
        ) from None


def _bytes_text(count: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024  # type: ignore[assignment]
    return f"{count:.2f} GiB"
