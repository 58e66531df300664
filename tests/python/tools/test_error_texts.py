"""tools/check_error_texts.py finds who tells errors apart by their words, and lets everybody quote them."""

from __future__ import annotations

import pytest

from tools.check_error_texts import check_error_texts


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
