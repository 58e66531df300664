"""Data flows one way: which folder may include or import which, held against every line that does.

    python tools/check_flow.py

The order of C++ folders is the table in src/README.md, that of Python packages the one in python/tracejet/README.md: a
folder may use what stands above it. Between the trees of Python code it is `TREES`, and `CPP_TREES` says what C++ code
beside the core may include. No files may include or import each other in a circle. Engines don't include each other,
and the core names none (`NAMED_ENGINES` says where a name means something else). Breaches are printed as
`file:line: what, and what is allowed`; the exit status says whether there are any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

#: What else of the project each tree of Python code may import.
TREES: dict[str, tuple[str, ...]] = {
    "python": (),
    "testing": ("python",),
    "tools": (),
    "bench": ("python", "testing"),
    "docs": ("python", "testing", "bench"),
    "examples": ("python", "testing"),
    "tests": ("python", "testing", "bench", "docs", "tools"),
}
#: Folders that use one that stands below them: (user, used) and why. One that is no longer needed is a breach, too.
EXCEPTIONS: dict[tuple[str, str], str] = {}
#: What C++ code beside the core may include of it, as its CMake target is linked; the public headers are for all. The
#: bindings are a library of their own, which only it and `OF_EXTENSION` belong to.
CPP_TREES: dict[str, tuple[str, ...]] = {
    "tools/tracejet": ("src",),
    "testing/samples": ("src",),
    "tests/cpp": ("src", "testing/samples"),
    "tests/fuzz": ("src/base", "src/symbolic", "src/ir", "src/io"),
    "tests/custom_operators": (),
    "tests/cpp_consumer": (),
    "examples/cpp": (),
}
OF_EXTENSION = ("testing/samples/module.cpp",)
#: Beside the bindings and C++ tests: who may include what is in an engine's folder.
KNOWS_ENGINES = ("src/engines/registry.cpp", "src/engines/reference.h", "src/engines/reference.cpp")
#: Folders beside the engines' that all of these may include.
FOR_ENGINES = ("recording",)
#: Lines of the core and of tracejet-cpp where the name of an engine means something else. The core names none: it asks
#: the registry. Where there are fewer, the number has to go down.
NAMED_ENGINES: dict[str, int] = {
    # The set of decompositions.
    "src/ops/decomposition_table.cpp": 1,
    "src/bindings/decompositions.cpp": 1,
    "tools/tracejet/trace.cpp": 2,
    # The namespace of PyTorch's operators.
    "src/bindings/operators.cpp": 1,
    "src/io/pt2/program_writer.cpp": 1,
}


@dataclass(frozen=True)
class Use:
    """A line that includes or imports a file of the project."""

    file: str
    line: int
    used: str


def main(root: Path) -> int:
    breaches = [*check_cpp(root), *check_engine_names(root), *check_python(root)]
    for breach in breaches:
        print(breach, file=sys.stderr)
    return 1 if breaches else 0


def check_cpp(root: Path, exceptions: Mapping[tuple[str, str], str] = EXCEPTIONS) -> list[str]:
    files = _cpp_files(root, ("src", "include", *CPP_TREES))
    uses = [use for path in files for use in _includes(root, path)]
    order = [f"src/{name}" for name in declared_order(root / "src/README.md")]
    names = [str(path.relative_to(root)) for path in files]
    return [
        *_in_order(order, "src", names, uses, exceptions, "include"),
        *(
            f"{use.file}:{use.line}: includes {use.used}, but the public headers may include only each other"
            for use in uses
            if use.file.startswith("include/") and not use.used.startswith("include/")
        ),
        *_beside_core(uses),
        *_between_engines(_engines(root), uses),
        *_circles(uses),
    ]


def check_engine_names(root: Path, known: Mapping[str, int] = NAMED_ENGINES) -> list[str]:
    """Where the core or tracejet-cpp names an engine in quotes, or by a constant, but for the engines' own files."""
    engines = _engines(root)
    name = re.compile(rf"""\\?"(?:{"|".join(engines)})\\?"|(?:{"|".join(engines)})::kName\b""")
    lines: dict[str, list[int]] = {file: [] for file in known}
    for path in _cpp_files(root, ("src", "include", "tools/tracejet")) if engines else []:
        file = str(path.relative_to(root))
        if not file.startswith("src/engines/") and not path.stem.startswith(tuple(engines)):
            code = (line.partition("//")[0] for line in path.read_text().splitlines())
            if found := [number for number, line in enumerate(code, start=1) if name.search(line)]:
                lines[file] = found
    return [
        f"{file}:{(found or [1])[-1]}: {len(found)} of its lines name an engine, NAMED_ENGINES in tools/check_flow.py "
        f"says {known.get(file, 0)}: ask the registry, or make the number less"
        for file, found in sorted(lines.items())
        if len(found) != known.get(file, 0)
    ]


