"""Judges programs in processes of their own, a batch in each: one that crashes is a finding, and the rest goes on."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

import torch
import torch._dynamo  # which takes a second: once, and not in every process

from tests.support.oracle import Finding, judge, judge_program, text_of_what_runs_in_eager
from tests.support.random_programs import Program

BATCH = 25
#: So long may one program take, in seconds.
PATIENCE = 120

_context = multiprocessing.get_context("fork")


@dataclass
class _Worker:
    engine: str
    seeds: list[int]
    since: float = field(default_factory=time.monotonic)
    has_ended: bool = False

    def __post_init__(self) -> None:
        self.results, theirs = _context.Pipe(duplex=False)
        self.process = _context.Process(target=_work, args=(theirs, self.engine, self.seeds), daemon=True)
        self.process.start()
        theirs.close()

    def next_finding(self) -> Finding | None:
        """What came in: None where the batch is done."""
        try:
            found = self.results.recv()
        except EOFError:
            self.process.join()
            self.has_ended = True
            return self._crashed(f"ends the process: {_cause(self.process.exitcode)}") if self.seeds else None
        self.seeds.pop(0)
        self.since = time.monotonic()
        return Finding(**found)

    def stuck(self) -> Finding | None:
        if time.monotonic() - self.since < PATIENCE:
            return None
        self.process.kill()
        self.process.join()
        self.has_ended = True
        return self._crashed(f"takes longer than {PATIENCE} s")

    def _crashed(self, reason: str) -> Finding:
        seed = self.seeds.pop(0)
        text = _apart(lambda: text_of_what_runs_in_eager(seed, self.engine))
        if text is None:
            return Finding(seed, self.engine, "refused", "eager itself ends the process")
        return Finding(seed, self.engine, "crashed", reason, text)


def _cause(exit_code: int | None) -> str:
    return signal.Signals(-exit_code).name if exit_code is not None and exit_code < 0 else f"exit code {exit_code}"


def judged_apart(program: Program, seed: int, engine: str) -> Finding:
    """What becomes of one program, in a process of its own."""
    found = _apart(lambda: judge_program(program, seed, engine).as_dict())
    return Finding(**found) if found else Finding(seed, engine, "crashed", "ends the process or hangs", program.text)


def _apart(make: Callable[[], Any]) -> Any:
    """What a process of its own makes; None where it ends before, or takes too long."""
    results, theirs = _context.Pipe(duplex=False)
    process = _context.Process(target=_send, args=(theirs, make), daemon=True)
    process.start()
    theirs.close()
    try:
        return results.recv() if results.poll(PATIENCE) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()


def _send(results: Connection, make: Callable[[], Any]) -> None:
    _settle()
    results.send(make())
    os._exit(0)  # engines' threads needn't end in order


def _settle() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # warnings of engines
    faulthandler.disable()
    torch.set_num_threads(1)


def _work(results: Connection, engine: str, seeds: Sequence[int]) -> None:
    _settle()
    for seed in seeds:
        results.send(judge(seed, engine).as_dict())
    results.close()
    os._exit(0)  # engines' threads needn't end in order


def judged(tasks: dict[str, Sequence[int]], jobs: int) -> Iterator[Finding]:
    """What becomes of the programs of these seeds on each engine, in no order."""
    waiting: list[Any] = [
        (engine, list(seeds[i : i + BATCH])) for engine, seeds in tasks.items() for i in range(0, len(seeds), BATCH)
    ]
    working: list[_Worker] = []
    while waiting or working:
        while waiting and len(working) < jobs:
            working.append(_Worker(*waiting.pop(0)))
        ready = wait([worker.results for worker in working], timeout=1.0)
        for worker in list(working):
            found = worker.next_finding() if worker.results in ready else worker.stuck()
            if found is None and worker.results not in ready:
                continue
            if found is not None:
                yield found
            if worker.has_ended:
                worker.results.close()
                working.remove(worker)
                if worker.seeds:
                    waiting.insert(0, (worker.engine, worker.seeds))
