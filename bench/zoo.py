"""What becomes of a folder of models: which are traced right, which are refused, and what their programs are made of.

    python -m bench.zoo FOLDER                    # FOLDER holds zoo.py
    python -m bench.zoo FOLDER --only timm/ --json bench/results/zoo.json

`zoo.CASES` maps names to cases; `case.build()` gives a module, its arguments (`inputs("min" | "opt" | "max")`), the
ranges of its dimensions (`dims`), the axes that they are (`spec`, by argument), and `nondet` where it draws numbers.
Every case runs in a process of its own, traced statically and, where it has dimensions, dynamically. It is right where
the program gives what the model gives at every size and the trace leaves the model as it was.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import itertools
import multiprocessing
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import click
import torch
from rich.progress import track
from rich.table import Table

from bench.measure import wide_console, write_json
from testing.compare import assert_equal, assert_unchanged, outcome, snapshot
from tracejet import Input
from tracejet.dynamo import trace

#: Relative to the greatest value: models of fifty layers add up what single operators don't show.
TOLERANCE = 2e-3


def declared(built: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a case with an Input for every tensor that varies."""
    (least, *_), (usual, keywords), (most, *_) = calls = [built.inputs(which) for which in ("min", "opt", "max")]
    specs = list(itertools.islice(_specs_by_position(built), len(usual)))
    args = tuple(_declared(*each) for each in zip(least, usual, most, *zip(*specs, strict=True), strict=True))
    by_keyword = {
        name: _declared(calls[0][1][name], value, calls[2][1][name], built.spec.get(name), name)
        for name, value in keywords.items()
    }
    return args, by_keyword


def _specs_by_position(built: Any) -> Iterator[tuple[Any, str]]:
    for name, parameter in inspect.signature(built.module.forward).parameters.items():
        spec = built.spec.get(name)
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            for i in itertools.count():
                yield (spec[i] if spec and i < len(spec) else None), f"{name}_{i}"
        yield spec, name


def _declared(least: Any, usual: Any, most: Any, spec: Any, name: str) -> Any:
    if isinstance(usual, torch.Tensor):
        if not spec:
            return usual
        shapes = {"min_shape": least.shape, "opt_shape": usual.shape, "max_shape": most.shape}
        shared = {axis: dim for axis, dim in spec.items() if isinstance(dim, str)}
        return Input(**shapes, dtype=usual.dtype, name=name, shared_dims=shared)
    if isinstance(usual, dict):
        inner = {key: (least[key], value, most[key], (spec or {}).get(key)) for key, value in usual.items()}
        return {key: _declared(*each, f"{name}_{key}") for key, each in inner.items()}
    if isinstance(usual, (list, tuple)):
        specs = [spec[i] if spec and i < len(spec) else None for i in range(len(usual))]
        parts = zip(least, usual, most, specs, strict=True)
        return type(usual)(_declared(*each, f"{name}_{i}") for i, each in enumerate(parts))
    return usual


def outcome_of(built: Any, is_dynamic: bool) -> dict[str, Any]:
    """Traces a case and compares: {"right": ..., "why": ..., "operators": ..., "slow_calls": ...}."""
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
        runner = program.module()
        state = {name: buffer.clone() for name, buffer in runner.named_buffers()}
        for which, want in expected.items():
            for name, buffer in runner.named_buffers():
                buffer.data.copy_(state[name])
            got = outcome(runner, built.inputs(which))
            if not built.nondet:
                assert_equal(want["output"], got["output"], built.tol or TOLERANCE, f"{which}: ", least_scale=1e-3)
    except Exception as error:
        return {**found, "right": False, "why": _in_words(error)}
    return {**found, "right": True, "why": ""}


def _in_words(error: Exception) -> str:
    """Its first lines, without the folder of this machine's packages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()][:3]
    return re.sub(r"\S*/site-packages/", "", f"{type(error).__name__}: {' '.join(lines)}")


def _name(target: Any) -> str:
    """As programs print it: "aten.relu.default", "getitem"."""
    return str(target) if isinstance(target, torch._ops.OpOverload) else getattr(target, "__name__", str(target))


def run_case(folder: str, name: str) -> dict[str, Any]:
    """In a process of its own."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    zoo = _zoo(folder)
    found: dict[str, Any] = {"case": name}
    for mode in ("static", "dynamic"):
        built = zoo.CASES[name].build()
        if mode == "static" or built.dims:
            found[mode] = outcome_of(built, mode == "dynamic")
    return found


def _zoo(folder: str) -> Any:
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("zoo")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, resolve_path=True))
@click.option("--only", default="", help="Cases whose name contains this.")
@click.option("--json", "path", type=click.Path(), help="Where to write what was found.")
def main(folder: str, only: str, path: str | None) -> None:
    """Traces every case of the zoo in FOLDER."""
    rows = []
    for name in track([name for name in _zoo(folder).CASES if only in name], "tracing"):
        with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as process:
            try:
                rows.append(process.submit(run_case, folder, name).result())
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
    return {
        "cases": len(rows),
        "traces": len(outcomes),
        "right": len(rows) - len({failure["case"] for failure in failures}),
        "failures": failures,
        "slow": slow,
        "operators": {name: {"cases": len(cases[name]), "nodes": count} for name, count in nodes.most_common()},
    }


def show(summary: dict[str, Any]) -> None:
    table = Table("case", "shapes", "why it isn't right")
    for failure in summary["failures"]:
        table.add_row(failure["case"], failure["shapes"], failure["why"][:200])
    console = wide_console()
    console.print(table)
    console.print(
        f"{summary['right']} of {summary['cases']} cases right; {len(summary['slow'])} of {summary['traces']} traces "
        "asked Python's meta functions"
    )


if __name__ == "__main__":
    main()
