"""What becomes of a folder of models: which are traced right, which are refused, and what their programs are made of.

    python -m bench.zoo FOLDER                    # FOLDER holds zoo.py
    python -m bench.zoo FOLDER --only timm/ --engine auto --json bench/results/zoo.json

`zoo.CASES` maps names to cases; `case.build()` gives a module, its arguments (`inputs("min" | "opt" | "max")`), the
ranges of its dimensions (`dims`), the axes that they are (`spec`, by argument), and `nondet` where it draws numbers.
Every case runs in a process of its own, traced statically and, where it has dimensions, dynamically. It is right where
the program gives what the model gives at every size and the trace leaves the model as it was. With --engine, the
program is compiled, too, and held against the model in the same way.
"""

from __future__ import annotations

import copy
import importlib
import multiprocessing
import re
import statistics
import sys
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import click
import torch
from rich.progress import track
from rich.table import Table

import tracejet
from bench.measure import wide_console, write_json
from bench.zoo_inputs import declared
from testing.compare import assert_equal, assert_unchanged, outcome, snapshot
from tracejet.dynamo import trace

#: Relative to the greatest value: models of fifty layers add up what single operators don't show.
TOLERANCE = 2e-3


def outcome_of(built: Any, is_dynamic: bool, engine: str) -> dict[str, Any]:
    """Traces a case and compares: {"right": ..., "why": ..., "operators": ..., "slow_calls": ...}, and of the compiled
    program {"compiled": {"right": ..., "why": ..., "nodes": ..., "on_engine": ..., "parts": ...}}."""
    model, before = built.module, snapshot(built.module)
    args, kwargs = declared(built) if is_dynamic else built.inputs()
    sizes = ("opt", "max", "min") if is_dynamic else ("opt",)
    expected = {which: outcome(copy.deepcopy(model), built.inputs(which)) for which in sizes}
    try:
        program = trace(model, arg_inputs=args, kwarg_inputs=kwargs)
    except Exception as error:
        return {"right": False, "why": _in_words(error)}
    nodes = [node.target for node in program.graph.nodes if node.op == "call_function"]
    found = {"operators": Counter(_name(target) for target in nodes), "slow_calls": program.slow_calls}
    try:
        assert_unchanged(model, before)
        _compare(built, program.module(), expected)
    except Exception as error:
        return {**found, "right": False, "why": _in_words(error)}
    if engine:
        # Who runs a program first shares the model's buffers, all others have copies: so this is a program of its own.
        again = trace(model, arg_inputs=args, kwarg_inputs=kwargs)
        found["compiled"] = _outcome_of_compiled(built, again, expected, engine)
    return {**found, "right": True, "why": ""}


def _outcome_of_compiled(built: Any, program: Any, expected: dict[str, Any], engine: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        compiled = tracejet.compile(program, engine=engine)
        report = compiled.report
        found = {"nodes": report.nodes, "on_engine": report.nodes_on_preferred, "parts": len(report.parts)}
        _compare(built, compiled, expected, built.module)
    except Exception as error:
        return {**found, "right": False, "why": _in_words(error)}
    return {**found, "right": True, "why": ""}


def _compare(built: Any, runner: Any, expected: dict[str, Any], holder: Any = None) -> None:
    """At every size, from the same state, which `holder` has: the runner itself, or the model that it was made of."""
    holder = runner if holder is None else holder
    state = {name: buffer.clone() for name, buffer in holder.named_buffers()}
    for which, want in expected.items():
        for name, buffer in holder.named_buffers():
            buffer.data.copy_(state[name])
        got = outcome(runner, built.inputs(which))
        if not built.nondet:
            assert_equal(want["output"], got["output"], built.tol or TOLERANCE, f"{which}: ", least_scale=1e-3)
    for name, buffer in holder.named_buffers():
        buffer.data.copy_(state[name])


def _in_words(error: Exception) -> str:
    """Its first lines, without the folder of this machine's packages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()][:3]
    return re.sub(r"\S*/site-packages/", "", f"{type(error).__name__}: {' '.join(lines)}")


def _name(target: Any) -> str:
    """As programs print it: "aten.relu.default", "getitem"."""
    return str(target) if isinstance(target, torch._ops.OpOverload) else getattr(target, "__name__", str(target))


def run_case(folder: str, name: str, engine: str) -> dict[str, Any]:
    """In a process of its own."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    zoo = _zoo(folder)
    found: dict[str, Any] = {"case": name}
    for mode in ("static", "dynamic"):
        built = zoo.CASES[name].build()
        if mode == "static" or built.dims:
            found[mode] = outcome_of(built, mode == "dynamic", engine)
    return found


def _zoo(folder: str) -> Any:
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("zoo")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, resolve_path=True))
@click.option("--only", default="", help="Cases whose name contains this.")
@click.option("--engine", default="", help="Compiles the programs for it, as tracejet.compile's.")
@click.option("--json", "path", type=click.Path(), help="Where to write what was found.")
def main(folder: str, only: str, engine: str, path: str | None) -> None:
    """Traces every case of the zoo in FOLDER, and compiles it where an engine is named."""
    rows = []
    for name in track([name for name in _zoo(folder).CASES if only in name], "tracing"):
        with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as process:
            try:
                rows.append(process.submit(run_case, folder, name, engine).result())
            except Exception as error:
                rows.append({"case": name, "static": {"right": False, "why": _in_words(error)}})
    summary = summary_of(rows)
    write_json(path, [summary])
    show(summary)


