"""Writes docs/settings.md: every setting of `compile`, from the table in the core.

python docs/make_settings_page.py
"""

from pathlib import Path

from tracejet import _C

PAGE = Path(__file__).parent / "settings.md"
_HEAD = """\
# Settings of compile

What `tracejet.compile` takes as keywords, and `tracejet.CompileSettings` as fields; in C++, `tracejet::CompileSettings`
has the same. The command line takes them as `--set name=value`. An unknown name and an invalid value are an
[`InvalidInput`](errors.md#invalidinput), and so is what none of the program's engines can honour; where one of several
can't, it is a [`BuildWarning`](errors.md#buildwarning). This page is made by `make docs`.

| setting | default | says | engines compile again |
| --- | --- | --- | --- |
"""


def page() -> str:
    rows = (
        f"| `{setting.name}` | `{setting.default!r}` | {setting.doc.replace('|', chr(92) + '|')} | "
        f"{'yes' if setting.engines_depend else ''} |\n"
        for setting in _C.settings_table()
    )
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
