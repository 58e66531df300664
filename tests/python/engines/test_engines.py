"""Engines written in Python: whatever knows an engine by its name knows these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import nn
from torch.fx import GraphModule, Node

import tracejet
from testing.models import SMALL_MODELS
from tests.support.lambda_module import Lambda, batch
from tests.support.python_engines import Everything, Sum, registered
from tests.support.small_models import Counter


class Giving(Everything):
    """Gives these values, whatever the program says."""

    def __init__(self, *values: Any):
        self.values = values

    def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
        return lambda *inputs: self.values


class Mixed(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.exp() + x
        return y.exp() * x


@pytest.mark.usefixtures("adder")
def test_an_engine_of_ones_own_compiles_runs_and_is_verified() -> None:
    model = Sum()
    program = tracejet.trace(model, arg_inputs=[batch(8)], validate="error", engine="adder")
    report = tracejet.check(program, engine="adder")
    assert report.ok and report.taken == {"aten::add.Tensor": 2}
    compiled = tracejet.compile(program, engine="adder")
    for rows in (1, 2, 9):
        x = torch.randn(rows, 8)
        torch.testing.assert_close(compiled(x), model(x), rtol=0, atol=0)
    assert not compiled(x).requires_grad
    with pytest.raises(tracejet.InvalidInput, match="axis 0 is 99"):
        compiled(torch.randn(99, 8))
    verification = tracejet.verify(program, compiled)
    assert verification.ok and verification.engine == "adder"


@pytest.mark.usefixtures("adder")
def test_what_it_does_not_take_is_reported_with_lines_and_refused_as_a_whole() -> None:
    report = tracejet.check(Mixed(), engine="adder", arg_inputs=[batch(8)])
    assert [call.operator for call in report.refused] == ["aten::exp", "aten::exp", "aten::mul.Tensor"]
    assert {call.reason for call in report.refused} == {"is no sum"}
    assert "y = x.exp() + x" in report.refused[0].line.text
    assert report.taken == {"aten::add.Tensor": 1}
    with pytest.raises(tracejet.UnsupportedOperator) as caught:
        tracejet.compile(Mixed(), engine="adder", arg_inputs=[batch(8)])
    message = caught.value.message
    assert message.startswith("adder can't run 3 operators of this program:\n  aten::exp is no sum (2 times)")
    assert "return y.exp() * x" in message
    assert message.endswith('The engine "aten" runs every program.')
    with pytest.raises(tracejet.UnsupportedOperator, match="adder can't run 3 operators"):
        tracejet.trace(Mixed(), arg_inputs=[batch(8)], validate="error", engine="adder")


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_the_program_that_it_is_given_is_the_model(name: str) -> None:
    case = SMALL_MODELS[name]
    model = case.module()
    args, kwargs = case.tracejet_inputs()
    with registered(Everything()):
        compiled = tracejet.compile(model, arg_inputs=args, kwarg_inputs=kwargs, engine="everything")
    inputs, keywords = case.example()
    torch.testing.assert_close(compiled(*inputs, **keywords), model(*inputs, **keywords))


def test_buffers_change_after_the_run_all_at_once() -> None:
    with registered(Everything()):
        compiled = tracejet.compile(Counter(), arg_inputs=[batch(8)], engine="everything")
    x = torch.zeros(2, 8)
    assert [float(compiled(x)[0, 0]) for _ in range(3)] == [1, 2, 3]


def test_numbers_come_and_go() -> None:
    def forward(x: torch.Tensor, n: torch.Tensor) -> tuple[Any, ...]:
        return x.shape[0], x.view(-1), n.item() + 1, x.sum().item(), None, "text"

    inputs = [batch(8), torch.tensor(3)]
    with registered(Everything()):
        compiled = tracejet.compile(Lambda(forward), arg_inputs=inputs, engine="everything")
    x = torch.ones(5, 8)
    rows, flat, number, total, *rest = compiled(x, torch.tensor(41))
    assert (rows, number, total, rest) == (5, 42, 40.0, [None, "text"])
    assert flat.shape == (40,)


def test_control_flow_and_sizes_of_data_are_part_of_the_program() -> None:
    def forward(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        chosen = torch.cond(x.sum() > 0, lambda x: x.exp(), lambda x: x.tanh() * x.shape[0], (x,))
        return chosen, x[x > 0] * 2, x.reshape(-1, x.shape[0] * 2)

    with registered(Everything()):
        compiled = tracejet.compile(Lambda(forward), arg_inputs=[batch(8)], engine="everything")
    for x in (torch.randn(3, 8), -torch.rand(5, 8), torch.rand(1, 8)):
        torch.testing.assert_close(compiled(x), forward(x))


def test_verify_names_the_call_that_an_engine_gets_wrong() -> None:
    class Sines(Everything):
        def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
            for node in program.graph.find_nodes(op="call_function", target=torch.ops.aten.exp.default):
                node.target = torch.ops.aten.sin.default
            program.recompile()
            return program

    program = tracejet.trace(Mixed(), arg_inputs=[batch(8)])
    with registered(Sines()):
        verification = tracejet.verify(program, tracejet.compile(program, engine="everything"))
    assert not verification.ok
    assert verification.first is not None and verification.first.operator == "aten::exp"
    assert "y = x.exp() + x" in verification.first.where


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((), "gave 0 values, but this program has 1 outputs"),
        ((torch.ones(2, 8), torch.ones(2, 8)), "gave 2 values, but this program has 1 outputs"),
        ((torch.ones(2, 8, dtype=torch.float64),), "gave output 0 of this program as Double on cpu, but it is float32"),
        ((torch.ones(8, 2),), r"gave output 0 of this program the shape \[8, 2\].*can't be trusted"),
        ((3,), "gave output 0 of this program as int, but it is float32"),
        ((None,), "gave output 0 of this program as NoneType, but it is float32"),
    ],
)
def test_what_it_gives_is_checked(values: tuple[Any, ...], message: str) -> None:
    with registered(Giving(*values)):
        compiled = tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="everything")
    with pytest.raises(tracejet.Error, match=f"everything {message}"):
        compiled(torch.ones(2, 8))


def test_a_wrong_number_is_refused() -> None:
    with registered(Giving(1.5)):
        compiled = tracejet.compile(
            Lambda(lambda x: x.sum().to(torch.int64).item()), arg_inputs=[batch(8)], engine="everything"
        )
    with pytest.raises(tracejet.Error, match="as float, but it is an integer"):
        compiled(torch.ones(2, 8))


class NoBeads(Exception):
    pass


class Broken(Everything):
    def __init__(self, where: str):
        self.where = where

    def _at(self, place: str) -> None:
        if self.where == place:
            raise NoBeads(place)

    def runs_on(self, device: torch.device) -> bool:
        self._at("runs_on")
        return True

    def check_settings(self, settings: tracejet.CompileSettings) -> None:
        self._at("check_settings")

    def find_unsupported(self, program: GraphModule) -> Mapping[Node, str]:
        self._at("find_unsupported")
        return {}

    def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
        self._at("compile")

        def run(*inputs: torch.Tensor) -> Any:
            self._at("run")
            return program(*inputs)

        return run


@pytest.mark.parametrize("where", ["runs_on", "check_settings", "find_unsupported", "compile", "run"])
def test_what_it_raises_comes_through_as_it_is(where: str) -> None:
    with registered(Broken(where)):
        with pytest.raises(NoBeads, match=where) as caught:
            tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="everything")(torch.ones(2, 8))
        assert any(entry.name == "_at" for entry in caught.traceback)
        if where in ("runs_on", "find_unsupported"):
            with pytest.raises(NoBeads):
                tracejet.check(Sum(), arg_inputs=[batch(8)], engine="everything")


def test_an_engine_may_refuse_what_it_finds_late() -> None:
    class Late(Everything):
        def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
            raise tracejet.UnsupportedOperator("no kernels today")

    with registered(Late()), pytest.raises(tracejet.UnsupportedOperator, match="no kernels today"):
        tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="everything")


def test_errors_of_pytorchs_kernels_name_operator_and_line() -> None:
    rows = Lambda(lambda x, i: x.exp()[i] * 2)
    compiled = tracejet.compile(rows, arg_inputs=[batch(3), batch(dtype=torch.int64)], engine="aten")
    with pytest.raises(IndexError, match=r"out of bounds(.|\n)*aten::index(.|\n)*test_engines.py.*\[i\]"):
        compiled(torch.ones(3, 3), torch.tensor([0, 9, 1]))
