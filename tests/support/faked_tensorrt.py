"""The engine "tensorrt" over the fake of its bindings, for programs on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch

import tracejet
from tests.support import fake_tensorrt
from tests.support.lambda_module import batch
from tracejet import _C
from tracejet.engines.tensorrt import streams
from tracejet.engines.tensorrt.engine import TensorRT
from tracejet.engines.tensorrt.library import Library


class FakeStream:
    """A stream on which everything is done at once."""

    handle = 7
    waited: list[Any] = []  # noqa: RUF012  (of all of them)

    def __init__(self, device: torch.device):
        pass

    def mark(self) -> str:
        return "done"

    def wait_for(self, event: str) -> None:
        self.waited.append(event)


@contextmanager
def fake_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """The engine, over the fake, for programs on the CPU."""
    library = Library(fake_tensorrt, "TensorRT-RTX")
    monkeypatch.setattr(streams, "Stream", FakeStream)
    monkeypatch.setattr(streams, "on_device", lambda device: nullcontext())
    monkeypatch.setattr(TensorRT, "runs_on", lambda self, device: device.type == "cpu")
    for seen in (fake_tensorrt.configs, fake_tensorrt.sessions, FakeStream.waited):
        seen.clear()
    for refused in (fake_tensorrt.unknown, fake_tensorrt.unparsed, fake_tensorrt.unbuilt):
        refused.clear()
    is_there = "tensorrt" in tracejet.engines()
    if is_there:
        tracejet.unregister_engine("tensorrt")
    _C.register_onnx_engine(TensorRT(lambda: library))
    try:
        yield library
    finally:
        tracejet.unregister_engine("tensorrt")
        if is_there:
            from tracejet.api.profiles import profile_of_this_call
            from tracejet.engines.tensorrt import register

            register(profile_of_this_call)


IMAGE = batch(3, 8, 8)
