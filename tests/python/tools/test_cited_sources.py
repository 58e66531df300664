"""Each file of operators says which of PyTorch's it follows, each of ONNX conversions which operators: these exist."""

from __future__ import annotations

import functools
import importlib.util
import mmap
import re
from collections.abc import Iterator
from pathlib import Path

import onnx.defs
import pytest
import torch

ROOT = Path(__file__).resolve().parents[3]
OPS = {str(path.relative_to(ROOT)): path for path in sorted((ROOT / "src/ops").rglob("*.cpp"))}
CONVERSIONS = {str(path.relative_to(ROOT)): path for path in sorted((ROOT / "src/lowering/onnx").glob("*.cpp"))}
#: They list what others define, or look it up.
REGISTRIES = {
    "src/ops/operator_names.cpp",
    "src/ops/registry.cpp",
    "src/lowering/onnx/conversion.cpp",
    "src/lowering/onnx/lower_graph.cpp",
}
#: `aten/src/ATen/native/Loss.cpp (mse_loss, huber_loss)`: a file, and perhaps operators or functions that it defines.
CITATION = re.compile(r"\b((?:aten/src/ATen|torch|torchao|onnx)/[\w/]+\.(?:h|cpp|py|proto))(?: \(([\w, ]+)\))?")
#: `Resize-19`: an operator, and the version of ONNX that gave it its last form.
ONNX_OPERATOR = re.compile(r"\b([A-Z]\w+)-(\d+)\b")
TORCH = Path(torch.__file__).parent


def comments(path: Path) -> str:
    """In one line, for a citation may go on in the next one."""
    texts = (line.lstrip().lstrip("/").strip() for line in path.open() if line.lstrip().startswith("//"))
    return " ".join(texts)


def citations(path: Path) -> Iterator[tuple[str, list[str]]]:
    for file, names in CITATION.findall(comments(path)):
        yield file, names.split(", ") if names else []


def shipped(file: str) -> Path:
    """Where an installed package has the file."""
    if file.startswith("aten/src/"):
        return TORCH / "include" / file.removeprefix("aten/src/")
    package = file.partition("/")[0]
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent.parent / file


@functools.cache
def native_functions() -> str:
    """The schemas of ATen's operators, with the kernels that are theirs."""
    return shipped("torchgen/packaged/ATen/native/native_functions.yaml").read_text()


@functools.cache
def compiled_files() -> frozenset[str]:
    """The sources that the errors of PyTorch's library name: nearly all, for nearly all check something."""
    library = TORCH / "lib/libtorch_cpu.so"
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = re.findall(rb"aten/src/ATen/[\w/]+\.cpp", content)
    return frozenset(path.decode() for path in found)


def exists(file: str) -> bool:
    if not file.endswith(".cpp"):
        return shipped(file).is_file()
    return file in compiled_files() or shipped(file).with_suffix(".h").is_file()


def defines(file: str, name: str) -> bool:
    """In Python as a function or by assignment. Of C++ only the headers are installed, and a list of the operators."""
    if file.endswith(".py"):
        return re.search(rf"^\s*def {name}\(|^{name} = ", shipped(file).read_text(), re.MULTILINE) is not None
    header = shipped(file) if not file.endswith(".cpp") else shipped(file).with_suffix(".h")
    declared = header.read_text() if header.is_file() else ""
    return re.search(rf"\b{name}\b", declared + (native_functions() if file.endswith(".cpp") else "")) is not None


@pytest.mark.parametrize("name", sorted(OPS.keys() - REGISTRIES))
def test_operators_cite_pytorch(name: str) -> None:
    files = [file for file, _ in citations(OPS[name])]
    assert any(file.startswith(("aten/src/ATen/", "torch/")) for file in files)


@pytest.mark.parametrize("name", sorted(OPS.keys() | CONVERSIONS.keys()))
def test_what_is_cited_is_there(name: str) -> None:
    for file, names in citations((OPS | CONVERSIONS)[name]):
        assert exists(file), file
        assert [each for each in names if not defines(file, each)] == [], file


@pytest.mark.parametrize("name", sorted(CONVERSIONS.keys() - REGISTRIES))
def test_conversions_cite_onnx_as_of_the_operators_that_they_speak(name: str) -> None:
    header = (ROOT / "src/lowering/onnx/model.h").read_text()
    opset = int(re.search(r"kOpset = (\d+);", header)[1])  # type: ignore[index]
    cited = ONNX_OPERATOR.findall(comments(CONVERSIONS[name]))
    assert cited or "onnx/onnx.proto" in dict(citations(CONVERSIONS[name]))
    assert {op: int(version) for op, version in cited} == {
        op: onnx.defs.get_schema(op, opset, "").since_version for op, _ in cited
    }
