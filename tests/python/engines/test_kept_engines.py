"""Engine caches of a user's own, and engines in Python that keep what they compile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import tracejet
from tests.support.engine_cache import Net, assert_same, compiled_in, entries, is_hit
from tests.support.python_engines import registered


class Memory(tracejet.BaseEngineCache):
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def save(self, key: str, blob: bytes) -> None:
        self.kept[key] = blob

    def load(self, key: str) -> bytes | None:
        return self.kept.get(key)


def test_a_cache_of_ones_own_takes_the_place_of_the_folder(tmp_path: Path) -> None:
    memory = Memory()
    first = compiled_in(tmp_path, Net(), custom_engine_cache=memory)
    assert len(memory.kept) == 1 and not entries(tmp_path)
    second = compiled_in(tmp_path, Net(), custom_engine_cache=memory)
    assert is_hit(second)
    assert_same(second, first)
    assert second.settings.custom_engine_cache is memory
    assert second.settings == first.settings == tracejet.CompileSettings(**first.settings.as_dict())
    memory.kept = {key: blob[:100] for key, blob in memory.kept.items()}
    with pytest.warns(tracejet.BuildWarning, match="was damaged"):
        assert not is_hit(compiled_in(tmp_path, Net(), custom_engine_cache=memory))
    with pytest.raises(tracejet.InvalidInput, match="custom_engine_cache: expected a tracejet.BaseEngineCache"):
        compiled_in(tmp_path, Net(), custom_engine_cache={})


def test_a_cache_of_ones_own_that_fails_is_said_and_does_no_harm(tmp_path: Path) -> None:
    class Broken(Memory):
        def save(self, key: str, blob: bytes) -> None:
            raise OSError("no such bucket")

        def load(self, key: str) -> bytes | None:
            raise TimeoutError("nobody answers")

    with pytest.warns(tracejet.BuildWarning) as caught:
        compiled = compiled_in(tmp_path, Net(), custom_engine_cache=Broken())
    assert "nobody answers" in str(caught[0].message) and "no such bucket" in str(caught[1].message)
    x = torch.randn(3, 8)
    torch.testing.assert_close(compiled(x), Net()(x))

    class Stopped(Memory):
        def load(self, key: str) -> bytes | None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compiled_in(tmp_path, Net(), custom_engine_cache=Stopped())


class Keeping(tracejet.Engine):
    """Runs everything as PyTorch does, and keeps a word about it."""

    name = "keeping"
    fingerprint = "1"
    built = 0

    def runs_on(self, device: torch.device) -> bool:
        return device.type == "cpu"

    def find_unsupported(self, program: torch.fx.GraphModule) -> dict[Any, str]:
        return {}

    def compile(self, program: torch.fx.GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
        self.built += 1
        program.serialize = lambda: b"a word"
        return program

    def load(
        self, program: torch.fx.GraphModule, serialized: bytes, settings: tracejet.CompileSettings
    ) -> Callable[..., Any]:
        if serialized != b"a word":
            raise RuntimeError("an unknown word")
        return program


def test_an_engine_in_python_can_keep_what_it_compiled(tmp_path: Path) -> None:
    engine = Keeping()
    with registered(engine):
        first = compiled_in(tmp_path, Net(), engine="keeping")
        second = compiled_in(tmp_path, Net(), engine="keeping")
        assert engine.built == 1 and is_hit(second)
        assert_same(second, first)
        engine.fingerprint = "2"
        assert not is_hit(compiled_in(tmp_path, Net(), engine="keeping"))


def test_what_an_engine_cannot_load_is_compiled_again_and_said(tmp_path: Path) -> None:
    class Forgetful(Keeping):
        def load(self, *arguments: Any) -> Any:
            raise RuntimeError("an unknown word")

    engine = Forgetful()
    with registered(engine):
        compiled_in(tmp_path, Net(), engine="keeping")
        with pytest.warns(tracejet.BuildWarning, match="can't load from the engine cache: .*an unknown word"):
            compiled = compiled_in(tmp_path, Net(), engine="keeping")
    assert engine.built == 2 and not is_hit(compiled)


def test_an_engine_that_keeps_nothing_is_named(tmp_path: Path) -> None:
    class Nothing(Keeping):
        load = tracejet.Engine.load

    class Nameless(Keeping):
        fingerprint = ""

    for engine, said in ((Nothing(), "keeps nothing"), (Nameless(), "has no fingerprint")):
        with registered(engine), pytest.warns(tracejet.BuildWarning, match=f"keeping {said}"):
            compiled_in(tmp_path, Net(), engine="keeping")
    assert not entries(tmp_path)
    compiled_in(tmp_path, Net(), engine="aten")  # PyTorch's kernels need no building
    assert not entries(tmp_path)
