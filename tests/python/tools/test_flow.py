"""`tools/check_flow.py`, by which `make lint` looks for includes and imports that go against the order."""

from __future__ import annotations

import pytest

from tests.support.written_tree import Tree
from tools.check_flow import check_cpp, check_engine_names, check_python

ORDER = "| folder | about |\n| --- | --- |\n| [base](base) | errors |\n| [ir](ir) | graphs |\n| [ops](ops) | rules |\n"
PACKAGES = "| [patches](patches) | a |\n| [api](api) | b |\n"


@pytest.fixture
def tree(tree: Tree) -> Tree:
    """A project of a few files."""
    tree.write("src/README.md", ORDER)
    tree.write("python/tracejet/README.md", PACKAGES)
    tree.write("src/ir/graph.h", '#include "base/error.h"\n')
    tree.write("src/base/error.h", "#include <tracejet/error.h>\n")
    tree.write("include/tracejet/error.h", "#include <string>\n")
    for package in ("patches", "api"):
        tree.write(f"python/tracejet/{package}/__init__.py", "")
    tree.write("python/tracejet/__init__.py", "from tracejet.api.trace import trace\n")
    tree.write("python/tracejet/patches/switch.py", "from tracejet import _C\n")
    tree.write("python/tracejet/api/trace.py", "import tracejet.patches.switch\ntrace = 1\n")
    return tree


def test_what_flows_down_is_right(tree):
    assert check_cpp(tree.root, {}) == []
    assert check_python(tree.root) == []


def test_an_include_from_below_names_line_and_what_is_allowed(tree):
    tree.write("src/ops/operator.h", "")
    tree.write("src/ir/node.cpp", '\n#include "ir/graph.h"\n#  include "ops/operator.h"\n')
    assert check_cpp(tree.root, {}) == [
        "src/ir/node.cpp:3: includes src/ops/operator.h, but src/ir may include only what stands above it in "
        "src/README.md: base"
    ]


def test_an_include_beside_the_file_counts(tree):
    tree.write("src/ops/operator.h", "")
    tree.write("src/base/text.h", '#include "../ops/operator.h"\n')
    (breach,) = check_cpp(tree.root, {})
    assert breach.startswith("src/base/text.h:1: includes src/ops/operator.h")
    assert breach.endswith(": nothing")


def test_an_exception_holds_as_long_as_it_is_needed(tree):
    exceptions = {("src/ir", "src/ops"): "for now"}
    tree.write("src/ops/operator.h", "")
    tree.write("src/ir/node.cpp", '#include "ops/operator.h"\n')
    assert check_cpp(tree.root, exceptions) == []
    tree.write("src/ir/node.cpp", "")
    (breach,) = check_cpp(tree.root, exceptions)
    assert "src/ir no longer includes anything of src/ops" in breach


def test_a_folder_of_its_own_accord_is_a_breach(tree):
    tree.write("src/helpers/text.h", "")
    assert check_cpp(tree.root, {}) == [
        "src/README.md:1: src/helpers isn't in the list of folders, which says what may include it"
    ]


def test_public_headers_stand_alone(tree):
    tree.write("include/tracejet/trace.h", '#include "ir/graph.h"\n')
    (breach,) = check_cpp(tree.root, {})
    assert breach.startswith("include/tracejet/trace.h:1: includes src/ir/graph.h")


def test_circles_are_told_once_within_a_folder_too(tree):
    tree.write("src/ir/a.h", '#include "ir/b.h"\n')
    tree.write("src/ir/b.h", '\n#include "a.h"\n#include "ir/a.h"\n')
    assert check_cpp(tree.root, {}) == [
        "src/ir/b.h:2: closes a circle, which no order allows: src/ir/a.h -> src/ir/b.h -> src/ir/a.h"
    ]


