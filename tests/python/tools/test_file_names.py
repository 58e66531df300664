"""Files that comments, the READMEs of src and CONTRIBUTING name are there."""

from __future__ import annotations

import functools
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TREES = ("src", "include", "python", "testing", "tests", "tools", "bench", "docs", "examples")
SOURCES = (".h", ".cpp", ".py")
FILES = sorted(
    str(path.relative_to(ROOT)) for tree in TREES for path in (ROOT / tree).rglob("*") if path.suffix in SOURCES
)
PAGES = ["CONTRIBUTING.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.md"))]
#: A name, with or without folders: `ir/graph.h`, `report.cpp`.
NAME = re.compile(r"(?<![\w./*-])(?:[\w.-]+/)*\w+\.(?:h|cpp|py)\b(?!\.\w|/)")
#: Not the project's own. `test_cited_sources.py` looks for those that operators cite.
OF_OTHERS = ("aten/src/ATen/", "torch/", "torchao/", "py/torch_tensorrt/", "generated_serialization_types.h")


def lines_of(file: str) -> Iterator[tuple[int, str]]:
    """A page's lines, or a source's comments."""
    with (ROOT / file).open() as text:
        if file.endswith(".py"):
            tokens = tokenize.generate_tokens(text.readline)
            yield from ((token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT)
        elif file.endswith(".md"):
            yield from enumerate(text, start=1)
        else:
            yield from ((number, line.partition("//")[2]) for number, line in enumerate(text, start=1))


@functools.cache
def places_of(name: str) -> list[str]:
    return [file for file in FILES if f"/{file}".endswith(f"/{name}")]


def is_there(name: str, file: str) -> bool:
    """A README's name is of its own folder or family, of a test, or what `src` or the public headers call so."""
    if name.startswith("../"):
        return (ROOT / Path(file).parent / name).exists()
    places = places_of(name)
    if not file.startswith("src/") or not file.endswith(".md"):
        return bool(places)
    family = Path(file).parent if len(Path(file).parts) <= 3 else Path(file).parents[1]
    whole = {name, f"src/{name}", f"src/lowering/{name}", f"include/{name}", f"include/tracejet/{name}"}
    return any(known in whole or known.startswith((f"{family}/", "tests/")) for known in places)


@pytest.mark.parametrize("tree", ["pages", *TREES])
def test_files_that_are_named_are_there(tree: str) -> None:
    missing = {
        f"{file}: {name}": line
        for file in (PAGES if tree == "pages" else FILES)
        if tree == "pages" or file.startswith(f"{tree}/")
        for line, text in lines_of(file)
        for name in NAME.findall(text)
        if not name.startswith(OF_OTHERS) and not is_there(name, file)
    }
    assert missing == {}
