"""Wheels: for which torch they are, and that they work where there is nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

import tracejet
from tracejet.torch_version import check_torch_version

ROOT = Path(__file__).parents[3]
SOURCES = (".cpp", ".h", ".py", ".in", ".cmake")
MINOR = ".".join(torch.__version__.split(".")[:2])


def test_another_torch_is_named_in_one_sentence():
    check_torch_version()
    check_torch_version(f"{MINOR}.9")  # a patch is no difference
    with pytest.raises(ImportError) as error:
        check_torch_version("2.1.0")
    assert str(error.value) == (
        f"this tracejet was built for torch 2.1, but torch {torch.__version__} is installed: "
        f"install torch 2.1, or a tracejet whose version ends in +torch{MINOR}"
    )


def test_a_source_tree_that_is_not_built_says_so(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "python/tracejet", tmp_path / "tracejet", ignore=shutil.ignore_patterns("*.so"))
    command = [sys.executable, "-c", "import tracejet"]
    run = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert run.returncode == 1 and run.stderr.splitlines()[-1] == (
        "ImportError: tracejet's extension isn't built here: run `make extension` in its source tree"
    )


def test_version_and_dependencies_name_the_torch(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "cmake"))
    import wheel_metadata

    assert wheel_metadata.dynamic_metadata("version", {}) == f"{tracejet.__version__}+torch{MINOR}"
    others = {"others": ["numpy"]}
    assert wheel_metadata.dynamic_metadata("dependencies", others) == [f"torch=={MINOR}.*", "numpy"]


# ---- a wheel ---------------------------------------------------------------------------------------------------------


def files(folder):
    """Those of the source."""
    return (path for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES and path.name != "_built_with.py")


@pytest.fixture(scope="module")
def wheel():
    """The latest of `make wheel`, which is called where there is none, or only one that is older than the source."""
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    pattern = f"tracejet-*+torch{MINOR}-{tag}-*.whl"
    changed = max(path.stat().st_mtime for folder in ("src", "include", "python", "cmake") for path in files(folder))
    if not any(path.stat().st_mtime > changed for path in (ROOT / "dist").glob(pattern)):
        torch_here = f"TORCH=torch=={torch.__version__}"
        subprocess.run(["make", "wheel", f"PYTHON={sys.executable}", torch_here], cwd=ROOT, check=True)
    return max((ROOT / "dist").glob(pattern), key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of an environment that has the wheel, and what it asks for."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([ROOT / "cmake/make_venv.sh", sys.executable, place / "venv"], check=True)
    python = place / "venv/bin/python"
    (place / "constraints.txt").write_text(f"torch=={torch.__version__}\n")
    install = [python, "-m", "pip", "install", "--quiet", "-c", place / "constraints.txt", wheel]
    subprocess.run(install, check=True)
    return python


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_a_wheel_has_all_of_it_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for part in ("tracejet/include/tracejet/tracejet.h", "tracejet/lib/cmake/tracejet/tracejetConfig.cmake"):
        assert part in names
    assert "tracejet/_C/__init__.pyi" in names and "tracejet/py.typed" in names
    libraries = {name.rpartition("/")[2].partition(".")[0] for name in names if ".so" in name}
    assert libraries == {"_C", "libtracejet_core"}  # neither torch's nor OpenVINO's
    assert "manylinux" in wheel.name
    assert {"LICENSE", "LICENSES-THIRD-PARTY"} <= {Path(name).name for name in names if ".dist-info/licenses/" in name}


@pytest.mark.slow
def test_the_example_runs_where_only_the_wheel_is(python, tmp_path):
    (tmp_path / "example.py").write_text(blocks("python")[0])
    ran = subprocess.run([python, "example.py"], cwd=tmp_path, capture_output=True, text=True)
    assert "torch.Size([4, 10])" in ran.stdout, ran.stderr
    command = [python.parent / "tracejet", "compile", "torch.nn:ReLU", "--shapes", "input:2x3"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0 and "openvino runs" in ran.stdout, ran.stderr


@pytest.mark.slow
def test_the_command_line_without_python_finds_its_libraries(python, tmp_path):
    torch.jit.trace(torch.nn.Tanh(), torch.ones(2, 3)).save(tmp_path / "tanh.pt")
    command = [python.parent / "tracejet-cpp", "trace", "tanh.pt", "--shapes", "4x3", "-o", "tanh.pt2"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    command = [python.parent / "tracejet-cpp", "run", "tanh.pt2", "--engine", "openvino", "--compare"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0 and "equal to PyTorch's kernels" in ran.stdout, ran.stderr


@pytest.mark.slow
def test_the_cpp_examples_build_against_the_wheel(python, tmp_path):
    folder = subprocess.run(
        [python, "-I", "-c", "import tracejet; print(tracejet.cmake_prefix_path)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    options = [f"-DPython_EXECUTABLE={python}", f"-DCMAKE_PREFIX_PATH={folder}", f"-B{tmp_path}"]
    subprocess.run(["cmake", "-S", ROOT / "examples/cpp", *options], check=True)
    subprocess.run(["cmake", "--build", tmp_path], check=True)
    subprocess.run([tmp_path / "quickstart"], check=True)
    model, edited = tmp_path / "model.pt2", tmp_path / "edited.pt2"
    subprocess.run([tmp_path / "train_and_export", model], check=True)
    subprocess.run([tmp_path / "edit", model, edited], check=True)
    subprocess.run([tmp_path / "serve", edited], check=True)
