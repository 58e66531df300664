"""Which requests wait, and which of them are the next call.

A call starts as soon as a thread is free for it, with what waits at that moment: nothing waits for company while a
thread idles, and under load batches grow by themselves. Ray's own `serve.batch` closes a batch before a thread is free
for it, after a fixed time, and knows nothing of requests that can't share a call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch

from tracejet.serve.program import ServedProgram
from tracejet.serve.rows import Request

Answer = list[torch.Tensor] | Exception


@dataclass(frozen=True)
class Call:
    """A call that has ended."""

    requests: int
    rows: int
    seconds: float
    waited: float  #: how long the request that came first has waited


@dataclass
class _Waiting:
    request: Request
    answer: asyncio.Future[list[torch.Tensor]]
    since: float


class Batcher:
    """Answers requests from one event loop, by calls on threads of its own."""

    def __init__(
        self,
        program: ServedProgram,
        *,
        concurrency: int = 1,
        wait_s: float = 0.0,
        on_call: Callable[[Call], None] = lambda call: None,
    ):
        """
        Args:
            program: what answers.
            concurrency: how many calls run at once.
            wait_s: how long a request waits for others while a thread is free and the call isn't full.
            on_call: is told of each call, on the event loop.
        """
        self._program = program
        self._wait_s = wait_s
        self._on_call = on_call
        self._waiting: list[_Waiting] = []
        self._free = concurrency
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="tracejet-call")
        self._timer: asyncio.TimerHandle | None = None

    async def answer(self, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The outputs for the inputs of one request. Raises what the program raises."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(self._program.rows.request(tensors), loop.create_future(), time.monotonic())
        self._waiting.append(waiting)
        self._start_calls()
        return await waiting.answer

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start_calls(self) -> None:
        self._waiting = [waiting for waiting in self._waiting if not waiting.answer.done()]  # clients go away
        while self._free and self._waiting:
            chosen = self._program.rows.chosen([waiting.request for waiting in self._waiting])
            taken = [self._waiting[i] for i in chosen]
            if self._is_worth_waiting(taken):
                return
            kept = set(chosen)
            self._waiting = [waiting for i, waiting in enumerate(self._waiting) if i not in kept]
            self._free -= 1
            self._start_call(taken)

    def _is_worth_waiting(self, taken: Sequence[_Waiting]) -> bool:
        left = taken[0].since + self._wait_s - time.monotonic()
        if left <= 0 or sum(waiting.request.rows for waiting in taken) >= self._program.rows.max_rows:
            return False
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(left, self._on_timer)
        return True

    def _on_timer(self) -> None:
        self._timer = None
        self._start_calls()

    def _start_call(self, taken: list[_Waiting]) -> None:
        start = time.monotonic()
        loop = asyncio.get_running_loop()
        future = self._pool.submit(self._program.answers, [waiting.request for waiting in taken])

        def on_thread(done: Future[list[Answer]]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._on_answers, taken, start, done)

        future.add_done_callback(on_thread)

    def _on_answers(self, taken: list[_Waiting], start: float, done: Future[list[Answer]]) -> None:
        self._free += 1
        if done.cancelled():
            for waiting in taken:
                waiting.answer.cancel()
            return
        for waiting, answer in zip(taken, done.result(), strict=True):
            if waiting.answer.done():
                continue
            if isinstance(answer, Exception):
                waiting.answer.set_exception(answer)
            else:
                waiting.answer.set_result(answer)
        rows = sum(waiting.request.rows for waiting in taken)
        self._on_call(Call(len(taken), rows, time.monotonic() - start, start - taken[0].since))
        self._start_calls()
