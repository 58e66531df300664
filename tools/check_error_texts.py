"""What kind an error is, its type and attributes tell: nobody looks for words in its text, but `READS_ERROR_TEXTS`.

    python tools/check_error_texts.py

Breaches are printed as `file:line: what, and what is allowed`; the exit status says whether there are any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

#: Who looks for words in the text of an error, and whose words they are.
READS_ERROR_TEXTS: dict[str, str] = {
    "src/capture/refusal.cpp": "PyTorch's, whose errors in C++ are of one type",
    "src/base/error.h": "where the stacks begin that Python and PyTorch add",
    "python/tracejet/frontend/error_texts.py": "PyTorch's and numpy's on symbolic numbers",
}


def check_error_texts(root: Path, known: Mapping[str, str] = READS_ERROR_TEXTS) -> list[str]:
    """Where the core, tracejet-cpp or the package look for words in the text of an error."""
    paths = (path for tree in ("src", "include", "tools/tracejet") for path in sorted((root / tree).rglob("*")))
    files = [path for path in paths if path.suffix in (".h", ".cpp")]
    lines = {str(path.relative_to(root)): list(_cpp_text_reads(path.read_text())) for path in files}
    for path in sorted((root / "python").rglob("*.py")):
        lines[str(path.relative_to(root))] = list(_python_text_reads(ast.parse(path.read_text(), str(path))))
    return [
        *(
            f"{file}:{line}: looks for words in the text of an error, which only READS_ERROR_TEXTS in "
            "tools/check_error_texts.py may: ask for its type, its attributes or its frames, or check before the call"
            for file, found in lines.items()
            if file not in known
            for line in found
        ),
        *(
            f"tools/check_error_texts.py:1: there is no {file}: it can leave READS_ERROR_TEXTS"
            for file in known
            if file not in lines
        ),
    ]


_ERROR_TEXT = r"\b(?:what|what_without_backtrace|msg)\(\)"
_KEEPS_ERROR_TEXT = re.compile(rf"\b(?:string|string_view|auto)&?\s+(\w+)\s*[=({{][^;]*{_ERROR_TEXT}")


def _cpp_text_reads(text: str) -> Iterator[int]:
    """By line: a search for words in what an error says, or in a variable of the same function that holds it."""
    code = [line.partition("//")[0] for line in text.splitlines()]
    begin = 0
    for end in [*(number for number, line in enumerate(code) if line.startswith("}")), len(code)]:
        function = "\n".join(code[begin:end])
        kept = "|".join([rf"\b{name}\b" for name in set(_KEEPS_ERROR_TEXT.findall(function))])
        said = rf"(?:{kept}|{_ERROR_TEXT}\)?)" if kept else rf"{_ERROR_TEXT}\)?"
        search = re.compile(  # its first line is no word
            rf"{said}\s*\.\s*(?:r?find|contains|starts_with|ends_with|compare)\((?!'\\n')"
            rf"|\bregex_\w+\([^;]*?{said}"
        )
        for found in search.finditer(function):
            yield begin + 1 + function.count("\n", 0, found.start())
        begin = end


_SEARCHES = ("search", "match", "fullmatch", "findall", "finditer")
_ASKS = ("startswith", "endswith", "find", "rfind", "index", "count")


def _python_text_reads(module: ast.Module) -> Iterator[int]:
    """By line: a search for words in what an error says, or in a variable of the same function that holds it."""
    for scope in ast.walk(module):
        if not isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        errors = _errors_in(scope)
        texts = {
            target.id
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and _is_error_text(node.value, errors, ())
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(scope):
            if any(_is_error_text(text, errors, texts) for text in _searched(node)):
                yield node.lineno  # type: ignore[attr-defined]


def _errors_in(scope: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names of what a function catches, or is given as an error."""
    caught = {node.name for node in ast.walk(scope) if isinstance(node, ast.ExceptHandler) and node.name is not None}
    given = [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]
    declared = (name for name in given if name.annotation is not None)
    return caught | {name.arg for name in declared if re.search("Error|Exception", ast.unparse(name.annotation))}  # type: ignore[arg-type]


def _is_error_text(node: ast.expr, errors: Iterable[str], texts: Iterable[str]) -> bool:
    """`str(error)`, `repr(error)`, `error.args[0]`, `error.message`, a variable that holds one, parts of these."""
    if isinstance(node, ast.Name):
        return node.id in texts
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("str", "repr"):
        return len(node.args) == 1 and isinstance(node.args[0], ast.Name) and node.args[0].id in errors
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in errors:
        return node.attr in ("args", "message", "msg")
    if isinstance(node, ast.JoinedStr):
        parts = (part.value for part in node.values if isinstance(part, ast.FormattedValue))
        return any(isinstance(part, ast.Name) and part.id in errors for part in parts)
    if isinstance(node, ast.Subscript):
        return _is_error_text(node.value, errors, texts)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _is_error_text(node.func.value, errors, texts)  # .lower(), .splitlines()
    return False


def _searched(node: ast.AST) -> list[ast.expr]:
    """Which texts are searched here, if any is."""
    if isinstance(node, ast.Compare):
        searches = any(isinstance(operation, (ast.In, ast.NotIn)) for operation in node.ops)
        return node.comparators if searches else []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in _SEARCHES:
            return node.args
        if node.func.attr in _ASKS:
            return [node.func.value]
    return []


if __name__ == "__main__":
    found = check_error_texts(Path(__file__).resolve().parents[1])
    for breach in found:
        print(breach, file=sys.stderr)
    sys.exit(1 if found else 0)
