"""Semantic search with a real sentence encoder, traced and compiled once for every batch and sentence length.

The encoder with its pooling (testing/sentence_encoder.py) is traced by tracejet with two dynamic dimensions, shown,
compiled with OpenVINO, used and verified. What it costs and how exact it is stands beside what PyTorch does on its own.

    make demo            or: python examples/semantic_search.py "your question"
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for testing

import tracejet
from testing.curated_table import curated_decompositions
from testing.sentence_encoder import LARGEST_BATCH, LONGEST, inputs, load

SENTENCES = [
    "The museum stays open until nine on Thursdays.",
    "Bring the dough together gently, then let it rest in a cool place overnight.",
    "A comet will be visible without a telescope low in the western sky this week.",
    "The last train leaves at 23:40.",
    "Water the seedlings every morning, but never in full sun.",
    "Her violin concerto was first performed in Vienna.",
    "If the router's light blinks red, hold the reset button for ten seconds and wait for it to restart.",
    "Interest rates were raised by a quarter of a point, the third increase this year.",
    "The trail climbs through pine forest for six kilometres before it reaches the ridge.",
    "He scored twice in the final minutes and the home side won.",
    "Penguins huddle together to keep warm.",
    "Vaccines train the immune system to recognise a virus before it meets it.",
]
QUESTIONS = [
    "How do I fix my internet connection?",
    "what can I see in the night sky",
    "gardening tips",
    "When does public transport stop running?",
    "classical music",
]


def by_torch_export(model: nn.Module, example: tuple[torch.Tensor, ...]) -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    length = torch.export.Dim("length", min=2, max=LONGEST)
    both = {0: batch, 1: length}
    program = torch.export.export(model, example, dynamic_shapes=(both, both), strict=False)
    return program.run_decompositions(curated_decompositions())


def timed(run: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> tuple[float, Any]:
    """Milliseconds, and the result."""
    start = clock()
    result = run()
    return (clock() - start) * 1000, result


def take_turns(runs: dict[str, Callable[[], Any]], rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Median milliseconds of each, measured alternately so that a busy machine disturbs all alike."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            taken[name].append(timed(run, clock)[0])
    return {name: statistics.median(times) for name, times in taken.items()}


def show_program(console: Console, program: torch.export.ExportedProgram, lines: int = 14) -> None:
    nodes = [node for node in program.graph.nodes if node.op == "call_function"]
    for node in nodes[:lines]:
        line = Text(f"  {node.name:<20} ", style="bold")
        line.append(str(node.target).removesuffix(".default"), style="cyan")
        line.append(f"({', '.join(str(argument) for argument in node.args)})", style="dim")
        if isinstance(node.meta.get("val"), torch.Tensor):
            line.append(f" -> {list(node.meta['val'].shape)}", style="green")
        line.truncate(console.width, overflow="ellipsis")
        console.print(line)
    console.print(f"  … and {len(nodes) - lines} more; varying: {program.range_constraints}", style="dim")


def search(compiled: Callable[..., torch.Tensor], tokens_of: Any, questions: list[str]) -> Table:
    library = compiled(*tokens_of(SENTENCES))
    table = Table("question", "score", "best answers")
    for question in questions:
        scores = (compiled(*tokens_of([question])) @ library.T).squeeze(0)
        best, second = zip(*scores.topk(2), strict=True)
        table.add_row(question, f"{best[0]:.2f}", SENTENCES[best[1]], style="bold")
        table.add_row("", f"{second[0]:.2f}", SENTENCES[second[1]], style="dim", end_section=True)
    return table


def largest_difference(model: nn.Module, compiled: Callable[..., torch.Tensor], tokens_of: Any) -> float:
    """From eager, over batches of every size and sentences of different lengths."""
    batches = [SENTENCES[:size] for size in range(1, len(SENTENCES) + 1)] + [[question] for question in QUESTIONS]
    differences = [(model(*tokens_of(batch)) - compiled(*tokens_of(batch))).abs().max() for batch in batches]
    return torch.stack(differences).max().item()


@torch.no_grad()
def main() -> None:
    warnings.filterwarnings("ignore")
    console = Console()
    model, tokens_of = load()
    example = tokens_of(SENTENCES[:8])

    console.print(Rule("Trace: one run of forward, batch and length dynamic"))
    first, program = timed(lambda: tracejet.trace(model, arg_inputs=inputs()), time.process_time)
    show_program(console, program)

    trace = take_turns(
        {
            "tracejet": lambda: tracejet.trace(model, arg_inputs=inputs()).graph_module,
            "torch.export": lambda: by_torch_export(model, example),
        },
        rounds=2,
        clock=time.process_time,  # sequential work: CPU time is what an idle machine would take
    )

    console.print(Rule("Compile with OpenVINO, and search"))
    compile_time, compiled = timed(lambda: tracejet.compile(program, arg_inputs=inputs(), engine="openvino"))
    console.print(search(compiled, tokens_of, sys.argv[1:] or QUESTIONS))

    console.print(Rule("Is it right? Held against PyTorch's kernels on random inputs, and on these sentences"))
    verification = tracejet.verify(program, compiled, inputs=tokens_of(SENTENCES))
    console.print(Text(str(verification)))
    verification.raise_if_wrong()

    console.print(Rule("What it costs, and how exact it is"))
    batch = tokens_of(SENTENCES)
    both = {"eager": lambda: model(*batch), "compiled": lambda: compiled(*batch)}
    latency = take_turns(both, rounds=15, clock=time.perf_counter)
    costs = Table("", "tracejet", "PyTorch", "ratio", title=f"milliseconds, {torch.get_num_threads()} threads, float32")
    costs.add_row("very first trace", f"{first:.0f}", "", "")
    costs.add_row(
        "trace, decomposed (against torch.export + run_decompositions)",
        f"{trace['tracejet']:.0f}",
        f"{trace['torch.export']:.0f}",
        f"{trace['torch.export'] / trace['tracejet']:.0f}x",
    )
    costs.add_row("compile the program with OpenVINO", f"{compile_time:.0f}", "", "")
    costs.add_row(
        f"encode {len(SENTENCES)} sentences (against eager)",
        f"{latency['compiled']:.1f}",
        f"{latency['eager']:.1f}",
        f"{latency['eager'] / latency['compiled']:.2f}x",
    )
    console.print(costs)
    console.print(
        f"Largest difference from eager, over every batch: {largest_difference(model, compiled, tokens_of):.1e}"
    )


if __name__ == "__main__":
    main()