def summary_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many cases are right, the others with reasons, and by operator: in how many cases, how often in all."""
    outcomes = [(row["case"], mode, row[mode]) for row in rows for mode in ("static", "dynamic") if mode in row]
    nodes: Counter[str] = Counter()
    cases: dict[str, set[str]] = {}
    for case, _, found in outcomes:
        nodes.update(found.get("operators", {}))
        for operator in found.get("operators", {}):
            cases.setdefault(operator, set()).add(case)
    slow = [{"case": c, "shapes": mode, "calls": f["slow_calls"]} for c, mode, f in outcomes if f.get("slow_calls")]
    failures = [{"case": c, "shapes": mode, "why": f["why"]} for c, mode, f in outcomes if not f["right"]]
    compiled = [(case, mode, found["compiled"]) for case, mode, found in outcomes if "compiled" in found]
    return {
        "cases": len(rows),
        "traces": len(outcomes),
        "right": len(rows) - len({failure["case"] for failure in failures}),
        "failures": failures,
        "slow": slow,
        "compiled": _summary_of_compiled(compiled) if compiled else None,
        "operators": {name: {"cases": len(cases[name]), "nodes": count} for name, count in nodes.most_common()},
    }


def _summary_of_compiled(outcomes: list[tuple[str, str, dict[str, Any]]]) -> dict[str, Any]:
    """How many compiled programs are right, and what part of their nodes runs on the engine that comes first."""
    planned = [found for _, _, found in outcomes if found.get("nodes")]
    return {
        "programs": len(outcomes),
        "right": sum(found["right"] for _, _, found in outcomes),
        "whole": sum(found["nodes"] == found["on_engine"] for found in planned),
        "on_engine": sum(found["on_engine"] for found in planned) / sum(found["nodes"] for found in planned),
        "median_on_engine": statistics.median(found["on_engine"] / found["nodes"] for found in planned),
        "failures": [{"case": c, "shapes": mode, "why": f["why"]} for c, mode, f in outcomes if not f["right"]],
        "split": [
            {"case": case, "shapes": mode, "parts": found["parts"], "on_engine": found["on_engine"] / found["nodes"]}
            for case, mode, found in outcomes
            if found.get("nodes") and found["on_engine"] < found["nodes"]
        ],
    }


def show(summary: dict[str, Any]) -> None:
    table = Table("case", "shapes", "why it isn't right")
    compiled = summary["compiled"]
    for failure in summary["failures"] + (compiled["failures"] if compiled else []):
        table.add_row(failure["case"], failure["shapes"], failure["why"][:200])
    console = wide_console()
    console.print(table)
    console.print(
        f"{summary['right']} of {summary['cases']} cases right; {len(summary['slow'])} of {summary['traces']} traces "
        "asked Python's meta functions"
    )
    if compiled:
        console.print(
            f"compiled: {compiled['right']} of {compiled['programs']} right; {compiled['on_engine']:.1%} of all nodes "
            f"on the engine that comes first, {compiled['median_on_engine']:.1%} in the median"
        )


if __name__ == "__main__":
    main()