@pytest.mark.parametrize(
    ("file", "line", "is_right"),
    [
        ("tools/tracejet/run.cpp", "ir/graph.h", True),
        ("tools/tracejet/run.cpp", "bindings/python_call.h", False),
        ("tools/tracejet/run.cpp", "testing/samples/samples.h", False),
        ("testing/samples/view.cpp", "samples.h", True),
        ("testing/samples/view.cpp", "helpers.h", False),
        ("testing/samples/view.cpp", "bindings/python_call.h", False),
        ("testing/samples/module.cpp", "bindings/python_call.h", True),
        ("tests/cpp/ir/graph_test.cpp", "helpers.h", True),
        ("tests/cpp/ir/graph_test.cpp", "testing/samples/samples.h", True),
        ("tests/cpp/ir/graph_test.cpp", "bindings/python_call.h", False),
        ("tests/fuzz/fuzzer.cpp", "ir/graph.h", True),
        ("tests/fuzz/fuzzer.cpp", "ops/operator.h", False),
        ("examples/cpp/serve.cpp", "tracejet/error.h", True),
        ("examples/cpp/serve.cpp", "ir/graph.h", False),
    ],
)
def test_code_beside_the_core_includes_what_it_is_linked_with(tree, file, line, is_right):
    tree.write("src/README.md", ORDER + "| [bindings](bindings) | Python |\n")
    for header in (
        "src/bindings/python_call.h",
        "src/ops/operator.h",
        "testing/samples/samples.h",
        "tests/cpp/helpers.h",
    ):
        tree.write(header, "")
    tree.write(file, f'#include "{line}"\n')
    breaches = check_cpp(tree.root, {})
    assert [breach.startswith(f"{file}:1: includes ") for breach in breaches] == [True] * (not is_right)


@pytest.mark.parametrize(
    ("file", "is_right"),
    [
        ("src/engines/aten/program.cpp", True),
        ("src/engines/registry.cpp", True),
        ("src/engines/openvino/model.cpp", False),
        ("src/engines/engine.cpp", False),
        ("src/verify/verify.cpp", False),
        ("src/bindings/compile.cpp", True),
        ("tests/cpp/engines/aten_test.cpp", True),
        ("tools/tracejet/run.cpp", False),
    ],
)
def test_engines_are_known_to_themselves_and_the_registry(tree, file, is_right):
    folders = "".join(f"| [{name}]({name}) | a |\n" for name in ("engines", "verify", "bindings"))
    tree.write("src/README.md", ORDER + folders)
    tree.write("src/engines/aten/interpreter.h", "")
    tree.write(file, '#include "engines/aten/interpreter.h"\n')
    breaches = check_cpp(tree.root, {})
    assert [breach.startswith(f"{file}:1: includes ") for breach in breaches] == [True] * (not is_right)


@pytest.mark.parametrize("name", ['"aten"', r'"engine=\"aten\""', "aten::kName"])
def test_engines_are_named_where_it_is_known(tree, name):
    tree.write("src/engines/aten/interpreter.cpp", f"auto x = {name};\n")
    tree.write("src/bindings/aten_engine.cpp", f"auto x = {name};\n")
    tree.write("src/ir/graph.cpp", f'// as "aten"\nauto x = "aten::add", y = "an aten";  // {name}\n')
    assert check_engine_names(tree.root, {}) == []
    tree.write("src/ir/rank.cpp", f"\nauto x = {name};\n")
    assert check_engine_names(tree.root, {"src/ir/rank.cpp": 1}) == []
    (breach,) = check_engine_names(tree.root, {})
    assert breach.startswith("src/ir/rank.cpp:2: 1 of its lines name an engine, NAMED_ENGINES")
    (breach,) = check_engine_names(tree.root, {"src/ir/rank.cpp": 2})  # the list can only get shorter
    assert "1 of its lines" in breach and "says 2" in breach


@pytest.mark.parametrize(
    "line", ["from tracejet.api.trace import trace", "import tracejet.api.trace", "from tracejet.api import trace"]
)
def test_an_import_from_below_is_a_breach_wherever_it_stands(tree, line):
    tree.write("python/tracejet/patches/cuda.py", f"def f():\n    {line}\n")
    assert check_python(tree.root) == [
        "python/tracejet/patches/cuda.py:2: imports python/tracejet/api/trace.py, but python/tracejet/patches may "
        "import only what stands above it in python/tracejet/README.md: nothing"
    ]


def test_packages_do_not_go_by_the_public_names(tree):
    tree.write("python/tracejet/api/check.py", "from tracejet import trace\n")
    breaches = check_python(tree.root)
    assert any(
        breach.startswith("python/tracejet/api/check.py:1: imports python/tracejet/__init__.py") for breach in breaches
    )


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("python/tracejet/api/run.py", "import bench.trace"),
        ("python/tracejet/api/run.py", "from tests import helpers"),
        ("tools/check.py", "from tests.helpers import one"),
        ("bench/trace.py", "from tests.helpers import one"),
        ("examples/search.py", "from tests.helpers import one"),
        ("testing/models.py", "from tests.helpers import one"),
    ],
)
def test_trees_import_only_what_they_may(tree, file, line):
    tree.write("tests/__init__.py", "")
    tree.write("tests/helpers.py", "one = 1\n")
    tree.write("bench/trace.py", "")
    tree.write(file, f"{line}\n")
    (breach,) = check_python(tree.root)
    assert breach.startswith(f"{file}:1: imports ")
