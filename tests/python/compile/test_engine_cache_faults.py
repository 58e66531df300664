"""Whatever happens to the engine cache, programs are right, and the user is told."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch

import tracejet
from tests.support.engine_cache import Net, assert_same, compiled_in, convolutions, entries, is_hit
from tests.support.full_disk import run_on_small_disk
from tests.support.interrupted_writer import kill_while_writing
from tests.support.several_processes import run_at_once


@pytest.mark.parametrize(
    "damage",
    {
        "a bit": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
        "a bit of the description": lambda data: data.replace(b'"nodes":', b'"nodez":'),
        "cut short": lambda data: data[: len(data) // 2],
        "empty": lambda data: b"",
        "something else": lambda data: b"\x80\x04cos\nsystem\n",
    }.items(),
    ids=lambda item: item[0],
)
def test_a_damaged_entry_is_built_again_and_said(damage: Any, tmp_path: Path) -> None:
    first = compiled_in(tmp_path, Net())
    (entry,) = entries(tmp_path)
    entry.write_bytes(damage[1](entry.read_bytes()))
    with pytest.warns(tracejet.BuildWarning, match="was damaged, so openvino did its work again"):
        second = compiled_in(tmp_path, Net())
    assert not is_hit(second)
    assert_same(second, first)
    assert is_hit(compiled_in(tmp_path, Net()))


def test_an_entry_under_the_key_of_another_is_not_used(tmp_path: Path) -> None:
    compiled_in(tmp_path, Net(0))
    (wrong,) = entries(tmp_path)
    expected = compiled_in(tmp_path, Net(1))
    (right,) = set(entries(tmp_path)) - {wrong}
    right.write_bytes(wrong.read_bytes())
    with pytest.warns(tracejet.BuildWarning, match="was damaged"):
        assert_same(compiled_in(tmp_path, Net(1)), expected)


@pytest.mark.parametrize("is_there_before", [False, True])
def test_a_process_that_is_killed_while_it_writes_does_no_harm(is_there_before: bool, tmp_path: Path) -> None:
    model, x = convolutions(), torch.randn(1, 512, 3, 3)
    if is_there_before:
        compiled_in(tmp_path, model, x)
    code = f"""
        import torch
        from tests.support.engine_cache import compiled_in, convolutions
        while True:
            compiled_in({str(tmp_path)!r}, convolutions(), torch.ones(1, 512, 3, 3), reuse_cached_engines=False)
        """
    kill_while_writing(code, tmp_path)
    assert len(list(tmp_path.glob("*.unfinished"))) == 1
    found = compiled_in(tmp_path, convolutions(), x)
    assert is_hit(found) or not is_there_before
    torch.testing.assert_close(found(x), model(x), rtol=1e-3, atol=1e-4)
    compiled_in(tmp_path, convolutions(), x, reuse_cached_engines=False)  # who writes next clears up
    assert not list(tmp_path.glob("*.unfinished")) and len(entries(tmp_path)) == 1
    again = compiled_in(tmp_path, convolutions(), x)
    assert is_hit(again)
    torch.testing.assert_close(again(x), model(x), rtol=1e-3, atol=1e-4)


def test_a_full_disk_costs_the_entry_alone(tmp_path: Path) -> None:
    full = run_on_small_disk(
        """
        import warnings
        import torch, tracejet
        from tests.support.engine_cache import Net, compiled_in, entries, is_hit
        from tests.support.full_disk import room_of
        first = compiled_in(folder, Net(0))
        (folder / "filler").write_bytes(bytes(room_of(folder)))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            compiled = compiled_in(folder, Net(1))
        x = torch.randn(3, 8)
        torch.testing.assert_close(compiled(x), Net(1)(x))
        assert not is_hit(compiled)
        assert len(entries(folder)) == 1 and not list(folder.glob("*.unfinished"))
        assert is_hit(compiled_in(folder, Net(0)))  # what was there before
        (folder / "filler").unlink()
        compiled_in(folder, Net(1))
        assert is_hit(compiled_in(folder, Net(1)))
        print([str(w.message) for w in caught if w.category is tracejet.BuildWarning])
        """,
        tmp_path,
        "1m",
    )
    assert full.returncode == 0, full.stderr
    assert "the engine cache didn't keep what openvino made: can't write" in full.stdout
    assert "No space left on device" in full.stdout


def test_a_folder_that_cannot_be_written_costs_time_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.warns(tracejet.BuildWarning, match="the engine cache"):
        compiled = compiled_in(tmp_path / "file" / "cache", Net())
    x = torch.randn(3, 8)
    torch.testing.assert_close(compiled(x), Net()(x))


def test_two_processes_at_once_both_get_the_right_program(tmp_path: Path) -> None:
    code = """
        from tests.support.engine_cache import Net, compiled_in
        for seed in [*range(4)] * 2:
            compiled = compiled_in(folder, Net(seed), engine_cache_size=200_000)
            x = torch.randn(3, 8)
            torch.testing.assert_close(compiled(x), Net(seed)(x))
        """
    run_at_once(code, tmp_path)
    assert not list(tmp_path.glob("*.unfinished"))
    for seed in range(4):
        x = torch.randn(3, 8)
        torch.testing.assert_close(compiled_in(tmp_path, Net(seed))(x), Net(seed)(x))


def test_two_processes_at_once_share_one_entry(tmp_path: Path) -> None:
    code = """
        from tests.support.engine_cache import Net, compiled_in, is_hit
        hits = 0
        for round in range(12):
            if is_first and round % 3 == 2:
                tracejet._C.clear_engine_cache(str(folder))
            compiled = compiled_in(folder, Net())
            hits += is_hit(compiled)
            x = torch.randn(3, 8)
            torch.testing.assert_close(compiled(x), Net()(x))
        print(hits)
        """
    hits = [int(output) for output in run_at_once(code, tmp_path)]
    assert all(0 < count < 12 for count in hits)
    assert len(entries(tmp_path)) == 1 and not list(tmp_path.glob("*.unfinished"))
    assert is_hit(compiled_in(tmp_path, Net()))


def test_beyond_its_size_what_was_used_longest_ago_goes(tmp_path: Path) -> None:
    compiled_in(tmp_path, Net(0))
    size = entries(tmp_path)[0].stat().st_size
    limit = {"engine_cache_size": int(2.5 * size)}
    time.sleep(0.02)
    compiled_in(tmp_path, Net(1), **limit)
    time.sleep(0.02)
    assert is_hit(compiled_in(tmp_path, Net(0), **limit))  # used: now 1 is the oldest
    time.sleep(0.02)
    compiled_in(tmp_path, Net(2), **limit)
    assert len(entries(tmp_path)) == 2
    assert is_hit(compiled_in(tmp_path, Net(0), **limit))
    assert not is_hit(compiled_in(tmp_path, Net(1), cache_built_engines=False))
    with pytest.warns(tracejet.BuildWarning, match="engine_cache_size is 100"):
        compiled_in(tmp_path, Net(3), engine_cache_size=100)
    assert len(entries(tmp_path)) == 2
