"""What an operator needs of sizes that only 0 and 1 lack is checked in a run: loud where eager is, and only there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from tests.support.lambda_module import Lambda
from tracejet import Input

#: Of [rows, columns], each from 0 on, and 3 in the last axis.
SIZES = [(3, 4), (0, 4), (1, 4), (3, 0), (3, 1), (0, 0), (1, 1), (2, 2), (6, 6)]


def declared() -> Input:
    return Input(min_shape=(0, 0, 3), opt_shape=(3, 4, 3), max_shape=(6, 6, 3), shared_dims={0: "rows", 1: "columns"})


def outcome(run: Callable[..., Any], x: torch.Tensor) -> Any:
    try:
        with torch.no_grad():
            return run(x)
    except Exception as error:
        return error


def assert_refused_like_eager(model: Lambda, compiled: Callable[..., Any]) -> None:
    """At some of the sizes, and at no others."""
    refused = 0
    for rows, columns in SIZES:
        x = torch.randn(rows, columns, 3)
        expected, got = outcome(model, x), outcome(compiled, x)
        if isinstance(expected, Exception):
            refused += 1
            assert isinstance(got, tracejet.Error), f"at {(rows, columns)}: eager says {expected}, the program {got}"
            assert "test_small_sizes.py" in str(got), got
        else:
            assert not isinstance(got, Exception), f"at {(rows, columns)}: {got}"
            torch.testing.assert_close(got, expected)
    assert refused > 0


#: By an operator that eager refuses at some of the sizes.
REFUSED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "aten::topk": lambda x: x.topk(2, dim=1).values * 2,
    "aten::kthvalue": lambda x: x.kthvalue(2, dim=0).values * 2,
    "aten::_pad_circular": lambda x: F.pad(x.transpose(1, 2), (1, 1), mode="circular") + 1,
    "aten::upsample_nearest1d": lambda x: F.interpolate(x.transpose(1, 2), scale_factor=2.0) + 1,
    "aten::upsample_linear1d": lambda x: F.interpolate(x.transpose(1, 2), size=4, mode="linear") + 1,
    "aten::im2col": lambda x: F.unfold(x.unsqueeze(1), (2, 2)) + 1,
    "aten::col2im": lambda x: F.fold(F.unfold(x.unsqueeze(1), (2, 2)), (x.shape[1], 3), (2, 2)),
    "aten::narrow": lambda x: x.narrow(1, 0, x.shape[1] - 1) + 1,
    "aten::grid_sampler": lambda x: F.grid_sample(x.unsqueeze(1), x.new_zeros(len(x), 2, 2, 2), align_corners=False),
    "aten::max_pool": lambda x: F.max_pool1d(x.transpose(1, 2), 2) + 1,
    "aten::conv": lambda x: F.conv1d(x.transpose(1, 2), torch.ones(2, 3, 2)) + 1,
}


@pytest.mark.parametrize("engine", ["aten", "auto"])
@pytest.mark.parametrize("op", REFUSED)
def test_a_run_is_refused_where_eager_refuses_it_and_only_there(op: str, engine: str) -> None:
    model = Lambda(REFUSED[op])
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[declared()]), engine=engine)
    assert_refused_like_eager(model, compiled)


def refuses_one(x: torch.Tensor) -> torch.Tensor:
    if x.shape[1] == 1 and x.shape[0] == 1:
        raise ValueError("one number has no spread")
    return x * 2


#: What Python code refuses, PyTorch's own or the model's.
REFUSED_BY_CODE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "instance_norm": lambda x: F.instance_norm(x.transpose(1, 2)),
    "model": refuses_one,
}


@pytest.mark.parametrize("name", REFUSED_BY_CODE)
def test_a_run_is_refused_where_the_models_code_refuses_it(name: str) -> None:
    model = Lambda(REFUSED_BY_CODE[name])
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[declared()]), engine="aten")
    assert_refused_like_eager(model, compiled)


def test_nothing_is_checked_that_the_declared_range_says() -> None:
    x = Input(min_shape=(2, 2, 3), opt_shape=(3, 4, 3), max_shape=(6, 6, 3))
    program = tracejet.trace(Lambda(REFUSED["aten::topk"]), arg_inputs=[x])
    assert not any("assert" in str(node.target) for node in program.graph.nodes)
