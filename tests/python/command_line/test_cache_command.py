"""`tracejet cache`, the default folder, and wrong settings."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import tracejet
from tests.support.engine_cache import Net, compiled_in, entries, run_python
from tracejet.command_line.main import main


def cache_command(name: str, folder: Path, *options: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["cache", name, "--dir", str(folder), "--json", *options])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_command_lists_and_clears(tmp_path: Path) -> None:
    assert cache_command("ls", tmp_path / "nothing") == {
        "folder": str(tmp_path / "nothing"),
        "entries": [],
        "bytes": 0,
    }
    compiled_in(tmp_path, Net(0))
    time.sleep(0.02)
    compiled_in(tmp_path, Net(1))
    (tmp_path / "mine.txt").write_text("not of the cache")
    damaged = tmp_path / ("0" * 32 + ".engine")
    damaged.write_text("no entry")
    os.utime(damaged, (1, 1))
    listed = cache_command("ls", tmp_path)["entries"]
    assert [entry["engine"] for entry in listed] == ["openvino", "openvino", ""]
    assert listed[0]["nodes"] > 0 and listed[0]["version"] == tracejet.__version__
    assert listed[0]["fingerprint"] == tracejet.engines()["openvino"]
    text = CliRunner().invoke(main, ["cache", "ls", "--dir", str(tmp_path)]).stdout
    assert "openvino" in text and "damaged" in text and "3 entries" in text
    assert len(cache_command("clear", tmp_path)["entries"]) == 3
    assert not entries(tmp_path) and (tmp_path / "mine.txt").exists()
    assert "nothing" in CliRunner().invoke(main, ["cache", "clear", "--dir", str(tmp_path)]).stdout


def test_the_default_folder_is_the_users(tmp_path: Path) -> None:
    code = """
        from tracejet import _C
        tracejet.compile(Net(), arg_inputs=[batch(8)], cache_built_engines=True)
        assert _C.default_engine_cache_dir() == str(folder / "tracejet/engines"), _C.default_engine_cache_dir()
        assert len(_C.cached_engines()) == 1
        assert oct((folder / "tracejet/engines").stat().st_mode)[-3:] == "700"
        """
    run = run_python(code, tmp_path, XDG_CACHE_HOME=str(tmp_path))
    assert run.returncode == 0, run.stderr


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(tracejet.InvalidInput, match="engine_cache_size is -1"):
        tracejet.CompileSettings(engine_cache_size=-1)
    with pytest.raises(tracejet.InvalidInput, match="engine_cache_size: expected a smaller number"):
        tracejet.CompileSettings(engine_cache_size=2**70)
    with pytest.raises(tracejet.InvalidInput, match="cache_built_engines: expected True or False"):
        tracejet.CompileSettings(cache_built_engines=1)
