"""Draws docs/trace_time.svg, the README's figure, from what `python -m bench.trace --json` measured.

    python docs/make_figure.py bench/results/trace.json

One row per model, on a logarithmic axis: tracejet's trace time, torch.export's, and the ratio between them.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).with_name("trace_time.svg")

LEFT, RIGHT, TOP, ROW, WIDTH = 130, 70, 64, 30, 760
OURS, THEIRS, INK, GRID = "#0b7a75", "#d1495b", "#57606a", "#d0d7de"
STYLE = f"""
text {{ font: 13px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: {INK}; }}
.title {{ font-size: 15px; font-weight: 600; }}
.ratio {{ font-weight: 600; }}
.tick {{ font-size: 11px; }}
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
        f'<circle cx="22" cy="43" r="5" fill="{OURS}"/><text x="34" y="47">tracejet</text>',
        f'<circle cx="110" cy="43" r="5" fill="{THEIRS}"/>',
        '<text x="122" y="47">torch.export + run_decompositions</text>',
    ]
    for power in range(low, high + 1):
        at = x(10**power)
        parts.append(f'<line x1="{at}" y1="{TOP}" x2="{at}" y2="{bottom}" stroke="{GRID}"/>')
        parts.append(f'<text class="tick" x="{at}" y="{bottom + 18}" text-anchor="middle">{label(10**power)}</text>')
    for index, (model, ours, theirs) in enumerate(times):
        y = TOP + ROW * index + ROW / 2
        parts += [
            f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{model}</text>',
            f'<line x1="{x(ours)}" y1="{y}" x2="{x(theirs)}" y2="{y}" stroke="{INK}" stroke-width="2" opacity=".35"/>',
            f'<circle cx="{x(ours)}" cy="{y}" r="6" fill="{OURS}"/>',
            f'<circle cx="{x(theirs)}" cy="{y}" r="6" fill="{THEIRS}"/>',
            f'<text class="ratio" x="{x(theirs) + 13}" y="{y + 4}">{theirs / ours:.0f}x</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    measured = json.loads(Path(sys.argv[1]).read_text())
    OUTPUT.write_text(figure([row for row in measured["rows"] if row["shapes"] == "dynamic"]))
    print(OUTPUT)
