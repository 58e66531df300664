"""Whatever happens to the engine cache, programs are right, and the user is told."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import tracejet
from tests.support.engine_cache import Net, assert_same, compiled_in, entries, is_hit, run_python


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


def test_a_process_that_is_killed_while_it_writes_leaves_no_entry(tmp_path: Path) -> None:
    killed = run_python(
        """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # the kernel kills it at byte 1000 of a file
        compiled_in(folder, Net())
        """,
        tmp_path,
    )
    assert killed.returncode == -signal.SIGXFSZ
    assert not entries(tmp_path)
    left = list(tmp_path.glob("*.unfinished"))
    assert [file.stat().st_size for file in left] == [1000]
    compiled = compiled_in(tmp_path, Net())
    assert not is_hit(compiled) and len(entries(tmp_path)) == 1 and not list(tmp_path.glob("*.unfinished"))
    assert_same(compiled_in(tmp_path, Net()), compiled)


def test_a_full_disk_costs_the_entry_alone(tmp_path: Path) -> None:
    full = run_python(
        """
        import resource, warnings
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            compiled = compiled_in(folder, Net())
        x = torch.randn(3, 8)
        torch.testing.assert_close(compiled(x), Net()(x))
        print([str(w.message) for w in caught if w.category is tracejet.BuildWarning])
        """,
        tmp_path,
    )
    assert full.returncode == 0, full.stderr
    assert "the engine cache didn't keep what openvino made: can't write" in full.stdout
    assert not entries(tmp_path) and not list(tmp_path.glob("*.unfinished"))


def test_a_folder_that_cannot_be_written_costs_time_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.warns(tracejet.BuildWarning, match="the engine cache"):
        compiled = compiled_in(tmp_path / "file" / "cache", Net())
    x = torch.randn(3, 8)
    torch.testing.assert_close(compiled(x), Net()(x))


def test_two_processes_at_once_both_get_the_right_program(tmp_path: Path) -> None:
    code = """
        for seed in [*range(4)] * 2:
            compiled = compiled_in(folder, Net(seed), engine_cache_size=200_000)
            x = torch.randn(3, 8)
            torch.testing.assert_close(compiled(x), Net(seed)(x))
        """
    text = textwrap.dedent(
        f"""
        import torch
        from tests.support.engine_cache import *
        import warnings; warnings.simplefilter("error", tracejet.BuildWarning)
        folder = Path({str(tmp_path)!r})
        """
    ) + textwrap.dedent(code)
    running = [subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in running:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    assert not list(tmp_path.glob("*.unfinished"))
    for seed in range(4):
        x = torch.randn(3, 8)
        torch.testing.assert_close(compiled_in(tmp_path, Net(seed))(x), Net(seed)(x))


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
