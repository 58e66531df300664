"""Which models TensorRT builds engines for, on a machine that needs no GPU.

    python -m bench.tensorrt                      # the small models of testing/models.py
    python -m bench.tensorrt --zoo FOLDER         # and those of a folder that holds zoo.py: see bench.zoo
    python -m bench.tensorrt --json bench/results/tensorrt.json

Every case is traced for a GPU with its dimensions dynamic, and compiled for TensorRT with PyTorch's kernels for what is
left; in a process of its own. "Built" means that at least one part of it became an engine: nothing is run. It needs
`pip install tracejet[tensorrt]`.
"""

from __future__ import annotations

import importlib
import multiprocessing
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import click
import torch
from rich.progress import track
from rich.table import Table

import tracejet
from bench.measure import wide_console, write_json
from bench.zoo import declared
from testing.models import SMALL_MODELS

CAPABILITIES = ["8.6", "8.9", "12.0"]


def program_of(folder: str | None, name: str) -> torch.export.ExportedProgram:
    """A case, traced for a GPU."""
    if folder is None:
        case = SMALL_MODELS[name]
        args, kwargs = case.tracejet_inputs()
        return tracejet.trace(case.module(), arg_inputs=args, kwarg_inputs=kwargs, device="cuda")
    built = _zoo(folder).CASES[name].build()
    args, kwargs = declared(built) if built.dims else built.inputs()
    return tracejet.trace(built.module, arg_inputs=args, kwarg_inputs=kwargs, device="cuda")


def run_case(folder: str | None, name: str) -> dict[str, Any]:
    """In a process of its own: {"case", "engines", "nodes", "on_tensorrt", "left", "seconds"} or {"case", "why"}."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    try:
        program = program_of(folder, name)
    except Exception as error:
        return {"case": name, "why": f"isn't traced: {_first_line(error)}"}
    start = time.perf_counter()
    try:
        compiled = tracejet.compile(program, engine=["tensorrt"], compute_capabilities=CAPABILITIES)
    except Exception as error:
        return {"case": name, "why": _first_line(error)}
    report = compiled.report
    left = sorted({f"{call.operator} {call.reason}"[:200] for call in report.fallbacks})
    parts = [part for part in report.parts if part.engine == "tensorrt"]
    return {
        "case": name,
        "engines": len(parts),
        "nodes": report.nodes,
        "on_tensorrt": sum(part.nodes for part in parts),
        "left": left,
        "failures": [note[:300] for note in report.notes],
        "seconds": round(time.perf_counter() - start, 2),
    }


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _zoo(folder: str) -> Any:
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("zoo")


@click.command()
@click.option("--zoo", "folder", type=click.Path(exists=True, file_okay=False, resolve_path=True))
@click.option("--only", default="", help="Cases whose name contains this.")
@click.option("--seconds", default=0, help="Begins no case after so long; 0: all of them.")
@click.option("--every", default=1, help="One case in so many.")
@click.option("--json", "path", type=click.Path(), help="Where to write what was found.")
def main(folder: str | None, only: str, seconds: int, every: int, path: str | None) -> None:
    """Builds TensorRT's engines for many models."""
    cases = [(None, name) for name in SMALL_MODELS]
    if folder is not None:
        cases += [(folder, name) for name in _zoo(folder).CASES]
    cases = [case for case in cases if only in case[1]][::every]
    rows: list[dict[str, Any]] = []
    start = time.monotonic()
    for case in track(cases, "building"):
        if seconds and time.monotonic() - start > seconds:
            break
        with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as process:
            try:
                rows.append(process.submit(run_case, *case).result())
            except Exception as error:
                rows.append({"case": case[1], "why": _first_line(error)})
        write_json(path, [summary_of(rows)])
    show(summary_of(rows))


def summary_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    built = [row for row in rows if row.get("engines")]
    traced = [row for row in rows if not row.get("why", "").startswith("isn't traced")]
    nodes = sum(row.get("nodes", 0) for row in rows)
    return {
        "cases": len(rows),
        "traced": len(traced),
        "built": len(built),
        "whole": sum(row["engines"] == 1 and row["on_tensorrt"] == row["nodes"] for row in built),
        "nodes_on_tensorrt": sum(row.get("on_tensorrt", 0) for row in rows) / nodes if nodes else 0.0,
        "rows": rows,
    }


def show(summary: dict[str, Any]) -> None:
    table = Table("case", "engines", "nodes on TensorRT", "what is left, or why")
    for row in summary["rows"]:
        share = f"{row['on_tensorrt']} of {row['nodes']}" if "nodes" in row else ""
        words = row.get("why") or "; ".join([*row["failures"], *row["left"]])
        table.add_row(row["case"], str(row.get("engines", 0)), share, words[:160])
    console = wide_console()
    console.print(table)
    console.print(
        f"{summary['built']} of {summary['traced']} traced cases ({summary['cases']} in all) build as engines, "
        f"{summary['whole']} of them as one; {summary['nodes_on_tensorrt']:.1%} of the nodes are on TensorRT"
    )


if __name__ == "__main__":
    main()
