"""Modules of torch::nn, traced in C++: their files hold in Python for every size that was declared."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import torch

import tracejet

MODELS = (
    *(
        "resnet",
        "encoder",
        "lstm",
        "stepwise",
        "counting",
        "transformer",
        "nn_lstm",
        "nn_gru",
        "nn_rnn",
        "nn_gru_state",
    ),
    *(
        "nn_lstm_length",
        "nn_gru_length",
        "nn_transformer",
        "nn_attention",
        "nn_pool",
        "nn_lrn",
        "nn_nearest",
        "nn_bilinear",
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the C++ tests leave each program, and what the C++ module gave."""
    path = tmp_path_factory.mktemp("cpp_modules")
    command = ["build/tests/cpp/tracejet_tests", "--gtest_filter=NnModule.*:KnownModules.*:ProgramEditor.*"]
    subprocess.run(command, env={**os.environ, "TRACEJET_KEEP_PT2": str(path)}, check=True, capture_output=True)
    return path


@pytest.mark.parametrize("name", MODELS)
def test_a_module_of_cpp_gives_the_same_in_python(name: str, folder: Path) -> None:
    module = torch.export.load(folder / f"{name}.pt2").module()
    calls = list(zip(*torch.load(folder / f"{name}.pt", weights_only=False), strict=True))
    assert len(calls) == 4
    for inputs, outputs in calls:  # in order: state goes from one to the next
        with torch.no_grad():
            results = module(*inputs)
        for result, expected in zip(results, outputs, strict=True):
            torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-5)


def test_programs_that_were_edited_in_cpp_give_the_same_in_python(folder: Path) -> None:
    edited = sorted(folder.glob("edited_*.pt2"))
    assert edited, "the C++ tests left no program that was edited"
    for path in edited:
        module, compiled = torch.export.load(path).module(), tracejet.compile(tracejet.load(path), engine="aten")
        for rows in (1, 2, 7, 16):
            x = torch.randn(rows, 4)
            with torch.no_grad():
                torch.testing.assert_close(module(x), compiled(x))
