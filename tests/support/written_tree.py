"""A tree of a few files, as the checks of a source tree take one."""

from __future__ import annotations

from pathlib import Path


class Tree:
    def __init__(self, root: Path):
        self.root = root

    def write(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
