"""`tools/check_flow.py`, by which `make lint` looks for includes and imports that go against the order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.check_flow import check_cpp, check_engine_names, check_error_texts, check_python

ORDER = "| folder | about |\n| --- | --- |\n| [base](base) | errors |\n| [ir](ir) | graphs |\n| [ops](ops) | rules |\n"
PACKAGES = "| [patches](patches) | a |\n| [api](api) | b |\n"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


class Tree:
    """A project of a few files."""

    def __init__(self, root: Path):
        self.root = root
        self.write("src/README.md", ORDER)
        self.write("python/tracejet/README.md", PACKAGES)
        self.write("src/ir/graph.h", '#include "base/error.h"\n')
        self.write("src/base/error.h", "#include <tracejet/error.h>\n")
        self.write("include/tracejet/error.h", "#include <string>\n")
        for package in ("patches", "api"):
            self.write(f"python/tracejet/{package}/__init__.py", "")
        self.write("python/tracejet/__init__.py", "from tracejet.api.trace import trace\n")
        self.write("python/tracejet/patches/switch.py", "from tracejet import _C\n")
        self.write("python/tracejet/api/trace.py", "import tracejet.patches.switch\ntrace = 1\n")

    def write(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


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


@pytest.mark.parametrize(
    "line",
    [
        "from torch._ops import OpOverload",
        "from torch.fx.graph import _Namespace",
        "import torch._dynamo",
        "x = torch._sym_cos",
        "def f(): return torch.fx._compat.y(1)",
    ],
)
def test_private_names_of_pytorch_have_their_places(tree, line):
    tree.write("python/tracejet/export/compat.py", f"{line}\n")
    tree.write("python/tracejet/README.md", PACKAGES + "| [export](export) | c |\n")
    tree.write("python/tracejet/patches/cuda.py", f"{line}\n")
    tree.write("python/tracejet/api/plain.py", "import torch\nfrom torch.utils import _pytree\ntorch._check(True)\n")
    assert check_python(tree.root) == []
    tree.write("python/tracejet/api/run.py", f"{line}\n")
    (breach,) = check_python(tree.root)
    assert breach.startswith("python/tracejet/api/run.py:1: uses torch.") and "private" in breach


@pytest.mark.parametrize(
    "body",
    [
        'return std::string_view(error.what()).find("meta") != 0;',
        'const std::string said = first_line(error.what_without_backtrace());\n  return said.contains("meta");',
        "return std::regex_search(error.what(), kMeta);",
        'return error.msg().starts_with("meta");',
    ],
)
def test_cpp_tells_no_kind_of_error_by_words(tree, body):
    function = f"bool f(const c10::Error& error) {{\n  {body}\n}}\n"
    tree.write("src/base/error.h", function)
    assert check_error_texts(tree.root, {"src/base/error.h": "all"}) == []
    (breach,) = check_error_texts(tree.root, {})
    line = 2 + body.count("\n")
    assert breach.startswith(f"src/base/error.h:{line}: looks for words") and breach.endswith("before the call")
    assert check_error_texts(tree.root, {"src/base/error.h": "all", "src/ir/gone.h": "?"}) != []


def test_cpp_may_quote_an_error(tree):
    tree.write(
        "src/ir/text.cpp",
        "std::string f(const std::exception& error) {\n  const std::string text = error.what();\n"
        "  return text.substr(0, text.find('\\n'));  // not text.find(\"meta\")\n}\n"
        "bool g(const std::string& text) { return text.find(kMeta) == 0; }\n",
    )
    assert check_error_texts(tree.root, {}) == []


@pytest.mark.parametrize(
    "line",
    [
        'found = "meta" in str(error)',
        'found = re.search("meta", str(error))',
        "found = PATTERN.match(error.message)",
        'found = error.args[0].startswith("meta")',
        'text = str(error).lower(); found = "meta" not in text',
        'found = "meta" in f"{error}"',
    ],
)
@pytest.mark.parametrize("function", ["def f(error: RuntimeError):\n    pass\n    {}", "{}"])
def test_python_tells_no_kind_of_error_by_words(tree, line, function):
    if function == "{}":
        function = "def f():\n    try: g()\n    except Exception as error: {}"
    tree.write("python/tracejet/api/run.py", function.format(line) + "\n")
    (breach,) = check_error_texts(tree.root, {})
    assert breach.startswith("python/tracejet/api/run.py:3: looks for words")


def test_python_may_quote_an_error(tree):
    tree.write(
        "python/tracejet/api/run.py",
        "def f(error: RuntimeError, text: str):\n    said = str(error).partition(': ')[0]\n"
        "    return 'meta' in text or error.name == said or isinstance(error, KeyError)\n",
    )
    assert check_error_texts(tree.root, {}) == []
