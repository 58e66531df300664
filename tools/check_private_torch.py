"""What PyTorch keeps private is used in `PRIVATE_TORCH` alone, by its name or as an attribute of an object.

    python tools/check_private_torch.py

Breaches are printed as `file:line: what, and what is allowed`; the exit status says whether there are any.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeGuard

#: Where PyTorch's private names may be used; in tests and benches they may be anywhere.
PRIVATE_TORCH = (
    "python/tracejet/patches/",
    "python/tracejet/export/compat/",
)
#: Names that PyTorch documents, or that everybody uses for want of others.
PUBLIC_ALL_THE_SAME = ("torch.utils._pytree", "torch._check", "torch._assert")
#: Attributes that are public in spite of their names: those of named tuples, and `sys._getframe`.
PUBLIC_ATTRIBUTES = ("_asdict", "_field_defaults", "_fields", "_getframe", "_make", "_replace")


def check_private_names(root: Path) -> list[str]:
    """Where tracejet names what PyTorch keeps private: `torch._C`, `from torch._inductor import package`."""
    files = (str(path.relative_to(root)) for path in sorted((root / "python").rglob("*.py")))
    return [breach for file in files for breach in _private_uses(root, file)]


def check_private_attributes(root: Path) -> list[str]:
    """Where tracejet reaches for what the objects of others keep private: `op._schema`, `getattr(op, "_schema")`.

    An attribute is the project's own where one of its classes has it. One whose name is in a variable isn't seen.
    """
    files = [str(path.relative_to(root)) for path in sorted((root / "python").rglob("*.py"))]
    nodes = {
        file: list(ast.walk(ast.parse((root / file).read_text(), file)))
        for file in files
        if not file.startswith(PRIVATE_TORCH)
    }
    known = {*PUBLIC_ATTRIBUTES, *(name for each in nodes.values() for node in each for name in _own_attributes(node))}
    return [
        f"{file}:{node.lineno}: uses {name} of an object that isn't the project's: "  # type: ignore[attr-defined]
        f"only {' and '.join(PRIVATE_TORCH)} may"
        for file, each in nodes.items()
        for node in each
        for name in _attributes_used(node)
        if _is_private(name) and name not in known
    ]


def _private_uses(root: Path, file: str) -> Iterator[str]:
    """Where tracejet uses what PyTorch calls private, but for the places that are there for it."""
    if file.startswith(PRIVATE_TORCH):
        return
    for node in ast.walk(ast.parse((root / file).read_text(), file)):
        for name in _names_of_torch(node):
            if any(_is_private(part) for part in name.split(".")) and not name.startswith(PUBLIC_ALL_THE_SAME):
                allowed = " and ".join(PRIVATE_TORCH)
                yield f"{file}:{node.lineno}: uses {name}, which is private: only {allowed} may"  # type: ignore[attr-defined]


def _names_of_torch(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        names = [ast.unparse(node)] if _is_private_attribute(node) and _is_dotted(node) else []
    yield from (name for name in names if name.startswith("torch."))


def _own_attributes(node: ast.AST) -> Iterator[str]:
    """The attributes that a class gives its objects: in its body, in `__slots__`, and by way of `self`."""
    if isinstance(node, ast.ClassDef):
        for member in node.body:
            if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield member.name
            elif isinstance(member, (ast.Assign, ast.AnnAssign)):
                targets = member.targets if isinstance(member, ast.Assign) else [member.target]
                names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
                yield from names
                if "__slots__" in names and member.value is not None:
                    yield from _texts(ast.walk(member.value))
    elif _is_private_attribute(node) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) in ("self", "cls"):
        yield node.attr


#: Functions of Python that take an attribute by its name, and which arguments are such names.
_BY_NAME = {name: slice(1, 2) for name in ("getattr", "hasattr", "setattr", "delattr")}
_BY_NAME |= {"attrgetter": slice(None), "methodcaller": slice(1)}


def _attributes_used(node: ast.AST) -> Iterator[str]:
    """The attributes that an expression asks for; whole names of `torch` have a check of their own."""
    if _is_private_attribute(node) and not (_is_dotted(node) and ast.unparse(node).startswith("torch.")):
        yield node.attr
    elif isinstance(node, ast.Call):
        function = ast.unparse(node.func).rpartition(".")[2]
        for text in _texts(node.args[_BY_NAME[function]] if function in _BY_NAME else ()):
            yield from text.split(".")


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_private_attribute(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and _is_private(node.attr)


def _is_dotted(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_dotted(node.value))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


if __name__ == "__main__":
    place = Path(__file__).resolve().parents[1]
    found = [*check_private_names(place), *check_private_attributes(place)]
    for breach in found:
        print(breach, file=sys.stderr)
    sys.exit(1 if found else 0)
