"""The types of `tracejet._C` for Python's tools, written from the extension itself: python/tracejet/_C/*.pyi.

python tools/make_stubs.py            # writes them
python tools/make_stubs.py --check    # says whether they are up to date; `make lint` does
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "python/tracejet"


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes the types of tracejet._C.")
    parser.add_argument("--check", action="store_true", help="writes nothing; fails where a file isn't up to date")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=PACKAGE) as folder:  # where ruff finds the project's settings
        made = _made(Path(folder))
    if options.check:
        return _compare(made)
    (PACKAGE / "_C").mkdir(exist_ok=True)
    for name, text in made.items():
        (PACKAGE / "_C" / name).write_text(text)
    return 0


def _made(folder: Path) -> dict[str, str]:
    """The text of each file, as it should be."""
    generate = ["pybind11_stubgen", "tracejet._C", "--output-dir", str(folder), "--exit-code"]
    found = subprocess.run([sys.executable, "-m", *generate], check=False, capture_output=True, text=True)
    if found.returncode != 0:
        sys.exit(f"tools/make_stubs.py: a binding names a class that Python doesn't know yet\n{found.stderr}")
    stubs = folder / "tracejet/_C"
    for path in stubs.glob("*.pyi"):
        path.write_text(_readable(path.read_text()))
    ruff = str(Path(sys.executable).with_name("ruff"))
    tidied = [ruff, "check", "--quiet", "--fix", "--unsafe-fixes", "--exit-zero", str(stubs)]
    subprocess.run(tidied, check=True, capture_output=True)
    subprocess.run([ruff, "format", "--quiet", str(stubs)], check=True)
    return {path.name: path.read_text() for path in sorted(stubs.glob("*.pyi"))}


def _readable(text: str) -> str:
    """pybind11 takes what converts to a number, where the number is meant; it leaves out that None is taken and what
    keywords hold, and says of classes that can't be hashed what mypy says of `object`."""
    text = text.replace("typing.SupportsInt | typing.SupportsIndex", "int")
    text = text.replace("typing.SupportsFloat | typing.SupportsIndex", "float")
    text = text.replace("*args, **kwargs)", "*args: typing.Any, **kwargs)")
    text = text.replace("**kwargs)", "**kwargs: typing.Any)")
    unhashable = "__hash__: typing.ClassVar[None] = None"
    text = text.replace(unhashable, f"{unhashable}  # type: ignore[assignment]")
    return re.sub(r": ([\w.]+) = None", r": \1 | None = None", text)


def _compare(made: dict[str, str]) -> int:
    there = {path.name: path.read_text() for path in (PACKAGE / "_C").glob("*.pyi")}
    stale = sorted(name for name in there.keys() | made.keys() if there.get(name) != made.get(name))
    for name in stale:
        print(f"python/tracejet/_C/{name}:1: isn't what the extension has; run `make stubs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
