"""Writes docs/models.md: what became of a zoo of models, and what operators their programs are made of (`make docs`).

python -m bench.zoo FOLDER --engine auto --json bench/results/zoo.json
python docs/make_model_page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

import tracejet

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/models.md"
RESULTS = ROOT / "bench/results/zoo.json"

TABLE = tracejet.DecompositionTable()

#: What the default table says of the operators that programs have besides those of Core ATen.
CLASSES = {("kept", "engines run it whole"): "kept", ("kept", "no decomposition is needed"): "atom"}

CONTROL_FLOW = ("associative_scan", "cond", "map_impl", "scan", "while_loop")

INTRODUCTION = """\
# What models are made of

Made from [bench/results/zoo.json](../bench/results/zoo.json) by `make docs`; don't edit it by hand.
`python -m bench.zoo FOLDER` measures it: every model of a folder (here timm, torchvision, transformers and hand-written
ones, with random weights) is traced, once with the sizes it comes with and once with dynamic ones. A model is right
where its program gives what it gives at the least, the usual and the greatest size, and the trace leaves it as it was.

"""


def _failures(failures: list[dict[str, Any]]) -> list[str]:
    if not failures:
        return []
    rows = [f"| {f['case']} | {f['shapes']} | {_cell(f['why'])} |" for f in failures]
    return ["## What isn't right", "", "| model | shapes | why |", "| --- | --- | --- |", *rows, ""]


def page(results: dict[str, Any]) -> str:
    lines = [
        f"**{results['right']} of {results['cases']} models are right.** {len(results['slow'])} of the "
        f"{results['traces']} traces meet an operator without a shape rule, which Python's meta functions answer.",
        "",
        *_failures(results["failures"]),
        *_compiled(results.get("compiled")),
        "## Operators without a shape rule",
        "",
        "| model | shapes | operators |",
        "| --- | --- | --- |",
        *(
            f"| {s['case']} | {s['shapes']} | {', '.join(f'`{name}`' for name in s['calls'])} |"
            for s in results["slow"]
        ),
        "",
        "## Operators of the programs",
        "",
        "*Core*: in Core ATen. *Kept*: larger, and kept whole because engines have kernels for it. *Atom*: outside of",
        "Core ATen, but no decomposition takes it apart, PyTorch's neither. *Expanded*: taken apart where sizes",
        "allow it, which these leave open (how long a sequence is, whether an axis is 1). *Custom*: not PyTorch's own.",
        "*Number*: arithmetic on sizes, and what picks one result. *Control flow*: runs graphs of its own.",
        "",
        "| operator | set | models | nodes |",
        "| --- | --- | ---: | ---: |",
        *(f"| `{name}` | {set_of(name)} | {o['cases']} | {o['nodes']} |" for name, o in results["operators"].items()),
    ]
    return INTRODUCTION + "\n".join(lines) + "\n"


def _compiled(compiled: dict[str, Any] | None) -> list[str]:
    """Where the zoo was compiled, too."""
    if compiled is None:
        return []
    return [
        "## Compiled",
        "",
        f"Compiled with the default engine, **{compiled['right']} of {compiled['programs']}** programs give what",
        f"their models give. {compiled['on_engine']:.1%} of all nodes run on OpenVINO (in the median of the programs",
        f"{compiled['median_on_engine']:.1%}), and {compiled['whole']} programs as a whole. What isn't right:",
        "",
        "| model | shapes | why |",
        "| --- | --- | --- |",
        *(f"| {f['case']} | {f['shapes']} | {_cell(f['why'])} |" for f in compiled["failures"]),
        "",
        "What is split:",
        "",
        "| model | shapes | parts | nodes on OpenVINO |",
        "| --- | --- | ---: | ---: |",
        *(f"| {s['case']} | {s['shapes']} | {s['parts']} | {s['on_engine']:.1%} |" for s in compiled["split"]),
        "",
    ]


def set_of(operator: str) -> str:
    """ "aten.relu.default" is of the core."""
    namespace, _, name = operator.partition(".")
    if operator in CONTROL_FLOW:
        return "control flow"
    if not name:
        return "number"
    if namespace != "aten":
        return "custom"
    base, _, overload = name.partition(".")
    op = getattr(getattr(torch.ops.aten, base), overload)
    if torch.Tag.core in op.tags:
        return "core"
    return CLASSES.get(TABLE.decision(op), "expanded")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())[:200]


if __name__ == "__main__":
    PAGE.write_text(page(json.loads(RESULTS.read_text())["rows"][0]))
