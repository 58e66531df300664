"""Do programs come back from `.pt2` files as they were? Saved by tracejet and by torch.export, loaded by the other.

    python -m bench.round_trips FOLDER                    # FOLDER holds zoo.py, as for bench.zoo
    python -m bench.round_trips FOLDER --only timm/

A program that tracejet saved has to have the same signature, ranges, code and weights in tracejet.load, and in
torch.export.load those that torch.export's own file has there (results that nothing uses get names). Either file has to
give the same in tracejet.load, at every size.
"""

from __future__ import annotations

import copy
import multiprocessing
import tempfile
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console
from rich.progress import track
from torch.utils import _pytree as pytree

import tracejet
from bench.zoo import _in_words, _zoo, declared


def run_case(folder: str, name: str) -> str:
    """What is wrong with a case; empty where nothing is. In a process of its own."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    built = _zoo(folder).CASES[name].build()
    args, kwargs = declared(built) if built.dims else built.inputs()
    try:
        program = tracejet.trace(built.module, arg_inputs=args, kwarg_inputs=kwargs)
    except tracejet.Error:
        return "not traced"
    with tempfile.TemporaryDirectory() as temporary:
        try:
            check(program, built, Path(temporary))
        except tracejet.UnsupportedOperator as refusal:  # what torch.export's files can't hold, either
            return f"refused: {_in_words(refusal)}"
        except Exception as error:
            return _in_words(error)
    return ""


def check(program: Any, built: Any, folder: Path) -> None:
    tracejet.save(program, folder / "ours.pt2")
    torch.export.save(program, folder / "theirs.pt2")
    for load, expected in ((torch.export.load, torch.export.load(folder / "theirs.pt2")), (tracejet.load, program)):
        loaded = load(folder / "ours.pt2")
        assert loaded.graph_signature == expected.graph_signature, f"{load.__module__}: another signature"
        assert loaded.range_constraints == expected.range_constraints, f"{load.__module__}: other ranges"
        assert loaded.graph_module.code == expected.graph_module.code, f"{load.__module__}: another graph"
        for name, tensor in program.state_dict.items():
            assert torch.equal(loaded.state_dict[name].isnan(), tensor.isnan())
            assert torch.equal(loaded.state_dict[name].nan_to_num(), tensor.nan_to_num()), f"{name} is another"
    for path in ("ours.pt2", "theirs.pt2"):
        before = tracejet.compile(copy.deepcopy(program), engine="aten")  # a run may change its buffers
        after = tracejet.compile(tracejet.load(folder / path), engine="aten")
        for which in ("min", "opt", "max") if built.dims else ("opt",):
            torch.manual_seed(0)
            args, kwargs = built.inputs(which)
            torch.manual_seed(0)
            found = pytree.tree_leaves(after(*args, **kwargs))
            args, kwargs = built.inputs(which)
            torch.manual_seed(0)
            expected = pytree.tree_leaves(before(*args, **kwargs))
            if not built.nondet:
                torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5, equal_nan=True)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, resolve_path=True))
@click.option("--only", default="", help="Cases whose name contains this.")
def main(folder: str, only: str) -> None:
    """Saves and loads every case of the zoo in FOLDER."""
    wrong: Counter[str] = Counter()
    cases = [name for name in _zoo(folder).CASES if only in name]
    console = Console()
    for name in track(cases, "saving and loading"):
        with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as process:
            try:
                problem = process.submit(run_case, folder, name).result()
            except Exception as error:
                problem = _in_words(error)
        wrong[problem] += 1
        if problem not in ("", "not traced"):
            console.print(f"{name}: {problem}", style="red")
    console.print(f"{wrong['']} of {len(cases) - wrong['not traced']} traced cases come back as they were")


if __name__ == "__main__":
    main()
