"""When calls start, and with which requests."""

import asyncio
import threading
import time

import pytest
import torch

from tests.support.served import Scores, saved, scores_inputs
from tracejet.serve.batcher import Batcher
from tracejet.serve.program import ServedProgram


class Gate:
    """A program's function that waits until it is let through."""

    def __init__(self):
        self.open = threading.Event()
        self.rows = []

    def __call__(self, path):
        def run(x, ids):
            self.rows.append(len(x))
            assert self.open.wait(30)
            scores = x[:, :3] + ids[:, None]
            return {"scores": scores, "is_high": scores > 0.5}

        return run


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def program(tmp_path, gate):
    return ServedProgram(saved(Scores(), scores_inputs(), tmp_path), function=gate)


def inputs(value, rows=1):
    return [torch.full((rows, 4), float(value)), torch.zeros(rows, dtype=torch.int64)]


async def started(gate, count):
    while len(gate.rows) < count:
        await asyncio.sleep(0.001)


def test_a_call_takes_what_waits_when_a_thread_is_free(program, gate):
    async def scenario():
        calls = []
        batcher = Batcher(program, on_call=calls.append)
        tasks = [asyncio.create_task(batcher.answer(inputs(0)))]
        await started(gate, 1)  # nothing waits for company
        tasks += [asyncio.create_task(batcher.answer(inputs(i))) for i in range(1, 6)]
        await asyncio.sleep(0.01)
        assert gate.rows == [1]
        gate.open.set()
        answers = await asyncio.gather(*tasks)
        assert gate.rows == [1, 5]
        assert [answer[0][0, 0].item() for answer in answers] == [0, 1, 2, 3, 4, 5]
        assert [(call.requests, call.rows) for call in calls] == [(1, 1), (5, 5)]

    asyncio.run(scenario())


def test_as_many_calls_as_asked_run_at_once(program, gate):
    async def scenario():
        batcher = Batcher(program, concurrency=2)
        tasks = [asyncio.create_task(batcher.answer(inputs(0))) for _ in range(2)]
        await started(gate, 2)
        gate.open.set()
        await asyncio.gather(*tasks)

    asyncio.run(scenario())


def test_a_request_waits_for_others_only_where_that_is_asked_for(program, gate):
    gate.open.set()

    async def scenario():
        batcher = Batcher(program, wait_s=0.2)
        start = time.monotonic()
        await asyncio.gather(batcher.answer(inputs(0)), batcher.answer(inputs(1)))
        assert time.monotonic() - start >= 0.19
        assert gate.rows == [2]
        start = time.monotonic()
        await asyncio.gather(*[batcher.answer(inputs(0, rows=4)) for _ in range(2)])
        assert gate.rows == [2, 8]  # a full call starts at once
        assert time.monotonic() - start < 0.19

    asyncio.run(scenario())


def test_clients_that_go_away_are_not_computed(program, gate):
    async def scenario():
        batcher = Batcher(program)
        first = asyncio.create_task(batcher.answer(inputs(0)))
        await started(gate, 1)
        gone, stays = [asyncio.create_task(batcher.answer(inputs(i))) for i in (1, 2)]
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0.01)
        gate.open.set()
        await first
        assert (await stays)[0][0, 0].item() == 2
        assert gate.rows == [1, 1]

    asyncio.run(scenario())
