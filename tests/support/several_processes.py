"""The same code in several processes that begin together."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

_HEAD = """
import os, sys, time, warnings
from pathlib import Path
import torch, tracejet
warnings.simplefilter("error", tracejet.BuildWarning)
folder = Path({folder!r})
is_first = {is_first}
print("ready", flush=True)
sys.stdin.readline()
"""


def run_at_once(code: str, folder: Path, count: int = 2) -> list[str]:
    """What each of them prints. They know `folder`, and `is_first` in one of them. A failure in one is one here."""
    body = textwrap.dedent(code)
    texts = [_HEAD.format(folder=str(folder), is_first=index == 0) + body for index in range(count)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = [subprocess.Popen([sys.executable, "-c", text], **pipes) for text in texts]
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = []
    for process in running:
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        outputs.append(output)
    return outputs
