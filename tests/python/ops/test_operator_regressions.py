"""What random programs and the operator database once found wrong, one small model each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda, batch


def _written(x: torch.Tensor, write: Callable[[torch.Tensor], Any]) -> torch.Tensor:
    x = x * 1
    write(x)
    return x


def _aliased(x: torch.Tensor) -> torch.Tensor:
    whole = x[:, : x.shape[1] + 3]
    x.add_(1)
    return whole


SAME = {
    "the bounds of integers": lambda x: functional.hardtanh((x * 4).long()),
    "tensor_split at size 1": lambda x: x[:2].tensor_split(2)[0],
    "a write to a part of unbind": lambda x: _written(x, lambda x: x.unbind(1)[-1].add_(1)),
    "a write through strides that become symbolic": lambda x: _written(
        x.tile(2), lambda x: (x.mT.narrow(1, 0, 1).zero_(), x.zero_(), x.narrow(1, 0, 1).zero_())
    ),
    "a view that keeps an odd product": lambda x: functional.max_pool2d(x[None], 3, 2, 1).view(1, -1),
    "a size that is cancelled": lambda x: x.reshape(-1, x.shape[0] * 2, 3).reshape(x.shape[0], -1),
    "an alias of what is written to later": lambda x: _aliased(x * 1),
    "an index from the end": lambda x: torch.take_along_dim(x, torch.tensor([[-1]]), 1),
    "parts of a conjugate": lambda x: (torch.complex(x, x * 2).conj().imag, torch.complex(x, x).mH.real),
    "a write through a conjugate": lambda x: _written(torch.complex(x, x * 2), lambda z: z.conj().imag.mul_(2)).abs(),
    "a softmax of nothing": lambda x: x[:, :0].log_softmax(1),
    "masked_scatter of nothing": lambda x: x.masked_scatter(x.isnan(), x[:, :0]),
    "an outer product added to a number": lambda x: torch.addr(torch.tensor(1.0).double(), x[0], x[0]),
    "the loss of one list of classes": lambda x: functional.nll_loss(x[0], torch.tensor([1])),
    "a list of labels of one class": lambda x: functional.multilabel_margin_loss(x[0, :1], torch.tensor(0)),
    "a roll of nothing": lambda x: (x[1:].roll(-2, 0), x[1:].roll(3)),
    "circular padding to a multiple": lambda x: functional.pad(
        x.mT.repeat(1, 3)[None], (-x.shape[0] % 4, 0), mode="circular"
    ),
    "instance_norm over as many channels as there are rows": lambda x: functional.instance_norm(x[None]),
    "a flat part of a table, up to all of it": lambda x: torch.arange(45).view(5, 9)[:, : x.shape[0]].flatten(),
}


@pytest.mark.parametrize("function", SAME.values(), ids=SAME)
def test_what_once_was_wrong_is_as_eager(function: Callable[..., Any]) -> None:
    assert_same_as_eager(Lambda(function), [batch(6)])


WRITES_TO_SHARED_MEMORY = {
    "expand": lambda x: x.expand(3, -1, -1)[0].add_(1),
    "diagonal of expand": lambda x: x.unsqueeze(2).expand(-1, -1, x.shape[0]).diagonal().fill_(2),
    "unfold": lambda x: x.unfold(1, 3, 1)[0].zero_(),
}


@pytest.mark.parametrize("write", WRITES_TO_SHARED_MEMORY.values(), ids=WRITES_TO_SHARED_MEMORY)
def test_writing_to_elements_that_share_memory_is_refused(write: Callable[..., Any]) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="clone"):
        tracejet.dynamo.trace(Lambda(lambda x: _written(x, write)), arg_inputs=[batch(6)])


CHECKS = {
    "a window larger than the smallest size": lambda x: x.unfold(0, 2, 1),
    "a window larger than its axis": lambda x: x.unfold(0, 3, 1),
    "a part that doesn't fit": lambda x: x.narrow(0, 1, 1),
    "a normalized_shape that isn't the input's": lambda x: functional.rms_norm(x.mT, (4,)),
}


@pytest.mark.parametrize("function", CHECKS.values(), ids=CHECKS)
def test_what_eager_checks_restricts_the_range(function: Callable[..., Any]) -> None:
    with pytest.raises(tracejet.ConstraintViolation):
        tracejet.dynamo.trace(Lambda(function), arg_inputs=[batch(6)])


@pytest.mark.parametrize("k", [0, 7])
def test_kthvalue_beyond_its_axis_is_refused(k: int) -> None:
    with pytest.raises(tracejet.ShapeError, match=rf"kthvalue.*k is \[?{k}.*6"):
        tracejet.dynamo.trace(Lambda(lambda x: x.kthvalue(k, 1)), arg_inputs=[batch(6)])
