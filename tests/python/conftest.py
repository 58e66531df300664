"""Every trace of the tests holds its shape rules against PyTorch's meta kernels."""

import os

import pytest

from tracejet._capture import CHECK_RULES

os.environ[CHECK_RULES] = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full-size", action="store_true", help="test_models.py with the models as they are deployed")
