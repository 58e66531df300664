"""Draws the pictures of the guides, docs/pictures/*.svg, from a program that is traced and compiled for it.

python docs/make_pictures.py

They follow the light or dark look of the reader's system.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn

import tracejet
from tracejet import Input

FOLDER = Path(__file__).resolve().parent / "pictures"
WIDTH = 760
#: Of engines, as in reports.
COLOURS = {"openvino": "#3b82c4", "aten": "#e0853d"}
STYLE = """
svg { --text: #24292f; --quiet: #57606a; --line: #d0d7de; --box: #f6f8fa; --bar: #cfe0f2; }
@media (prefers-color-scheme: dark) {
  svg { --text: #e6edf3; --quiet: #9aa4af; --line: #3d444d; --box: #1b2129; --bar: #26405c; }
}
text { font: 13px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: var(--text); }
.quiet { fill: var(--quiet); font-size: 12px; }
.title { font-weight: 600; }
.code { font-family: ui-monospace, "SFMono-Regular", "DejaVu Sans Mono", monospace; font-size: 12px; }
.on { fill: #fff; font-weight: 600; }
.box { fill: var(--box); stroke: var(--line); }
.line { stroke: var(--quiet); fill: none; }
"""


class Keywords(nn.Module):
    """Finds words in sound: a spectrum, which OpenVINO has no kernel for, between layers that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.Conv1d(1, 8, 9, stride=4, padding=4), nn.BatchNorm1d(8), nn.GELU())
        self.after = nn.Sequential(nn.LayerNorm(101), nn.Linear(101, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU())
        self.head = nn.Sequential(nn.Linear(64, 12), nn.Softmax(-1))

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        y = self.before(sound)
        spectrum = torch.fft.rfft(y[..., :200]).abs()
        return self.head(self.after(spectrum).mean(1))


SOUND = Input(
    min_shape=(1, 1, 800),
    opt_shape=(8, 1, 16000),
    max_shape=(32, 1, 48000),
    name="sound",
    shared_dims={0: "batch", 2: "length"},
)


def svg(height: int, title: str, parts: Iterable[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    return "\n".join([head, f"<title>{title}</title>", f"<style>{STYLE}</style>", *parts, "</svg>"]) + "\n"


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    safe = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{safe}</text>'


def box(x: float, y: float, width: float, height: float, fill: str = "", radius: int = 8) -> str:
    look = f'style="fill: {fill}"' if fill else 'class="box"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius}" {look}/>'


def arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    sides = (-5, 5)
    is_down = abs(to_x - x) < 1
    tips = [f"{to_x + side:.1f},{to_y - 7:.1f}" if is_down else f"{to_x - 7:.1f},{to_y + side:.1f}" for side in sides]
    path = f"M{x:.1f},{y:.1f} L{to_x:.1f},{to_y:.1f} M{tips[0]} L{to_x:.1f},{to_y:.1f} L{tips[1]}"
    return f'<path d="{path}" class="line"/>'


def flow(program: torch.export.ExportedProgram, compiled: tracejet.CompiledModule) -> str:
    """From the model to engines, with the numbers of this program."""
    calls = [node for node in program.graph.nodes if node.op == "call_function"]
    parts = compiled.report.parts
    boxes = [
        ("your model", "nn.Module", "torch.nn, as it is"),
        ("trace", "runs forward once", "on tensors without data"),
        ("program", f"{len(calls)} calls, Core ATen", "an ExportedProgram"),
        ("compile", f"{len(parts)} parts", "by what engines take"),
    ]
    width, gap, drawn = 158, 32, []
    for index, (name, first, second) in enumerate(boxes):
        x = 16 + index * (width + gap)
        drawn += [box(x, 20, width, 78), text(x + width / 2, 44, name, "title", "middle")]
        drawn += [text(x + width / 2, 66, first, "", "middle"), text(x + width / 2, 84, second, "quiet", "middle")]
        if index:
            drawn.append(arrow(x - gap + 4, 59, x - 4, 59))
    right = 16 + 3 * (width + gap) + width / 2
    drawn += [arrow(right, 98, right, 136), *strip(compiled, 140), *legend(compiled, 214)]
    return svg(234, "From a model to what engines run", drawn)


def strip(compiled: tracejet.CompiledModule, top: float) -> list[str]:
    """The parts in their order, as wide as they have nodes, as far as their names have room."""
    parts = [part for part in compiled.report.parts if not part.inside]
    least, room = 120.0, WIDTH - 32 - 4.0 * (len(parts) - 1)
    spare = room - least * len(parts)
    total = sum(part.nodes for part in parts)
    drawn, x = [], 16.0
    for index, part in enumerate(parts):
        width = least + spare * part.nodes / total
        drawn.append(box(x, top, width, 50, COLOURS[part.engine]))
        drawn.append(text(x + width / 2, top + 22, f"part {index}", "on", "middle"))
        drawn.append(text(x + width / 2, top + 39, f"{part.nodes} node{'s' if part.nodes > 1 else ''}", "on", "middle"))
        x += width + 4
    return drawn


def legend(compiled: tracejet.CompiledModule, y: float) -> list[str]:
    drawn, x = [], 16.0
    for engine in compiled.report.engines:
        whose = f"{engine}: PyTorch's kernels" if engine == "aten" else engine
        drawn += [box(x, y - 11, 13, 13, COLOURS[engine], 3), text(x + 20, y, whose, "quiet")]
        x += 40 + 7.0 * len(whose)
    return drawn


def partitions(compiled: tracejet.CompiledModule) -> str:
    """Which engine runs what, and for each call that isn't on the first one the reason and its line."""
    drawn = [text(16, 24, "Keywords", "title"), *strip(compiled, 40), *legend(compiled, 116)]
    y = 148.0
    for call in compiled.report.fallbacks:
        drawn += [text(16, y, call.operator, "code"), text(180, y, call.reason)]
        line = call.where.strip().splitlines()[0].strip().rpartition("/")[2]
        drawn.append(text(180, y + 18, line, "code quiet"))
        y += 44
    return svg(int(y - 12), "The parts of a program and why they are there", drawn)


def dynamic_input(program: torch.export.ExportedProgram) -> str:
    """The ranges of an Input, axis by axis."""
    leaf = program._tracejet_call_spec.inputs[0]
    drawn = [
        text(16, 24, f"Input {leaf.path}", "title"),
        text(744, 24, "every size in between is taken", "quiet", "end"),
    ]
    y = 44.0
    for axis, size in enumerate(leaf.shape):
        is_fixed = isinstance(size, int)
        name = f"axis {axis}" + ("" if is_fixed else f", {size.name}")
        drawn.append(text(16, y + 22, name))
        left, right = 150.0, 700.0
        if is_fixed:
            drawn += [box(left, y + 8, 8, 20, "var(--bar)", 3), text(left + 18, y + 22, f"always {size}", "quiet")]
        else:
            drawn.append(box(left, y + 8, right - left, 20, "var(--bar)", 4))
            at = left + (right - left) * (size.opt - size.min) / (size.max - size.min)
            drawn.append(box(at - 2, y + 4, 4, 28, COLOURS["openvino"], 2))
            drawn.append(text(left, y + 46, f"min {size.min}", "quiet"))
            drawn.append(text(at, y + 46, f"opt {size.opt}", "quiet", "middle"))
            drawn.append(text(right, y + 46, f"max {size.max}", "quiet", "end"))
        y += 40 if is_fixed else 62
    drawn.append(text(16, y + 22, "anything else", "quiet"))
    drawn.append(text(150, y + 22, "InvalidInput, with the axis and its range, before anything runs", "quiet"))
    return svg(int(y + 40), "What an Input with ranges takes", drawn)


def pictures() -> dict[str, str]:
    torch.manual_seed(0)
    program = tracejet.trace(Keywords().eval(), arg_inputs=[SOUND])
    compiled = tracejet.compile(program, min_block_size=1)
    return {
        "flow.svg": flow(program, compiled),
        "partitions.svg": partitions(compiled),
        "dynamic_input.svg": dynamic_input(program),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, drawn in pictures().items():
        (FOLDER / name).write_text(drawn)
