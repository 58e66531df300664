"""What mkdocs does with pages besides: the README is the home page, and links out of docs/ become their text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """The README as index.md, its links as seen from docs/. Pages that aren't in the menu yet join it."""
    text = (ROOT / "README.md").read_text()
    text = re.sub(r"(!?\[[^\]]*\]\()docs/", r"\1", text)
    files.append(File.generated(config, "index.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Sources, READMEs of folders and headers are no part of the site: what links to them is their name."""
    docs = Path(config["docs_dir"])
    place = ROOT / "docs" if page.file.src_uri == "index.md" else (docs / page.file.src_uri).parent

    def linked(found: re.Match[str]) -> str:
        target = (place / found[2]).resolve()
        is_inside = target.is_relative_to(docs) and target.is_file() and target.suffix in (".md", ".svg")
        return found[0] if is_inside else found[1]

    return _LINK.sub(linked, markdown)
