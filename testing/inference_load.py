"""Requests of the Open Inference Protocol, many at once, with every answer held against what is expected.

A request that fails because a server went away (no connection, or a status of 500 and more) is sent again: inference
has no side effects. What a server says no to isn't.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
import numpy as np
import orjson
import torch
from kserve import InferInput, InferRequest
from kserve.constants.constants import INFERENCE_CONTENT_LENGTH_HEADER

TRIES = 60
_PAUSE = 0.5


@dataclass(frozen=True)
class Question:
    """The body of a request, and its first output as it should be."""

    body: bytes
    json_length: int
    expected: np.ndarray

    @classmethod
    def of(cls, model: str, tensors: Mapping[str, torch.Tensor], expected: torch.Tensor) -> Question:
        given = []
        for name, tensor in tensors.items():
            array = tensor.numpy()
            entry = InferInput(name, list(array.shape), _DATATYPES[array.dtype.name])
            entry.set_data_from_numpy(array)
            given.append(entry)
        body, length = InferRequest(model, given, parameters={"binary_data_output": True}).to_rest()
        assert isinstance(body, bytes) and length is not None
        return cls(body, length, expected.numpy())


_DATATYPES = {"int64": "INT64", "float32": "FP32"}


@dataclass
class Load:
    """What became of the requests."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)  #: seconds of each that was answered, all tries of it
    tried_again: int = 0  #: how often one was sent again
    lost: list[str] = field(default_factory=list)  #: the last error of those that were never answered
    wrong: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """Milliseconds."""
        return float(np.percentile(self.latencies, percent)) * 1000


def send(
    url: str,
    questions: Sequence[Question],
    count: int,
    *,
    at_once: int,
    tolerance: float = 1e-4,
    on_answer: Callable[[int], None] = lambda answered: None,
) -> Load:
    """Sends `count` of the questions, drawn at random, `at_once` of them at any time.

    Args:
        url: ".../v2/models/NAME/infer".
        tolerance: the largest difference from what is expected that is right.
        on_answer: is told how many are answered, after each.
    """
    return asyncio.run(_send(url, questions, count, at_once, tolerance, on_answer))


async def _send(
    url: str,
    questions: Sequence[Question],
    count: int,
    at_once: int,
    tolerance: float,
    on_answer: Callable[[int], None],
) -> Load:
    load, choose, left = Load(), random.Random(0), iter(range(count))
    connections = aiohttp.TCPConnector(limit=at_once)

    async with aiohttp.ClientSession(connector=connections, timeout=aiohttp.ClientTimeout(total=300)) as session:

        async def ask_on() -> None:
            for _ in left:
                question = choose.choice(questions)
                start = time.perf_counter()
                got = await _ask(session, url, question, load)
                if isinstance(got, str):
                    load.lost.append(got)
                    continue
                load.latencies.append(time.perf_counter() - start)
                if problem := _problem(got, question.expected, tolerance):
                    load.wrong.append(problem)
                on_answer(len(load.latencies))

        start = time.perf_counter()
        await asyncio.gather(*[ask_on() for _ in range(at_once)])
        load.seconds = time.perf_counter() - start
    return load


async def _ask(session: aiohttp.ClientSession, url: str, question: Question, load: Load) -> np.ndarray | str:
    """The first output, or why there is none."""
    headers = {
        INFERENCE_CONTENT_LENGTH_HEADER: str(question.json_length),
        "Content-Type": "application/octet-stream",
    }
    problem = ""
    for attempt in range(TRIES):
        if attempt:
            load.tried_again += 1
            await asyncio.sleep(_PAUSE)
        try:
            async with session.post(url, data=question.body, headers=headers) as response:
                content = await response.read()
                if response.status == 200:
                    return _first_output(content, int(response.headers[INFERENCE_CONTENT_LENGTH_HEADER]))
                problem = f"{response.status}: {content[:200]!r}"
                if response.status < 500:
                    return problem
        except (aiohttp.ClientError, TimeoutError) as error:
            problem = f"{type(error).__name__}: {error}"
    return problem


def _first_output(content: bytes, json_length: int) -> np.ndarray:
    """The first output is float32, in bytes. KServe's own reader makes a list of it first, which would be a good part
    of what the machine does."""
    shape = orjson.loads(content[:json_length])["outputs"][0]["shape"]
    return np.frombuffer(content, np.float32, math.prod(shape), json_length).reshape(shape)


def _problem(got: np.ndarray, expected: np.ndarray, tolerance: float) -> str:
    if got.shape != expected.shape:
        return f"expected the shape {expected.shape}, got {got.shape}"
    error = float(np.abs(got - expected).max())
    return "" if error <= tolerance else f"differs by {error:.3g}"
