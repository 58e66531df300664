"""int64 on OpenVINO, which computes it in 32 bits: what leaves them is refused or warned of, what can't is neither."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import tracejet
from tests.support.integers import assert_same
from tests.support.lambda_module import Lambda, batch


def test_int64_that_certainly_leaves_32_bits_is_refused():
    x = torch.tensor([1, 255], dtype=torch.uint8)
    program = tracejet.trace(Lambda(lambda x: x.long() * 3_000_000_000), arg_inputs=[x])
    with pytest.raises(tracejet.UnsupportedOperator, match=r"aten::mul.*0 to 765000000000(.|\n)*test_openvino_32_bits"):
        tracejet.compile(program, engine="openvino")


BEYOND_32_BITS = {
    "added": lambda x: x + 2**40,
    "subtracted from": lambda x: 2**40 - x,
    "multiplied": lambda x: x * 2654435761 % 1024,
    "bits set": lambda x: x | 2**33,
    "bits turned": lambda x: x ^ 2**33,
    "a bound": lambda x: torch.maximum(x, torch.tensor(2**40)),
}


@pytest.mark.parametrize("function", BEYOND_32_BITS.values(), ids=BEYOND_32_BITS)
def test_numbers_beyond_32_bits_in_arithmetic_are_refused(function):
    program = tracejet.trace(Lambda(function), arg_inputs=[torch.tensor([1, 255])])
    with pytest.raises(tracejet.UnsupportedOperator, match=r"no conversion that is exact(.|\n)*test_openvino_32_bits"):
        tracejet.compile(program, engine="openvino")
    assert_same(tracejet.compile(program, engine="aten")(torch.tensor([3, 7])), function(torch.tensor([3, 7])))


def test_int64_that_may_leave_32_bits_is_a_warning_with_operator_line_and_range():
    x = torch.tensor([1, 255])
    program = tracejet.trace(Lambda(lambda x, y: x * y), arg_inputs=[x, x])
    expected = r"aten::mul(.|\n)*right from -2147483648 to 2147483647(.|\n)*test_openvino_32_bits"
    with pytest.warns(tracejet.EngineWarning, match=expected):
        compiled = tracejet.compile(program, engine="openvino")
    assert_same(compiled(x, x), x * x)
    report = tracejet.check(program)
    assert report.ok
    assert [call.operator for call in report.warnings] == ["aten::mul.Tensor"]
    assert report.to_json()["warnings"]
    assert "right from" in str(report)


def test_inputs_beyond_32_bits_are_refused_by_name():
    program = tracejet.trace(Lambda(lambda x: x + 1), arg_inputs=[torch.tensor([1, 2])])
    compiled = tracejet.compile(program, engine="openvino")
    with pytest.raises(tracejet.InvalidInput, match="holds 4294967296, but openvino computes int64 in 32 bits"):
        compiled(torch.tensor([1, 2**32]))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.long(),
        lambda x: x.to(torch.int64) * 0,
        lambda x: x.sum(0, dtype=torch.int64),
        lambda x: x.cumsum(0, dtype=torch.int64),
        lambda x: torch.zeros(3, dtype=torch.int64).copy_(x),
        lambda x: x.new_zeros(3).long() + int(x.abs().amax().item()),
    ],
)
def test_floats_beyond_32_bits_arent_cut_in_silence(function) -> None:
    program = tracejet.trace(Lambda(function), arg_inputs=[torch.ones(3)])
    compiled = tracejet.compile(program, engine="openvino")
    assert_same(compiled(torch.tensor([-2147483520.0, 7.9, 5.0])), function(torch.tensor([-2147483520.0, 7.9, 5.0])))
    for number in (2147483648.0, 1e10, -3e18):
        with pytest.raises(tracejet.Error, match=r"2147483648 or more is cast to int64(.|\n)*test_openvino_32_bits"):
            compiled(torch.tensor([1.0, number, 2.0]))
    odd = torch.tensor([1.0, float("nan"), 1e30])
    try:
        function(odd)
    except ValueError:  # Python's int() of NaN
        with pytest.raises(tracejet.InvalidInput, match="made of NaN or infinity"):
            compiled(odd)
    else:
        compiled(odd)  # int64 holds neither: undefined in PyTorch


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x.sigmoid() * 1000).long(),
        lambda x: x.clamp(-5, 5).long(),
        lambda x: torch.arange(9.0)[(x * 3).long()],
        lambda x: (x.half() * 2).long(),
    ],
)
def test_floats_that_32_bits_hold_become_integers(function) -> None:
    model = Lambda(function)
    program = tracejet.trace(model, arg_inputs=[torch.ones(3)])
    x = torch.tensor([0.5, 1.5, 2.5])
    assert_same(tracejet.compile(program, engine="openvino")(x), model(x))


SAFE = {
    "ids of an embedding": lambda ids: F.embedding(ids * 1 + 2, torch.ones(50, 4)),
    "positions of a mask": lambda ids: (ids != 1).long().cumsum(1) * (ids != 1).long() + 1,
    "a mask's sum": lambda ids: (ids != 1).long().sum(1) - 1,
    "a counter": lambda ids: ids + 1,
    "an argmax": lambda ids: ids.eq(3).int().argmax(-1) * 100,
    "relative positions": lambda ids: (
        (torch.arange(ids.shape[1])[None] - torch.arange(ids.shape[1])[:, None]) * 1000 + 7
    ),
    "ids compared and filled": lambda ids: ids.masked_fill(ids == -100, 0).clamp(max=7),
}


@pytest.mark.filterwarnings("error::tracejet.EngineWarning")
@pytest.mark.parametrize("name", SAFE)
def test_what_the_trace_knows_proves_that_no_warning_is_due(name: str):
    ids = torch.tensor([[1, 5, 3], [3, 1, 1]])
    program = tracejet.trace(Lambda(SAFE[name]), arg_inputs=[batch(3, dtype=torch.int64)])
    assert_same(tracejet.compile(program, engine="openvino")(ids), SAFE[name](ids))
