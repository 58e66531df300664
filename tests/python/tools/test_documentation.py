"""The Python in the documentation runs, block after block, as a reader would type it."""

import inspect
import json
import re
from pathlib import Path

import pytest

import tracejet

ROOT = Path(__file__).resolve().parents[3]
PAGES = (
    "README.md",
    "docs/tutorial.md",
    "docs/partitioning.md",
    "docs/reports.md",
    "docs/engine-cache.md",
    "docs/files.md",
    "docs/torch-compile.md",
    "docs/verified-compile.md",
    "docs/beyond-aten.md",
    "docs/engines/writing-an-engine.md",
    "docs/start.md",
    "docs/errors.md",
    *sorted(
        str(path.relative_to(ROOT)) for folder in ("guides", "moving") for path in (ROOT / "docs" / folder).iterdir()
    ),
)


def python_blocks(page: str) -> list[tuple[int, str]]:
    """The fenced Python of a page, each with the line it starts on."""
    text = (ROOT / page).read_text()
    found = re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(text[: match.start(1)].count("\n"), match[1]) for match in found]


#: Pages that start what takes a minute.
SLOW_PAGES = ("docs/guides/serving-ray.md",)


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.slow] if page in SLOW_PAGES else []) for page in PAGES]
)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # pages may save files
    monkeypatch.setenv("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "120")  # the machine may be busy with other tests
    monkeypatch.setenv("RAY_worker_niceness", "0")
    blocks = python_blocks(page)
    assert blocks, f"{page} has no Python"
    namespace = {"__name__": "__main__"}
    for line, block in blocks:
        exec(compile("\n" * line + block, page, "exec"), namespace)  # so that a traceback has the page's line numbers


def cpp_blocks(page: Path) -> list[str]:
    return re.findall(r"^```(?:cpp|c\+\+)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


CPP_PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if cpp_blocks(path)]


@pytest.mark.parametrize("page", CPP_PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_cpp_of_a_page_is_that_of_the_examples_that_are_built(page):
    """What includes headers is a whole example, to be compiled as it is printed; the rest is a part of one."""
    examples = [path.read_text() for path in sorted((ROOT / "examples/cpp").glob("*.cpp"))]
    wholes = [re.sub(r"\A(?://.*\n)+", "", text) for text in examples]
    for block in cpp_blocks(page):
        if "#include" in block:
            assert block in wholes, block
        else:
            assert any(block in text for text in examples), block


def test_every_example_is_built_and_run():
    listed = (ROOT / "examples/cpp/CMakeLists.txt").read_text()
    run = (ROOT / "tests/cpp_consumer/build.cmake").read_text()
    for path in (ROOT / "examples/cpp").glob("*.cpp"):
        assert re.search(rf"\b{path.stem}\b", listed) and f"/examples/{path.stem}" in run, path


ALL_PAGES = [path for pattern in ("*.md", "docs/**/*.md", "src/**/*.md") for path in sorted(ROOT.glob(pattern))]


@pytest.mark.parametrize("page", [str(path.relative_to(ROOT)) for path in ALL_PAGES])
def test_links_between_pages_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"


def test_the_operator_page_says_what_the_tables_say(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import make_operator_page

    assert make_operator_page.PAGE.read_text() == make_operator_page.page(), "run `make docs`"


def test_the_page_on_settings_says_what_the_table_says(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import make_settings_page

    assert make_settings_page.PAGE.read_text() == make_settings_page.page(), "run `make docs`"


ERRORS = [
    kind
    for module in (tracejet, tracejet.dynamo)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, (Exception, Warning))
]


@pytest.mark.parametrize("kind", dict.fromkeys(ERRORS), ids=lambda kind: kind.__name__)
def test_every_error_has_a_section_that_it_names(kind):
    assert f"\n## {kind.__name__}\n" in (ROOT / "docs/errors.md").read_text()
    assert f"docs/errors.md#{kind.__name__.lower()}" in kind.__doc__


PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (tracejet, tracejet.dynamo)
    for name in module.__all__
    if callable(getattr(module, name))
}


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_says_what_it_is(name):
    members = vars(PUBLIC[name]) if inspect.isclass(PUBLIC[name]) and "_C" not in PUBLIC[name].__module__ else {}
    documented = [member for key, member in members.items() if not key.startswith("_") and hasattr(member, "__doc__")]
    undocumented = [
        member
        for member in (PUBLIC[name], *documented)
        if (inspect.isroutine(member) or isinstance(member, (property, type))) and not inspect.getdoc(member)
    ]
    assert not undocumented


def test_the_page_on_models_says_what_was_measured(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import make_model_page

    results = json.loads(make_model_page.RESULTS.read_text())["rows"][0]
    assert make_model_page.PAGE.read_text() == make_model_page.page(results), "run `make docs`"


def test_the_page_on_differences_says_what_the_table_says(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import make_difference_page

    assert make_difference_page.PAGE.read_text() == make_difference_page.page(), "run `make docs`"


def test_the_pictures_are_of_this_program(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import make_pictures

    drawn = make_pictures.pictures()
    assert {path.name for path in make_pictures.FOLDER.iterdir()} == set(drawn)
    for name, text in drawn.items():
        assert (make_pictures.FOLDER / name).read_text() == text, "run `make docs`"
