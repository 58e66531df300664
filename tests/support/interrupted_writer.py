"""A process that is killed while it writes: it is stopped as soon as its unfinished file grows, then killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path


def kill_while_writing(code: str, folder: Path, ending: str = ".unfinished", seconds: float = 120) -> int:
    """Runs Python code that writes files in `folder` again and again, and kills it with one half written.

    Gives how much was there of it.
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert process.poll() is None, "it ended by itself"
            if not _sizes(folder, ending):
                continue
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            if sizes := _sizes(folder, ending):
                return sizes[0]
            process.send_signal(signal.SIGCONT)  # it was just done
        raise AssertionError("it never wrote")
    finally:
        process.kill()
        process.wait()


def _sizes(folder: Path, ending: str) -> list[int]:
    """Of the files that something is written to already."""
    found = []
    for file in os.scandir(folder):
        if file.name.endswith(ending):
            try:
                found.append(file.stat().st_size)
            except FileNotFoundError:
                continue  # it was renamed meanwhile
    return [size for size in found if size > 0]
