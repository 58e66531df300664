"""A disk that is really full: a small tmpfs of a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

# Root mounts in a namespace of its own, others in one where they are root.
_MOUNT = ["unshare", "--mount", "--map-root-user"]


def run_on_small_disk(code: str, folder: Path, size: str) -> subprocess.CompletedProcess[str]:
    """Runs Python where `folder`, known to it by this name, is a disk that holds `size` ("300k")."""
    head = f"from pathlib import Path\nfolder = Path({str(folder)!r})\n"
    mount = f"mount -t tmpfs -o size={size} tmpfs '{folder}'"
    command = [*_MOUNT, "sh", "-c", f'{mount} && exec "$0" -c "$1"', sys.executable, head + textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def room_of(folder: Path) -> int:
    """How many bytes are free."""
    about = os.statvfs(folder)
    return about.f_bavail * about.f_bsize