def check_python(root: Path) -> list[str]:
    modules = _python_modules(root)
    uses = [use for file in modules.values() for use in _imports(root, file, modules)]
    return [
        *_between_trees(uses),
        *_within_package(root, list(modules.values()), uses),
        *_circles(uses),
    ]


def declared_order(readme: Path) -> list[str]:
    """The folders of a README's table, `| [name](name) | … |`, in its order."""
    return re.findall(r"^\| \[([\w/]+)\]\(", readme.read_text(), re.MULTILINE) if readme.exists() else []


# ---- what may use what -------------------------------------------------------------------------------------------


def _in_order(
    order: list[str],
    tree: str,
    files: Iterable[str],
    uses: Iterable[Use],
    exceptions: Mapping[tuple[str, str], str],
    verb: str,
) -> Iterator[str]:
    """What goes against `order`, of which each folder may use those that stand before it."""
    in_tree = [file for file in files if file.startswith(f"{tree}/") and "/" in file.removeprefix(f"{tree}/")]
    unlisted = sorted({str(Path(file).parent) for file in in_tree if _folder(file, order) is None})
    for folder in unlisted:
        yield f"{tree}/README.md:1: {folder} isn't in the list of folders, which says what may {verb} it"
    needed = set()
    for use in uses:
        user, used = _folder(use.file, order), _folder(use.used, order)
        if user is None or used is None or order.index(used) <= order.index(user):
            continue
        if (user, used) in exceptions:
            needed.add((user, used))
            continue
        allowed = ", ".join(name.removeprefix(f"{tree}/") for name in order[: order.index(user)])
        yield (
            f"{use.file}:{use.line}: {verb}s {use.used}, but {user} may {verb} only what stands above it in "
            f"{tree}/README.md: {allowed or 'nothing'}"
        )
    for user, used in exceptions.keys() - needed:
        if user.startswith(f"{tree}/"):
            yield f"tools/check_flow.py:1: {user} no longer {verb}s anything of {used}: the exception can go"


def _beside_core(uses: Iterable[Use]) -> Iterator[str]:
    for use in uses:
        tree = _folder(use.file, CPP_TREES)
        if tree is None or _folder(use.used, (tree, "include")) is not None:
            continue
        is_extension = use.used.startswith("src/bindings/")
        if use.file not in OF_EXTENSION and (is_extension or _folder(use.used, CPP_TREES[tree]) is None):
            allowed = ", ".join((*CPP_TREES[tree], "the public headers"))
            yield f"{use.file}:{use.line}: includes {use.used}, but {tree} may include only {allowed}, not the bindings"


def _engines(root: Path) -> list[str]:
    folders = (path for path in (root / "src/engines").glob("*") if path.is_dir())
    return sorted(path.name for path in folders if path.name not in FOR_ENGINES)


def _between_engines(engines: Iterable[str], uses: Iterable[Use]) -> Iterator[str]:
    folders = [f"src/engines/{engine}" for engine in engines]
    for use in uses:
        used = _folder(use.used, folders)
        if used is None or use.file in KNOWS_ENGINES or _folder(use.file, (used, "src/bindings", "tests/cpp")):
            continue
        yield f"{use.file}:{use.line}: includes {use.used}, but only the registry may know an engine's files"


