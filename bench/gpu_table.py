"""The table of docs/gpu.md, made of what bench.gpu wrote.

    python -m bench.gpu --table first.json second.json --page docs/gpu.md

Of what several files have of a case, the last one counts, runner by runner. The page has it between two comments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]

NAMES = {
    "resnet50": "ResNet-50",
    "convnext_tiny": "ConvNeXt-T",
    "vit_b_16": "ViT-B/16",
    "swin_t": "Swin-T",
    "bert": "BERT-base, 128 tokens",
    "gpt2": "GPT-2, 128 tokens",
    "llama_prefill": "1.2 B Llama, 512 tokens",
    "llama_decode": "the same, one token",
    "whisper_encoder": "Whisper's encoder",
    "unet": "U-Net of Stable Diffusion's size",
}
BEGIN, END = "<!-- made by bench.gpu -->", "<!-- until here -->"


def table(files: Sequence[str]) -> str:
    """In Markdown, a line for each case: the faster of tracejet and torch.compile is bold."""
    rows: dict[tuple[str, int], dict[str, Row]] = {}
    machines = []
    for file in files:
        found = json.loads(Path(file).read_text())
        if found["machine"] not in machines:
            machines.append(found["machine"])
        for row in found["rows"]:
            rows.setdefault((row["model"], row["batch"]), {})[row["runner"]] = row
    lines = [
        "| model, batch | eager under a CUDA graph | torch.compile | tracejet | of torch.compile's | first answer: "
        "torch.compile, tracejet | error: eager, tracejet | MiB held: torch.compile, tracejet |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for model, name in NAMES.items():
        lines += [_line(f"{name}, {batch}", rows[model, batch]) for batch in (1, 8) if (model, batch) in rows]
    return "\n".join([*map(_machine, machines), "", *lines])


def _machine(machine: Row) -> str:
    card, driver = machine["card"].split(", ")
    cudnn = f"{machine['cudnn'] // 10000}.{machine['cudnn'] // 100 % 100}"
    return (
        f"{card} (driver {driver}), torch {machine['torch']}, cuDNN {cudnn}, Python {machine['python']}; "
        "milliseconds on the GPU, medians."
    )


def _line(name: str, runners: dict[str, Row]) -> str:
    def text(runner: str, key: str, form: str) -> str:
        row = runners.get(runner, {})
        return format(row[key], form) if key in row else "failed" if "failed" in row else "-"

    times = {runner: text(runner, "gpu_ms", ".2f") for runner in ("eager_graph", "compile", "tracejet")}
    ours, theirs = (runners.get(runner, {}).get("gpu_ms") for runner in ("tracejet", "compile"))
    ratio = "-"
    if ours and theirs:
        ratio = f"{ours / theirs:.2f}"
        faster = "tracejet" if ours < theirs else "compile"
        times[faster] = f"**{times[faster]}**"
    answers = (text("compile", "first_s", ".1f"), text("tracejet", "first_s", ".2f"))
    first = ", ".join(f"{answer} s" if answer[0].isdigit() else answer for answer in answers)
    error = f"{text('eager_graph', 'error', '.0e')}, {text('tracejet', 'error', '.0e')}"
    held = f"{text('compile', 'held_mib', '.0f')}, {text('tracejet', 'held_mib', '.0f')}"
    cells = [name, times["eager_graph"], times["compile"], times["tracejet"], ratio, first, error, held]
    return f"| {' | '.join(cells)} |"


def write_table(files: Sequence[str], page: str) -> None:
    path = Path(page)
    between = re.compile(f"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", re.DOTALL)
    path.write_text(between.sub(lambda _: f"\n{table(files)}\n\n", path.read_text(), count=1))
