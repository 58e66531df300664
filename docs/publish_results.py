"""Puts what the benchmarks measured into the README: its figure (docs/trace_time.svg) and its tables.

    python -m bench.trace --json bench/results/trace.json
    python -m bench.latency --json bench/results/latency.json
    python docs/publish_results.py

In the figure each model has a row on a logarithmic axis: tracejet's trace time, torch.export's, and the ratio.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

LEFT, RIGHT, TOP, ROW, WIDTH = 130, 70, 64, 30, 760
STYLE = """
svg { --ours: #0b7a75; --theirs: #d1495b; --ink: #57606a; --grid: #d0d7de; }
@media (prefers-color-scheme: dark) {
  svg { --ours: #2bb3a8; --theirs: #e8697a; --ink: #b3bcc6; --grid: #3d444d; }
}
text { font: 13px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: var(--ink); }
.title { font-size: 15px; font-weight: 600; }
.ratio { font-weight: 600; }
.tick { font-size: 11px; }
.ours { fill: var(--ours); }
.theirs { fill: var(--theirs); }
.grid { stroke: var(--grid); }
.between { stroke: var(--ink); stroke-width: 2; opacity: .35; }
"""


def label(milliseconds: float) -> str:
    return f"{milliseconds / 1000:g} s" if milliseconds >= 1000 else f"{milliseconds:g} ms"


def figure(rows: list[dict[str, Any]]) -> str:
    times = [(r["model"], *(r["warm"][tool]["median"] * 1000 for tool in ("tracejet", "torch.export"))) for r in rows]
    times.sort(key=lambda row: row[2])
    low = math.floor(math.log10(min(ours for _, ours, _ in times)))
    high = math.ceil(math.log10(max(theirs for *_, theirs in times)))
    bottom = TOP + ROW * len(times)

    def x(milliseconds: float) -> float:
        share = (math.log10(milliseconds) - low) / (high - low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 34}" role="img">',
        "<title>Time to trace ten models, tracejet against torch.export with decompositions</title>",
        f"<style>{STYLE}</style>",
        '<text class="title" x="16" y="24">From model to lowered ExportedProgram, dynamic shapes</text>',
        '<circle cx="22" cy="43" r="5" class="ours"/><text x="34" y="47">tracejet</text>',
        '<circle cx="110" cy="43" r="5" class="theirs"/>',
        '<text x="122" y="47">torch.export + run_decompositions</text>',
    ]
    for power in range(low, high + 1):
        at = x(10**power)
        parts.append(f'<line x1="{at}" y1="{TOP}" x2="{at}" y2="{bottom}" class="grid"/>')
        parts.append(f'<text class="tick" x="{at}" y="{bottom + 18}" text-anchor="middle">{label(10**power)}</text>')
    for index, (model, ours, theirs) in enumerate(times):
        y = TOP + ROW * index + ROW / 2
        parts += [
            f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{model}</text>',
            f'<line x1="{x(ours)}" y1="{y}" x2="{x(theirs)}" y2="{y}" class="between"/>',
            f'<circle cx="{x(ours)}" cy="{y}" r="6" class="ours"/>',
            f'<circle cx="{x(theirs)}" cy="{y}" r="6" class="theirs"/>',
            f'<text class="ratio" x="{x(theirs) + 13}" y="{y + 4}">{theirs / ours:.0f}x</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])


def trace_table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| model | tracejet | of it capture | torch.export + decompositions | ratio | first trace | memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        ours, capture, theirs = (row["warm"][key]["median"] * 1000 for key in ("tracejet", "capture", "torch.export"))
        first, first_theirs = (row["first"][tool] for tool in ("tracejet", "torch.export"))
        cells = [
            row["model"],
            f"{ours:.0f} ms",
            f"{capture:.0f} ms",
            f"{theirs:.0f} ms",
            f"**{theirs / ours:.0f}x**",
            f"{first['first_s']:.2f} s, {first_theirs['first_s'] / first['first_s']:.0f}x",
            f"{first['peak_mib']:.0f} MiB, {first_theirs['peak_mib'] / first['peak_mib']:.1f}x",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def latency_table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| model | runtime | latency | speed | first answer | memory | largest error / largest value |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    eager = {row["model"]: row["latency"]["median"] for row in rows if row["runtime"] == "eager"}
    for row in rows:
        if "error" in row:
            lines.append(f"| {row['model']} | {row['runtime']} | failed | | | | |")
            continue
        median = row["latency"]["median"]
        cells = [
            row["model"],
            row["runtime"],
            f"{median * 1000:.1f} ms",
            f"**{eager[row['model']] / median:.2f}x**",
            f"{row['first_answer_s']:.1f} s",
            f"{row['peak_mib']:.0f} MiB",
            f"{row['relative_error']:.0e}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def replace_section(text: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    assert tail, f"the README has no section {name}"
    return f"{head}{begin}\n{content}\n\n{end}{tail}"


if __name__ == "__main__":
    results = ROOT / "bench" / "results"
    trace = [row for row in json.loads((results / "trace.json").read_text())["rows"] if row["shapes"] == "dynamic"]
    latency = json.loads((results / "latency.json").read_text())["rows"]
    (ROOT / "docs" / "trace_time.svg").write_text(figure(trace))
    readme = ROOT / "README.md"
    text = replace_section(readme.read_text(), "trace results", trace_table(trace))
    readme.write_text(replace_section(text, "latency results", latency_table(latency)))
