"""Programs that several engines share, of which one may fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import nn
from torch.fx import GraphModule, Node

import tracejet
from tests.support.lambda_module import Lambda, batch
from tests.support.partitions import ROWS, assert_same, compiled_in_parts, twice
from tests.support.python_engines import Adder, Everything, registered

# Other engines --------------------------------------------------------------------------------------------------------


class Mixed(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.exp() + x
        return twice(y) + y * 3


def test_engines_share_a_program_in_the_order_of_preference() -> None:
    with registered(Adder()):
        compiled = compiled_in_parts(Mixed(), batch(8), engine=["adder", "openvino"])
        default = tracejet.compile(Mixed(), arg_inputs=[batch(8)], min_block_size=1)
    assert set(compiled.report.engines) == {"adder", "openvino", "aten"}
    assert "adder" not in default.report.engines  # whoever registers an engine has to name it
    assert_same(Mixed(), compiled, [(x,) for x in ROWS])


class Broken(Adder):
    """Fails where it is told to."""

    name = "broken"

    def __init__(self, where: str):
        self.where = where

    def find_unsupported(self, program: GraphModule) -> Mapping[Node, str]:
        if self.where == "find_unsupported":
            raise ValueError("no beads")
        return super().find_unsupported(program)

    def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
        if self.where == "compile":
            raise ValueError("no beads")
        if self.where == "late":
            raise tracejet.UnsupportedOperator("no beads")

        def run(*inputs: torch.Tensor) -> Any:
            raise ValueError("no beads")

        return run


@pytest.mark.parametrize("where", ["find_unsupported", "compile", "late"])
def test_an_engine_that_fails_leaves_its_part_to_the_next_and_says_so(where: str) -> None:
    settings: dict[str, Any] = {"arg_inputs": [batch(8)], "engine": ["broken", "openvino"], "min_block_size": 1}
    with registered(Broken(where)):
        with pytest.warns(tracejet.BuildWarning, match="broken failed to .* which go to the next engine: .*no beads"):
            compiled = tracejet.compile(Mixed(), **settings)
        with pytest.raises((ValueError, tracejet.UnsupportedOperator), match="no beads"):
            tracejet.compile(Mixed(), pass_through_build_failures=True, **settings)
    assert "broken" not in compiled.report.engines
    assert any("no beads" in note for note in compiled.report.notes)
    assert_same(Mixed(), compiled, [(x,) for x in ROWS])


def test_stopping_is_no_failure() -> None:
    class Stopping(Adder):
        def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
            raise KeyboardInterrupt

    with registered(Stopping()), pytest.raises(KeyboardInterrupt):
        tracejet.compile(Mixed(), arg_inputs=[batch(8)], engine=["adder"], min_block_size=1)


def test_an_engine_that_fails_in_a_run_is_an_error_of_its_own() -> None:
    with registered(Broken("run")):
        compiled = compiled_in_parts(Mixed(), batch(8), engine=["broken", "openvino"])
    with pytest.raises(ValueError, match="no beads"):
        compiled(torch.ones(2, 8))


def test_an_engine_that_refuses_a_cut_gets_another() -> None:
    class Picky(Everything):
        """Takes exp only where it sees the sum that it works on."""

        def find_unsupported(self, program: GraphModule) -> Mapping[Node, str]:
            refused = {}
            for node in (node for node in program.graph.nodes if node.op == "call_function"):
                if node.target == torch.ops.tracejet_partition.twice.default:
                    refused[node] = "is a stranger"
                if node.target == torch.ops.aten.exp.default and node.args[0].op == "placeholder":
                    refused[node] = "stands at the edge"
            return refused

    model = Lambda(lambda x: twice(x + 1).relu().exp() + twice(x * 2).exp())
    with registered(Picky()):
        settings: dict[str, Any] = {"arg_inputs": [batch(8)], "engine": ["everything"], "min_block_size": 1}
        planned = tracejet.compile(model, dryrun=True, **settings)
        compiled = tracejet.compile(model, **settings)
    assert planned.report.to_json() == compiled.report.to_json()
    reasons = [call.reason for call in compiled.report.fallbacks if call.operator == "aten::exp"]
    assert reasons == ["stands at the edge"]
    assert_same(model, compiled, [(x,) for x in ROWS])


def test_verify_names_the_call_that_one_of_the_engines_gets_wrong() -> None:
    class Wrong(Adder):
        def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
            for node in program.graph.find_nodes(op="call_function", target=torch.ops.aten.add.Tensor):
                node.target = torch.ops.aten.sub.Tensor
            program.recompile()
            return program

    program = tracejet.trace(Mixed(), arg_inputs=[batch(8)])
    with registered(Wrong()):
        compiled = tracejet.compile(program, engine=["adder", "openvino"], min_block_size=1)
        verification = tracejet.verify(program, compiled)
    assert not verification.ok
    assert verification.first is not None and verification.first.operator == "aten::add.Tensor"
