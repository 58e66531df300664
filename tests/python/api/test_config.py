"""`show_config`, logging, and what `repr` says."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

import tracejet
from tracejet import Input

X = Input(min_shape=(1, 8), opt_shape=(4, 8), max_shape=(16, 8), shared_dims={0: "batch"})


def test_the_configuration_is_printed_or_given(capsys):
    assert tracejet.show_config() is None
    text = capsys.readouterr().out
    found = tracejet.show_config(mode="dicts")
    assert f"tracejet: {tracejet.__version__}" in text and f"torch: {torch.__version__}" in text
    assert found["engines"] == tracejet.engines() and "  openvino: " in text
    assert json.dumps(found)
    with pytest.raises(tracejet.InvalidInput, match="mode"):
        tracejet.show_config(mode="xml")


def test_a_program_says_what_matters():
    program = tracejet.trace(nn.Sequential(nn.Linear(8, 4), nn.ReLU()), arg_inputs=[X])
    assert repr(program) == (
        "<ExportedProgram: input: float32[batch, 8], with batch 1 to 16; "
        f"{len(program._tracejet_graph)} nodes, 2 weights (0.0 MiB)>"
    )
    compiled = tracejet.compile(program)
    assert repr(compiled).startswith("<CompiledModule: input: float32[batch, 8], with batch 1 to 16; openvino runs")
    assert repr(compiled) in repr(nn.ModuleList([compiled]))


def test_an_edited_program_says_so():
    program = tracejet.trace(nn.ReLU(), arg_inputs=[X])
    relu = next(node for node in program.graph.nodes if node.op == "call_function")
    relu.target = torch.ops.aten.sigmoid.default
    assert "edited since it was traced" in repr(program)


def test_many_inputs_are_counted():
    class Sum(nn.Module):
        def forward(self, *tensors):
            return sum(tensors)

    program = tracejet.trace(Sum(), arg_inputs=[torch.ones(2)] * 6)
    assert "2 more inputs" in repr(program)


def test_traces_and_compilations_are_logged(caplog):
    with caplog.at_level(logging.INFO, logger="tracejet"):
        tracejet.compile(nn.Linear(8, 4), arg_inputs=[X])
    messages = [record.getMessage() for record in caplog.records if record.name == "tracejet"]
    assert any(message.startswith("traced Linear in ") for message in messages)
    assert any(message.startswith("compiled in ") for message in messages)


PROGRAM = "import torch, tracejet; tracejet.trace(torch.nn.ReLU(), arg_inputs=[torch.ones(2)])"


@pytest.mark.parametrize(("level", "said"), [("info", True), ("WARNING", False), ("", False)])
def test_the_environment_shows_the_log(level, said):
    environment = {**os.environ, "TRACEJET_LOG": level}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert ("tracejet INFO traced ReLU" in ran.stderr) == said


def test_a_level_that_there_isnt_is_warned_of():
    environment = {**os.environ, "TRACEJET_LOG": "loud"}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert "TRACEJET_LOG is 'loud'" in ran.stderr
