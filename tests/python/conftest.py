"""Every trace of the tests holds its shape rules against PyTorch's meta kernels, and every run of them is the same."""

import os
import sys
from pathlib import Path

import hypothesis
import pytest
import torch

from tests.support.command_line import MODELS
from tracejet.frontend.session import CHECK_RULES

os.environ[CHECK_RULES] = os.environ["TRACEJET_VERIFY_PASSES"] = "1"

# OpenVINO's Python package tells Intel of each import, if it has this one to do so with.
sys.modules["openvino_telemetry"] = None

# The same examples each time; others with `--hypothesis-profile=default`, as `make fuzz` takes them.
hypothesis.settings.register_profile("fixed", derandomize=True)
hypothesis.settings.load_profile("fixed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") is not None and not torch.cuda.is_available():
        pytest.skip("needs a GPU")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands run in, with the models that they are given."""
    (tmp_path / "cli_models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "cli_models", raising=False)
    return tmp_path
