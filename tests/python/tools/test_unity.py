"""`tools/check_unity.py`: what sources that are compiled as one don't have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.check_unity import check_unity, unnamed

ONE = "namespace tracejet {\nnamespace {\n\nint where(int x) { return x; }\n\n}  // namespace\n}\n"


@pytest.fixture
def write(tmp_path: Path):
    def write(file: str, text: str) -> None:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("src/ops/a.cpp", ONE)
    return write


def names_of(text: str) -> list[tuple[str, str, int]]:
    return [(name.namespace, name.text, name.line) for name in unnamed("x.cpp", text)]


def test_one_name_in_two_sources_names_both(tmp_path, write):
    write("src/ops/b.cpp", "\n" + ONE.replace("int x", "char x"))  # the compiler would take it for an overload
    assert list(check_unity(tmp_path)) == [
        "src/ops/b.cpp:5: where is a name in the unnamed namespace of src/ops/a.cpp:4, too, which may be compiled "
        "together with it: rename one, or share it by a header"
    ]


@pytest.mark.parametrize(
    "other",
    [
        ONE.replace("where", "somewhere"),
        ONE.replace("namespace tracejet {", "namespace tracejet::views {"),
        ONE.replace("namespace {", "namespace lent {"),
        "// " + ONE.replace("\n", "\n// "),
        "namespace tracejet {\nstruct A { int where() { return 1; } };\n}\n",
    ],
    ids=["another name", "another namespace", "a named one", "a comment", "a member"],
)
def test_names_that_cannot_meet_are_right(tmp_path, write, other):
    write("src/ops/b.cpp", other)
    assert not list(check_unity(tmp_path))


def test_sources_of_other_targets_and_far_ones_do_not_meet(tmp_path, write):
    write("src/bindings/b.cpp", ONE)
    for number in range(3):
        write(f"src/ops/b{number}.cpp", "")
    write("src/ops/c.cpp", ONE)
    assert list(check_unity(tmp_path))
    assert not list(check_unity(tmp_path, near=4))


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("std::map<int, int> counts(const A& a = {}) { return {}; }", "counts"),
        ("constexpr int kTable[] = {1, 2};", "kTable"),
        (
            "template <typename T, typename = std::enable_if_t<(sizeof(T) > 1)>>\nT doubled(T x) { return x; }",
            "doubled",
        ),
        ("[[noreturn]] void refuse() { throw 1; }", "refuse"),
        ("class Parser final : public Base {\n  int x;\n};", "Parser"),
        ("enum class Side : uint8_t { kLeft };", "Side"),
        ('const char* kText = R"(namespace { int no() {} )";', "kText"),
        ("thread_local int depth = 0;", "depth"),
    ],
)
def test_every_kind_of_declaration_is_read(code, name):
    text = f"namespace a::b {{\nnamespace {{\n{code}\nint last;\n}}\n}}\n"
    lines = code.count("\n")
    assert names_of(text) == [("a::b", name, 3), ("a::b", "last", 4 + lines)]


def test_static_functions_count_and_aliases_do_not():
    text = "static int f() { return 1; }\nint g() { return 2; }\nnamespace {\nusing T = int;\nnamespace fs = a::b;\n}\n"
    assert names_of(text) == [("", "f", 1)]
