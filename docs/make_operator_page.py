"""Writes docs/operators.md from the C++ operator tables (`make docs`)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import torch.ao.quantization.fx._decomposed  # noqa: F401, registers operators
import torchao.quantization  # noqa: F401, so does this

from tracejet import _C, DecompositionTable

PAGE = Path(__file__).with_name("operators.md")
SLOW = PAGE.parents[1] / "tests/python/ops/slow_operators.json"

INTRODUCTION = """\
# Operators

Made from the tables in [src/ops](../src/ops) by `make docs`; don't edit it by hand.

- **tensorrt**, **core_aten**, **none**: what a trace with `decompositions=` does with the operator: *kept* as a node of
  the program, *expanded* into others while tracing (in C++, or by ATen's own composite kernel). A `DecompositionTable`
  changes this for any operator, and `print(table)` says it for those too that aren't here; see the
  [tutorial](tutorial.md#choose-what-is-decomposed).
- **Dynamic**: there is a shape rule, so its sizes may be symbols. What is expanded has the rules of its parts, and so
  has what is kept but could be.
- **Engines**: there is a conversion to ONNX, which OpenVINO reads. The interpreter runs every operator.

Operators of `quantized_decomposed` and `torchao` exist where these libraries are imported.

An operator without an entry is traced through PyTorch's own decomposition, where ATen has one in C++, or its meta
kernel, where all its sizes are numbers.

"""

SETS = ("tensorrt", "core_aten", "none")


def page() -> str:
    entries = sorted(_C.operators(), key=lambda entry: entry.name.lower())
    tables = [DecompositionTable(name) for name in SETS]
    decomposed = sum(entry.is_decomposed for entry in entries)
    convertible = sum(entry.has_conversion for entry in entries if not entry.is_decomposed)
    lines = [
        f"{len(entries)} operators: by default {decomposed} are decomposed; of the {len(entries) - decomposed} that "
        f"stay, {convertible} are converted for engines.",
        "",
        "| operator | tensorrt | core_aten | none | dynamic | engines |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for entry in entries:
        actions = [table.decision(entry.name)[0].split(" ")[0] for table in tables]
        dynamic = "yes" if entry.has_shape_rule else "by its parts" if entry.has_decomposition else ""
        engines = "yes" if entry.has_conversion else "by its parts" if entry.is_decomposed else ""
        lines.append(f"| `{entry.name}` | {' | '.join([*actions, dynamic, engines])} |")
    return INTRODUCTION + "\n".join([*lines, *_slow_lines(json.loads(SLOW.read_text()))]) + "\n"


def _slow_lines(slow: dict[str, dict[str, list[str]]]) -> list[str]:
    """The section on what Python answers for: of {"static" or "dynamic": {a call of the database: operators}}."""
    calls = Counter(operator for mode in slow.values() for operators in mode.values() for operator in operators)
    return [
        "",
        "## Answered in Python",
        "",
        f"Of all operators in PyTorch's database of samples, with static and with dynamic sizes, these {len(calls)}",
        "have no shape rule where they need one: with dynamic sizes, PyTorch's functions in Python say what they give,",
        "which is slow. No module of its database calls one of them. `make test-ops` measures it.",
        "",
        "| operator | entries of the database |",
        "| --- | ---: |",
        *(f"| `{operator}` | {count} |" for operator, count in sorted(calls.items())),
    ]


if __name__ == "__main__":
    PAGE.write_text(page())
