"""What Torch-TensorRT's compile and save take besides: warned of, or refused; never swallowed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from tracejet import _C, ErrorCode, Input
from tracejet.api.upstream_keywords import UPSTREAM

ROOT = Path(__file__).resolve().parents[3]
ROWS = Input(min_shape=(1, 8), opt_shape=(4, 8), max_shape=(16, 8), name="x")
IGNORED = [name for name, answer in UPSTREAM.items() if not answer.is_error]
REFUSED = [name for name, answer in UPSTREAM.items() if answer.is_error]


@pytest.mark.parametrize("name", IGNORED)
def test_what_has_no_effect_says_why(name: str) -> None:
    keywords: dict[str, Any] = {name: True}
    with pytest.warns(tracejet.BuildWarning, match=f"^{name} has no effect: ") as caught:
        compiled = tracejet.compile(nn.Linear(8, 4), arg_inputs=[ROWS], **keywords)
    assert caught[0].filename == __file__
    assert compiled(torch.ones(3, 8)).shape == (3, 4)


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_change_results_is_refused(name: str) -> None:
    keywords: dict[str, Any] = {name: True}
    with pytest.raises(tracejet.InvalidInput, match=f"^{name}: ") as caught:
        tracejet.compile(nn.Linear(8, 4), arg_inputs=[ROWS], **keywords)
    assert caught.value.code == ErrorCode.INVALID_SETTING


def test_options_of_torch_compile_are_answered_alike() -> None:
    compiled = torch.compile(nn.Linear(8, 4).eval(), backend="tracejet", options={"immutable_weights": False})
    with pytest.warns(tracejet.BuildWarning, match="immutable_weights has no effect"), torch.no_grad():
        assert compiled(torch.ones(3, 8)).shape == (3, 4)


def test_none_is_a_setting_of_ours() -> None:
    assert not UPSTREAM.keys() & {setting.name for setting in _C.settings_table()}


@pytest.fixture(scope="module")
def compiled() -> tracejet.CompiledModule:
    return tracejet.compile(nn.Linear(8, 4).eval(), arg_inputs=[ROWS])


def test_save_and_load_as_upstreams_examples_do(compiled: tracejet.CompiledModule, tmp_path: Path) -> None:
    path, x = tmp_path / "net.ep", torch.randn(4, 8)
    with pytest.warns(tracejet.BuildWarning, match="(retrace|dynamic_shapes) has no effect") as caught:
        tracejet.save(
            compiled,
            str(path),
            output_format="exported_program",
            arg_inputs=[x],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=16)},),
            retrace=True,
        )
    assert len(caught) == 2 and all(warning.filename == __file__ for warning in caught)
    loaded = tracejet.load(str(path)).module()
    torch.testing.assert_close(loaded(x), compiled(x))


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"arg_inputs": [torch.ones(17, 8)]}, "axis 0 is 17 to 17"),
        ({"inputs": [torch.ones(4, 8)], "arg_inputs": [torch.ones(4, 8)]}, "two names"),
        ({"output_format": "torchscript"}, 'expected "exported_program"'),
        ({"extra_files": {"a": "b"}}, "extra_files"),
        ({"retraced": True}, "no keyword 'retraced'"),
    ],
    ids=["inputs", "names", "format", "extra files", "unknown"],
)
def test_save_refuses_what_it_cant_honour(
    compiled: tracejet.CompiledModule, tmp_path: Path, keywords: dict[str, Any], words: str
) -> None:
    with pytest.raises(tracejet.InvalidInput, match=re.escape(words)):
        tracejet.save(compiled, tmp_path / "net.pt2", **keywords)
    assert not (tmp_path / "net.pt2").exists()


def test_the_page_lists_them_all() -> None:
    page = (ROOT / "docs/moving/torch-tensorrt.md").read_text()
    for name, answer in UPSTREAM.items():
        assert f"| `{name}` | {'refused' if answer.is_error else 'no effect'}: {answer.text} |" in page, name
