"""Writes docs/operators.md from the C++ operator tables (`make docs`)."""

from __future__ import annotations

from pathlib import Path

from tracejet import _C

PAGE = Path(__file__).with_name("operators.md")

INTRODUCTION = """\
# Operators

Made from the tables in [src/ops](../src/ops) by `make docs`; don't edit it by hand.

- **Traced as**: *itself*, a node of the program; or *decomposed*, expanded into others while tracing.
- **Dynamic**: there is a shape rule, so its sizes may be symbols. What is decomposed has the rules of its parts.
- **Engines**: there is a conversion to ONNX, which OpenVINO reads. The interpreter runs every operator.

An operator without an entry is traced through PyTorch's own decomposition, where ATen has one in C++, or its meta
kernel, where all its sizes are numbers.

"""


def page() -> str:
    entries = sorted(_C.operators(), key=lambda entry: entry.name.lower())
    decomposed = sum(entry.is_decomposed for entry in entries)
    convertible = sum(entry.has_conversion for entry in entries)
    lines = [
        f"{len(entries)} operators: {decomposed} are decomposed; of the {len(entries) - decomposed} that stay, "
        f"{convertible} are converted for engines.",
        "",
        "| operator | traced as | dynamic | engines |",
        "| --- | --- | --- | --- |",
    ]
    for entry in entries:
        if entry.is_decomposed:
            cells = ["decomposed", "by its parts", "by its parts"]
        else:
            cells = ["itself", "yes" if entry.has_shape_rule else "", "yes" if entry.has_conversion else ""]
        lines.append(f"| `{entry.name}` | {' | '.join(cells)} |")
    return INTRODUCTION + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
