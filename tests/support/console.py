"""The commands that a page shows."""

from __future__ import annotations

import re
from pathlib import Path


def shown_commands(page: Path) -> list[tuple[str, list[str]]]:
    """The commands of a page's console blocks, each with the lines that it shows."""
    commands: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                commands.append((line.removeprefix("$ "), []))
            else:
                commands[-1][1].append(line)
    return commands


def assert_as_shown(command: str, output: str, lines: list[str]) -> None:
    """`…` in the lines of a page stands for anything."""
    pattern = "\n".join(re.escape(line).replace("…", ".*") for line in lines)
    assert re.fullmatch(pattern, output.strip(), re.DOTALL), f"{command}\n{output}"
