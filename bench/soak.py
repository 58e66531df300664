"""Does a compiled program stay right, small and fast? Calls it from several threads for as long as asked.

A small BERT gets random batches and lengths, thousands of different shapes. Every answer is compared with eager's,
which were computed beforehand; memory and throughput are sampled all the while. Each engine has a process of its own.

    make soak                     or: python -m bench.soak --seconds 300
    python -m bench.soak --engine openvino --calls 1000000 --json soak.json
"""

from __future__ import annotations

import gc
import multiprocessing
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import click
import torch
from rich.table import Table

import tracejet
from bench.measure import resident_mib, wide_console, write_json
from testing.models import SMALL_MODELS, Range

ENGINES = ("openvino", "aten")
LARGEST_BATCH, LONGEST = 16, 128
TOLERANCE = 1e-4  # of the greatest value


@dataclass
class Sample:
    """What has been reached after so many seconds."""

    seconds: float
    calls: int
    mib: float


@dataclass
class Result:
    engine: str
    threads: int
    calls: int = 0
    wrong: list[str] = field(default_factory=list)  #: what differed or failed, the first few
    samples: list[Sample] = field(default_factory=list)

    @property
    def growth_mib(self) -> float:
        """How far memory rose in the second half of the time."""
        return self.samples[-1].mib - self.samples[len(self.samples) // 2].mib

    def calls_per_second(self, half: int) -> float:
        """In the first (0) or second (1) half of the time."""
        middle = len(self.samples) // 2
        start, end = (self.samples[0], self.samples[middle]) if half == 0 else (self.samples[middle], self.samples[-1])
        return (end.calls - start.calls) / max(end.seconds - start.seconds, 1e-9)


class Pool:
    """Inputs of every length, and eager's answers. The rows of a batch don't depend on each other, so that one answer
    serves all batches that can be cut out of its input."""

    def __init__(self, model: Callable[..., Any], lengths: range) -> None:
        torch.manual_seed(0)
        self._entries = []
        for length in lengths:
            ids = torch.randint(5, 1000, (LARGEST_BATCH, length))
            mask = (torch.arange(length) < torch.randint(1, length + 1, (LARGEST_BATCH, 1))).long()
            answer = model(input_ids=ids, attention_mask=mask)
            self._entries.append((ids, mask, (answer.last_hidden_state, answer.pooler_output)))

    def draw(self, choose: random.Random) -> tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, ...]]:
        """A random part of a random input, and what is expected of it."""
        ids, mask, answer = choose.choice(self._entries)
        start = choose.randrange(LARGEST_BATCH)
        rows = slice(start, choose.randint(start + 1, LARGEST_BATCH))
        return ids[rows], mask[rows], tuple(tensor[rows] for tensor in answer)


def difference(expected: torch.Tensor, got: torch.Tensor) -> str | None:
    if expected.shape != got.shape:
        return f"expected the shape {tuple(expected.shape)}, got {tuple(got.shape)}"
    error, scale = (expected - got).abs().max().item(), expected.abs().max().item()
    return None if error <= TOLERANCE * scale else f"differs by {error:.3g} on a scale of {scale:.3g}"


def soak(
    engine: str, *, seconds: float = float("inf"), calls: int | None = None, threads: int = 4, longest: int = LONGEST
) -> Result:
    """Calls a compiled program for that long, or that often."""
    dims = {"batch": Range(1, 2, LARGEST_BATCH), "sequence": Range(4, min(32, longest), longest)}
    case = replace(SMALL_MODELS["bert"], dims=dims)
    model = case.module()
    with torch.no_grad():
        pool = Pool(model, range(4, longest + 1))
    compiled = tracejet.compile(model, arg_inputs=(), kwarg_inputs=case.tracejet_inputs()[1], engine=engine)
    del model
    gc.collect()

    result = Result(engine, threads)
    counter = threading.Lock()
    enough = threading.Event()

    def work(seed: int) -> None:
        choose = random.Random(seed)
        while not enough.is_set():
            ids, mask, expected = pool.draw(choose)
            try:
                answer = compiled(input_ids=ids, attention_mask=mask)
                got = (answer.last_hidden_state, answer.pooler_output)
                problems = [problem for pair in zip(expected, got) if (problem := difference(*pair))]
            except Exception as error:
                problems = [f"{type(error).__name__}: {error}"]
            with counter:
                result.calls += 1
                if problems and len(result.wrong) < 10:
                    result.wrong.append(f"at {tuple(ids.shape)}: {problems[0]}")
                if calls is not None and result.calls >= calls:
                    enough.set()

    start = time.monotonic()
    result.samples.append(Sample(0, 0, resident_mib()))
    workers = [threading.Thread(target=work, args=(seed,), daemon=True) for seed in range(threads)]
    for worker in workers:
        worker.start()
    interval = 1.0 if seconds == float("inf") else max(seconds / 30, 0.2)
    while not enough.wait(interval):
        result.samples.append(Sample(time.monotonic() - start, result.calls, resident_mib()))
        if result.samples[-1].seconds >= seconds:
            enough.set()
    for worker in workers:
        worker.join()
    result.samples.append(Sample(time.monotonic() - start, result.calls, resident_mib()))
    return result


def _soak_in_process(engine: str, options: dict[str, Any], pipe: Any) -> None:
    pipe.send(soak(engine, **options))


def in_process(engine: str, **options: Any) -> Result:
    """`soak` in a process of its own, whose memory is nobody else's."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_soak_in_process, args=(engine, options, there))
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        raise SystemExit(f"{engine}: the process ended by itself ({process.exitcode})") from None
    finally:
        process.join()


def table_of(result: Result) -> Table:
    table = Table(
        "seconds", "calls", "calls per second", "resident MiB", title=f"{result.engine}, {result.threads} threads"
    )
    shown = result.samples[:: max(len(result.samples) // 10, 1)]
    for before, sample in zip(shown, shown[1:]):
        rate = (sample.calls - before.calls) / max(sample.seconds - before.seconds, 1e-9)
        table.add_row(f"{sample.seconds:.0f}", str(sample.calls), f"{rate:.0f}", f"{sample.mib:.0f}")
    return table


@click.command(help=__doc__)
@click.option("--engine", "engines", multiple=True, type=click.Choice(ENGINES), default=ENGINES)
@click.option("--seconds", default=300.0, show_default=True)
@click.option("--calls", type=int, help="Stop after so many calls, however long they take.")
@click.option("--threads", default=4, show_default=True)
@click.option("--longest", default=LONGEST, show_default=True, help="The longest sequence.")
@click.option("--json", "json_path", type=click.Path())
def main(
    engines: tuple[str, ...], seconds: float, calls: int | None, threads: int, longest: int, json_path: str | None
) -> None:
    console = wide_console()
    limit = float("inf") if calls is not None else seconds
    results = []
    for engine in engines:
        result = in_process(engine, seconds=limit, calls=calls, threads=threads, longest=longest)
        console.print(table_of(result))
        console.print(
            f"{result.calls} calls, {len(result.wrong)} wrong; in the second half, memory rose by "
            f"{result.growth_mib:.0f} MiB, and {result.calls_per_second(1):.0f} calls were answered per second "
            f"({result.calls_per_second(0):.0f} in the first)"
        )
        for problem in result.wrong:
            console.print(f"  {problem}")
        results.append(result)
    write_json(json_path, [asdict(result) for result in results])
    sys.exit(any(result.wrong for result in results))


if __name__ == "__main__":
    main()
