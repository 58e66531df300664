"""What eager refuses is refused: calls that PyTorch lists as errors, and its samples with one tensor altered."""

from __future__ import annotations

import warnings
from random import Random
from typing import Any

import pytest
import torch
from torch import nn
from torch.testing._internal.common_methods_invocations import op_db

import tracejet
from tests.support.altered_calls import Judgement, altered, call_of, wrongly_taken
from tests.support.databases import one_in_ten_by_default

CPU = torch.device("cpu")
SAMPLES = 4
#: Eager's own kernels read or write where they mustn't when a tensor is altered, which ends the process.
CRASHES_EAGER = {"lu_unpack", "native_batch_norm", "_native_batch_norm_legit", "_batch_norm_with_update"}
CRASHES_EAGER |= {"_segment_reduce.lengths", "_segment_reduce.offsets", "linalg.lstsq.grad_oriented"}
#: Operators of backward passes and of PyTorch's own bookkeeping, which no model calls.
PRIVATE = {"_chunk_cat", "_softmax_backward_data", "jiterator_unary"}
#: The cases listed as errors ask for devices by name as text, which isn't what the database is given.
NO_LIST = {"complex", "cat"}

LISTED = [op for op in op_db if op.error_inputs_func is not None and op.name not in NO_LIST | PRIVATE]
ALTERABLE = [op for op in op_db if torch.float32 in op.dtypes and op.full_name not in CRASHES_EAGER | PRIVATE]


def assert_refused(judged: list[str | Judgement]) -> None:
    if all(judgement is Judgement.NOT_COMPARED for judgement in judged):
        pytest.skip("eager refuses none of these calls but for reasons that don't hold for traces")
    assert not [problem for problem in judged if isinstance(problem, str)]


@pytest.mark.parametrize("op", one_in_ten_by_default(LISTED))
def test_calls_that_are_listed_as_errors_are_refused(op: Any) -> None:
    calls = [call_of(op, error.sample_input) for error in op.error_inputs(CPU)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        judged = [wrongly_taken(*call) for call in calls if call is not None]
    assert_refused(judged)


@pytest.mark.parametrize("op", one_in_ten_by_default(ALTERABLE))
def test_altered_calls_that_eager_refuses_are_refused(op: Any) -> None:
    rng = Random(op.full_name)
    samples = list(op.sample_inputs(CPU, torch.float32))
    judged: list[str | Judgement] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in rng.sample(samples, min(SAMPLES, len(samples))):
            if (call := call_of(op, sample)) is not None:
                judged += [wrongly_taken(call[0], tensors) for tensors in altered(call[1], rng)]
    assert_refused(judged)


X, INDEX = torch.zeros(3, 2), torch.tensor([1, 2])
FOUR = torch.zeros(4, 5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: X.index_copy(0, INDEX, torch.ones(1, 2)),
        lambda: X.index_add(0, torch.tensor(1), torch.ones(2)),
        lambda: X.index_fill(0, torch.tensor([[1]]), 2.0),
        lambda: INDEX.clone().add_(0.5),
        lambda: torch.ones(1, 2).add_(torch.ones(3, 2)),
        lambda: INDEX.clone().div_(2),
        lambda: torch.trace(torch.ones(2, 3, 4)),
        lambda: torch.tensor(1.0).transpose(0, 1),
        lambda: torch.tensor(1.0).flatten(0, 2),
        lambda: torch.unique_consecutive(torch.tensor(1.0), dim=-1),
        lambda: torch.empty_permuted((2, 3), (0, 7)),
        lambda: torch.addr(torch.ones(2, 3), torch.ones(1), torch.ones(3)),
        lambda: nn.functional.nll_loss(FOUR, torch.zeros(4, dtype=torch.long), weight=torch.ones(1)),
        lambda: nn.functional.nll_loss(torch.zeros(2, 3, 2, 3), torch.zeros(2, 1, 3, dtype=torch.long)),
        lambda: nn.functional.affine_grid(torch.ones(2, 2, 3), [3, 1, 2, 2]),
        lambda: nn.functional.rms_norm(X, [2], weight=torch.ones(1)),
        lambda: nn.functional.channel_shuffle(torch.ones(0, 3, 2, 2), 2),
        lambda: nn.functional.fold(torch.ones(0, 5, 4), (3, 3), (2, 2)),
    ],
)
def test_what_would_broadcast_or_cast_by_itself_is_refused(call: Any) -> None:
    class Model(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return x, call()

    model = Model()
    with pytest.raises((RuntimeError, IndexError)):
        model(torch.ones(1))
    with pytest.raises(tracejet.Error):
        tracejet.trace(model, arg_inputs=[torch.ones(1)])
