"""A set of decompositions that is changed: operators kept, expanded and replaced."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from testing.compare import assert_equal
from tests.support.decompositions import aten, recorded, trace
from tests.support.lambda_module import Lambda, batch
from tracejet import DecompositionTable

# Changes -------------------------------------------------------------------------------------------------------------


def test_an_operator_is_kept_expanded_or_replaced() -> None:
    table = DecompositionTable().keep(aten.silu.default).expand("aten::_softmax")
    table.replace(aten.linear, lambda x, weight, bias=None: torch.matmul(x, weight.t()) + bias)
    found = recorded(trace(table))
    assert "aten::silu" in found
    assert "aten::_softmax" not in found
    assert "aten::matmul" in found
    assert "aten::addmm" not in found


def test_a_replacement_may_write_to_tensors_of_its_own_and_leave_calls_alone() -> None:
    def hardswish(x: torch.Tensor) -> Any:
        if x.dim() == 2:
            return NotImplemented
        result = x.clone()
        result.add_(3).clamp_(0, 6).mul_(x)
        return result / 6

    table = DecompositionTable("none").replace(aten.hardswish, hardswish)
    model = Lambda(lambda x: (F.hardswish(x), F.hardswish(x[0])))
    program = tracejet.trace(model, arg_inputs=[batch(3, 4)], decompositions=table)
    assert {"aten::hardswish", "aten::clamp"} <= recorded(program)
    x = torch.randn(5, 3, 4)
    assert_equal(model(x), program.module()(x))


@pytest.mark.parametrize("op", [aten.silu, aten.linear])
def test_a_replacement_that_calls_what_it_replaces_is_refused(op: Any) -> None:
    table = DecompositionTable().replace(op, lambda *args: op(*args) * 1)
    with pytest.raises(tracejet.UnsupportedOperator, match="would go on for ever"):
        trace(table)


def test_two_replacements_that_call_each_other_are_refused() -> None:
    table = DecompositionTable().replace(aten.silu, F.mish).replace(aten.mish, F.silu)
    with pytest.raises(tracejet.UnsupportedOperator, match=r"aten::silu\].*\n?.*for ever"):
        trace(table)


def test_a_replacement_must_return_what_the_operator_does() -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="returned a .*str.*expected Tensor"):
        trace(DecompositionTable().replace(aten.silu, lambda x: "silu"))


def test_a_replacement_may_not_write_to_its_arguments() -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="write to a clone"):
        trace(DecompositionTable().replace(aten.silu, lambda x: x.mul_(2)))


def test_an_operator_without_a_decomposition_in_cpp_is_expanded_by_pytorchs_in_python() -> None:
    table = DecompositionTable().expand(aten.addmv.default)
    assert table.decision("aten::addmv") == ("replaced", "by PyTorch's decomposition in Python (slow)")
    model = Lambda(lambda x: torch.addmv(x[:, 0], x, x[0]))
    program = tracejet.trace(model, arg_inputs=[batch(3)], decompositions=table)
    assert "aten::addmv" not in recorded(program)
    x = torch.randn(4, 3)
    assert_equal(model(x), program.module()(x))


def test_a_trace_takes_a_copy_of_the_table() -> None:
    table = DecompositionTable()
    edited = DecompositionTable(table).keep("aten::silu")
    assert "aten::silu" not in recorded(trace(table))
    assert "aten::silu" in recorded(trace(edited))


def as_tanh(x: torch.Tensor, approximate: str = "none") -> torch.Tensor:
    return torch.tanh(x)


def test_a_table_says_what_happens_to_every_operator_and_why() -> None:
    table = DecompositionTable().keep(aten.silu.default).replace(aten.gelu.default, as_tanh)
    assert table.decision(aten.silu.default) == ("kept", "as asked for by keep()")
    assert table.decision("aten::hardswish") == ("expanded in C++", "by its decomposition in C++")
    assert table.decision("aten::std") == ("expanded by ATen", "ATen makes it of other operators")
    assert table.decision("aten::matmul") == ("kept", "engines run it whole")
    assert table.decision("aten::add.Tensor") == ("kept", "no decomposition is needed")
    assert repr(table) == 'DecompositionTable("tensorrt").keep(aten.silu.default).replace(aten.gelu.default, as_tanh)'
    lines = {line.split()[0]: line for line in str(table).splitlines()[1:]}
    assert "by as_tanh, as asked for by replace()" in lines["aten::gelu"]
    assert len(lines) > 900


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: DecompositionTable("all"), 'one of "tensorrt", "core_aten", "none"'),
        (lambda: DecompositionTable().keep("aten::add"), "its overloads are aten::add.Scalar, aten::add.Tensor"),
        (lambda: DecompositionTable().keep("aten::no_such"), "no operator aten::no_such"),
        (lambda: DecompositionTable().keep("aten::add_.Tensor"), "change that one"),
        (lambda: DecompositionTable().keep("aten::reshape"), "can't be kept"),
        (lambda: DecompositionTable().expand("aten::convolution"), "by a function of yours"),
        (lambda: DecompositionTable().keep(torch.relu), "expected an operator"),  # type: ignore[arg-type]
        (lambda: trace(DecompositionTable, decompose_attention=True), "or a DecompositionTable"),
    ],
)
def test_what_a_table_cant_do_is_refused_with_what_to_do(change: Any, message: str) -> None:
    with pytest.raises(tracejet.InvalidInput, match=message):
        change()
