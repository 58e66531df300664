"""What `make` does: each command asks for no more than it needs, and the package is there for everybody afterwards."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def steps_of(target, tmp_path):
    """The commands that `make target` would run in a folder where nothing is built."""
    make = ["make", "-n", target, f"BUILD={tmp_path / 'build'}"]
    return subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="make isn't installed")
def test_only_the_tests_are_built_with_the_tests(tmp_path):
    assert "TRACEJET_TESTS=ON" in steps_of("test", tmp_path)
    for target in ("demo", "bench", "docs"):
        steps = steps_of(target, tmp_path)
        assert "TRACEJET_TESTS" not in steps and "--target _C" in steps, target


def test_tracejet_can_be_imported_from_any_folder(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", "import tracejet; print(tracejet.__file__)"]
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert found.returncode == 0, f"run `make venv`:\n{found.stderr}"
    assert Path(found.stdout.strip()).samefile(ROOT / "python/tracejet/__init__.py")
