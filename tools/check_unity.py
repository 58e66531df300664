"""Sources that CMake compiles as one share what they have in unnamed namespaces: no two of them may have the same name.

    python tools/check_unity.py

Of two variables or classes the compiler would say so, once a new source has moved them into one batch. Of two functions
it may not: they overload each other, and a call may mean the other file's. Names are held against each other within a
namespace, among the sources of a target that are near enough to be compiled together, now or after some more sources.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: The targets of `tracejet_unity` in CMake, each by its folder and what of it belongs to another one.
TARGETS: dict[str, str | None] = {
    "src": "src/bindings",
    "src/bindings": None,
    "tests/cpp": None,
    "tools/tracejet": None,
}
#: A batch has ten sources. Names are unique in twice as many.
NEAR = 20


@dataclass(frozen=True)
class Name:
    """A function, variable or class that only its own source is meant to see."""

    namespace: str
    text: str
    file: str
    line: int


def main(root: Path) -> int:
    breaches = list(check_unity(root))
    for breach in breaches:
        print(breach, file=sys.stderr)
    return 1 if breaches else 0


def check_unity(root: Path, near: int = NEAR) -> Iterator[str]:
    for folder, other in TARGETS.items():
        files = sorted(str(path.relative_to(root)) for path in (root / folder).rglob("*.cpp"))
        files = [file for file in files if other is None or not file.startswith(f"{other}/")]
        last: dict[tuple[str, str], tuple[int, Name]] = {}
        for position, file in enumerate(files):
            for name in unnamed(file, (root / file).read_text()):
                key = name.namespace, name.text
                before, first = last.get(key, (position, name))
                last[key] = position, name
                if 0 < position - before < near:
                    yield (
                        f"{file}:{name.line}: {name.text} is a name in the unnamed namespace of "
                        f"{first.file}:{first.line}, too, which may be compiled together with it: rename one, or share "
                        "it by a header"
                    )


def unnamed(file: str, text: str) -> Iterator[Name]:
    """What stands in unnamed namespaces of a source, or is static."""
    for namespaces, head, line in _declarations(_without_words(text)):
        name = _name_of(head)
        if name is not None and ("" in namespaces or re.match(r"\s*static\b", head)):
            yield Name("::".join(part for part in namespaces if part), name, file, line)


# ---- as much of C++ as that takes ----------------------------------------------------------------------------------

_WORDS = re.compile(
    r'R"(?P<end>\w*)\((?:.|\n)*?\)(?P=end)"'  # a raw string
    r"|//[^\n]*|/\*(?:.|\n)*?\*/"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<!\w)'(?:\\.|[^'\\\n])+'"
    r"|^[ \t]*#(?:\\\n|[^\n])*",
    re.MULTILINE,
)
_NAMESPACE = re.compile(r"\bnamespace\s*([\w:]*)\s*$")
_CLASS = re.compile(r"(?:class|struct|union|enum(?:\s+class)?)\s+(\w+)[^;=(]*$")
_FUNCTION = re.compile(r"(?<![\w:])(\w+)\s*$")
_VARIABLE = re.compile(r"\s([^\W\d]\w*)\s*(?:\[[^\]]*\]\s*)*$")
#: What begins like a declaration and makes no name, or one that may stand twice.
_OTHER = re.compile(r"(?:using|typedef|friend|extern|namespace|static_assert|TEST|INSTANTIATE_|TORCH_)")


def _without_words(text: str) -> str:
    """The code alone: no comments, strings and lines of the preprocessor. Lines stay where they are."""
    return _WORDS.sub(lambda found: re.sub(r"[^\n]", "", found[0]), text)


def _declarations(code: str) -> Iterator[tuple[tuple[str, ...], str, int]]:
    """What stands outside of functions and classes: in which namespaces, its text up to the body, its line."""
    namespaces: list[str] = []
    start = at = 0
    while at < len(code):
        sign, head = code[at], code[start:at]
        if sign == "{" and (found := _NAMESPACE.search(head)):
            namespaces.append(found[1])
        elif sign == "{":
            yield tuple(namespaces), head, _line_of(code, start)
            at = _end_of_body(code, at)
            rest = re.compile(r"\s*;").match(code, at + 1)
            at = rest.end() - 1 if rest else at
        elif sign == "}":
            namespaces = namespaces[:-1]
        elif sign == ";":
            yield tuple(namespaces), head, _line_of(code, start)
        else:
            at += 1
            continue
        at += 1
        start = at


def _line_of(code: str, start: int) -> int:
    blank = len(code[start:]) - len(code[start:].lstrip())
    return code.count("\n", 0, start + blank) + 1


def _end_of_body(code: str, at: int) -> int:
    depth = 0
    for position in range(at, len(code)):
        depth += (code[position] == "{") - (code[position] == "}")
        if depth == 0:
            return position
    return len(code) - 1


def _name_of(head: str) -> str | None:
    head = re.sub(r"\[\[.*?\]\]", "", head).strip()
    while head.startswith("template"):
        head = _behind_brackets(head)
    head = re.sub(r"^requires\s*\(.*?\)\s*", "", head)
    if _OTHER.match(head):
        return None
    if found := _CLASS.match(head):
        return found[1]
    depth = 0
    for position, sign in enumerate(head):
        depth += (sign == "<") - (sign == ">")
        if sign == "(" and depth <= 0:
            found = _FUNCTION.search(head[:position])
            return None if found is None or found[1] in ("requires", "decltype") else found[1]
        if sign == "=":
            head = head[:position]
            break
    found = _VARIABLE.search(head)
    return None if found is None else found[1]


def _behind_brackets(head: str) -> str:
    """What follows `template <…>`."""
    depth = 0
    for position, sign in enumerate(head):
        depth += (sign == "<") - (sign == ">")
        if sign == ">" and depth == 0:
            return head[position + 1 :].strip()
    return ""


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