def _folder(file: str, order: Iterable[str]) -> str | None:
    """The folder of `order` that a file is in: the innermost, where they are nested."""
    return max((folder for folder in order if file.startswith(f"{folder}/")), key=len, default=None)


def _between_trees(uses: Iterable[Use]) -> Iterator[str]:
    for use in uses:
        user, used = use.file.partition("/")[0], use.used.partition("/")[0]
        if user != used and used not in TREES[user]:
            allowed = ", ".join(TREES[user]) or "nothing else of the project"
            yield f"{use.file}:{use.line}: imports {use.used}, but {user} may import only {allowed}"


def _within_package(root: Path, files: list[str], uses: Iterable[Use]) -> Iterator[str]:
    """tracejet's own packages. The modules beside them (`__init__`, `dynamo`, …) are what users see, on top of all."""
    package = "python/tracejet"
    order = [f"{package}/{name}" for name in declared_order(root / package / "README.md")]
    if not order:
        return
    uses = list(uses)
    yield from _in_order(order, package, files, uses, {}, "import")
    for use in uses:
        if _folder(use.file, order) is not None and use.used.rpartition("/")[0] == package:
            yield f"{use.file}:{use.line}: imports {use.used}, the public names, which are made of the packages"


def _circles(uses: Iterable[Use]) -> Iterator[str]:
    """Circles of files, each told once, at the line that closes it."""
    of_file: dict[str, list[Use]] = {}
    for use in uses:
        if use.used != use.file:
            of_file.setdefault(use.file, []).append(use)
    done: set[str] = set()
    told: set[frozenset[str]] = set()

    def visit(file: str, path: list[str]) -> Iterator[str]:
        path = [*path, file]
        for use in of_file.get(file, ()):
            if use.used in path:
                circle = path[path.index(use.used) :]
                if frozenset(circle) not in told:
                    told.add(frozenset(circle))
                    whole = " -> ".join([*circle, use.used])
                    yield f"{use.file}:{use.line}: closes a circle, which no order allows: {whole}"
            elif use.used not in done:
                yield from visit(use.used, path)
        done.add(file)

    for file in of_file:
        if file not in done:
            yield from visit(file, [])


# ---- what a file uses --------------------------------------------------------------------------------------------

_CPP = (".h", ".cpp")


def _cpp_files(root: Path, folders: Iterable[str]) -> list[Path]:
    return sorted(path for folder in folders for path in (root / folder).rglob("*") if path.suffix in _CPP)


_INCLUDE = re.compile(r"""\s*#\s*include\s+["<]([^">]+)[">]""")


def _includes(root: Path, path: Path) -> Iterator[Use]:
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        found = _INCLUDE.match(line)
        if found is None:
            continue
        for folder in (root / "src", root / "include", path.parent, root / "tests/cpp", root):
            if (folder / found[1]).exists():
                used = (folder / found[1]).resolve().relative_to(root.resolve())
                yield Use(str(path.relative_to(root)), number, str(used))
                break


def _python_modules(root: Path) -> dict[str, str]:
    """By the name under which it is imported: each file of Python code."""
    modules = {}
    for tree in TREES:
        for path in sorted((root / tree).rglob("*.py")):
            within = path.relative_to(root / "python" if tree == "python" else root).with_suffix("")
            parts = within.parts[:-1] if within.name == "__init__" else within.parts
            modules[".".join(parts)] = str(path.relative_to(root))
    return modules


def _imports(root: Path, file: str, modules: Mapping[str, str]) -> Iterator[Use]:
    """What a file imports, wherever in it: at its top, in a function, or for annotations only."""
    for node in ast.walk(ast.parse((root / file).read_text(), file)):
        for name in _imported(node, modules):
            if name in modules:
                yield Use(file, node.lineno, modules[name])  # type: ignore[attr-defined]


def _imported(node: ast.AST, modules: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        for alias in node.names:
            submodule = f"{node.module}.{alias.name}"
            is_extension = alias.name == "_C"
            if not is_extension:
                yield submodule if submodule in modules else node.module


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
