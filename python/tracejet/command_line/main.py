"""The commands."""

from __future__ import annotations

import click

from tracejet import _C
from tracejet.command_line.bench import bench
from tracejet.command_line.cache import cache
from tracejet.command_line.check import check, engines
from tracejet.command_line.compile import compile
from tracejet.command_line.config import config
from tracejet.command_line.export import export
from tracejet.command_line.report import report
from tracejet.command_line.run import run
from tracejet.command_line.serve import serve
from tracejet.command_line.trace import trace
from tracejet.command_line.view import view


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_C.__version__, prog_name="tracejet")
def main() -> None:
    """Traces PyTorch models, compiles and compares them.

    MODEL is module:callable (a model, its class, or what makes one), file.py:callable, timm:name, hf:folder, or a .pt2
    file.

    Exit status: 0 if all went well, 1 if the answer is no (an engine doesn't run it all, results differ), 2 for a
    usage error, 3 where the model couldn't be loaded, traced, compiled or run.
    """


for command in (check, trace, compile, run, bench, report, export, serve, view, engines, cache, config):
    main.add_command(command)
