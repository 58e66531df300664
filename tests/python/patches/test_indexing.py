"""Indexing by sizes, and by numbers that come from data, is dynamic: read and written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tracejet import Input


def written(x: torch.Tensor) -> torch.Tensor:
    y = x.clone()
    y[:, x.shape[1] - 1] = 0
    y[0, x.shape[1] // 2, 1:] += 2
    y[x.shape[0] - 1] *= 2
    y[..., x.argmax() * 0] = x[..., 1]
    return y


def written_through_a_view(x: torch.Tensor) -> torch.Tensor:
    y = x.clone()
    row = y[:, x.shape[1] // 2]
    row.add_(1)
    y[x.argmin() * 0].mul_(3)
    return y


CASES: dict[str, Callable[[torch.Tensor], Any]] = {
    "last": lambda x: x[:, x.shape[1] - 1],
    "middle": lambda x: x[:, x.shape[1] // 2],
    "first axis": lambda x: x[x.shape[0] - 1],
    "negative": lambda x: x[:, -(x.shape[1] // 2)],
    "two axes": lambda x: x[x.shape[0] - 1, x.shape[1] - 2],
    "behind dots": lambda x: x[..., x.shape[1] // 2, :],
    "new axes": lambda x: x[None, x.shape[0] - 1, ..., None, 2],
    "with slices": lambda x: x[1:, x.shape[1] // 2, ::2],
    "with a tensor": lambda x: x[x.shape[0] - 1, torch.tensor([0, 1]), 2],
    "in a list": lambda x: x[:, [0, x.shape[1] - 1]],
    "linspace": lambda x: x[:, torch.linspace(0, x.shape[1] - 1, 5).long()],
    "linspace of floats": lambda x: torch.linspace(x.shape[1] / 2, -1, 4) + torch.linspace(0.5, x.shape[0], 4),
    "0-dim tensor": lambda x: x[:, x.argmax() * 0 + 1],
    "negative 0-dim tensor": lambda x: x[:, x.argmax() * 0 - 1, 2:],
    "0-dim tensors": lambda x: x[(x.argmax() * 0), :, (x.argmin() * 0).int() + 3],
    "written": written,
    "written through a view": written_through_a_view,
}


@pytest.mark.parametrize("engine", ["module", "aten", "openvino"])
@pytest.mark.parametrize("model", CASES.values(), ids=list(CASES))
def test_indices_are_as_eager_at_every_size(model: Callable[[torch.Tensor], Any], engine: str) -> None:
    inputs = [Input(min_shape=(2, 2, 6), opt_shape=(2, 8, 6), max_shape=(4, 30, 6))]
    program = tracejet.trace(Lambda(model), arg_inputs=inputs)
    run = program.module() if engine == "module" else tracejet.compile(program, engine=engine)
    for batch, size in ((2, 8), (2, 2), (4, 30), (3, 9)):
        x = torch.randn(batch, size, 6)
        assert_equal(model(x.clone()), run(x.clone()), 1e-5, f"{batch}, {size}: ")


def test_an_index_out_of_range_is_refused_when_the_program_runs() -> None:
    inputs = [Input(min_shape=(1, 4), opt_shape=(4, 4), max_shape=(9, 4)), Input((), dtype=torch.int64)]
    program = tracejet.trace(Lambda(lambda x, i: x[i] * 2), arg_inputs=inputs)
    run = tracejet.compile(program, engine="aten")
    x = torch.randn(3, 4)
    assert torch.equal(run(x, torch.tensor(-3)), x[0] * 2)
    for index in (3, -4):
        with pytest.raises(Exception, match=r"out of range|doesn't hold|index"):
            run(x, torch.tensor(index))


def test_too_many_indices_are_an_error_as_in_eager() -> None:
    with pytest.raises(IndexError, match="too many indices"):
        tracejet.trace(
            Lambda(lambda x: x[0, 1, x.shape[0] - 1]),
            arg_inputs=[Input(min_shape=(2, 4), opt_shape=(3, 4), max_shape=(4, 4))],
        )


def test_a_mask_beside_a_size() -> None:
    kept = torch.tensor([True, False, True, True])
    inputs = [Input(min_shape=(1, 4), opt_shape=(4, 4), max_shape=(9, 4))]
    program = tracejet.trace(Lambda(lambda x: x[x.shape[0] - 1, kept]), arg_inputs=inputs)
    x = torch.randn(7, 4)
    assert torch.equal(program.module()(x), x[6, kept])


OUT_OF_RANGE = {
    "embedding": lambda x, i: functional.embedding(i, x),
    "index_select": lambda x, i: x.index_select(0, i),
    "index": lambda x, i: x[i],
    "two indices": lambda x, i: x[i, i],
    "gather": lambda x, i: x.gather(0, i[:, None]),
    "scatter": lambda x, i: x.scatter(0, i[:, None], 1.0),
    "scatter_add": lambda x, i: x.scatter_add(0, i[:, None], x[:3]),
    "written": lambda x, i: x.index_put((i,), torch.zeros(4)),
}


@pytest.mark.parametrize("engine", ["aten", "openvino"])
@pytest.mark.parametrize("function", OUT_OF_RANGE.values(), ids=OUT_OF_RANGE)
def test_indices_out_of_range_are_refused(function, engine):
    x, within = torch.arange(20.0).view(5, 4), torch.tensor([0, 3, 1])
    compiled = tracejet.compile(Lambda(function), arg_inputs=[x, within], engine=engine)
    for beyond in ([0, 7, 1], [-9, 0, 0], [5, 0, 0]):
        with pytest.raises(Exception, match="out of range|out of bounds"):
            compiled(x, torch.tensor(beyond))
        torch.testing.assert_close(compiled(x, within), function(x, within))
