"""Random numbers are those of eager from the same seed, and global tensors constants."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda, batch

# ---- random numbers ------------------------------------------------------------------------------------------------

RANDOM = {
    "rand": lambda x: x + torch.rand(x.shape),
    "rand_like": lambda x: x + torch.rand_like(x),
    "randn": lambda x: x + torch.randn(x.shape[0], 3),
    "randn_like": lambda x: x * torch.randn_like(x),
    "randint": lambda x: x + torch.randint(0, 9, (x.shape[0], 3)),
    "randint_like": lambda x: x + torch.randint_like(x, 2, 9),
    "randperm": lambda x: x[:, torch.randperm(3)],
    "bernoulli": lambda x: torch.bernoulli(x.sigmoid()),
    "bernoulli of p": lambda x: torch.bernoulli(x, 0.3),
    "bernoulli in place": lambda x: torch.zeros_like(x).bernoulli_(0.4),
    "normal": lambda x: torch.normal(x, x.abs() + 1),
    "normal in place": lambda x: torch.zeros_like(x).normal_(1, 2),
    "uniform in place": lambda x: torch.zeros_like(x).uniform_(-1, 1),
    "exponential": lambda x: torch.zeros_like(x).exponential_(2.0),
    "multinomial": lambda x: torch.multinomial(x.softmax(-1), 2),
    "poisson": lambda x: torch.poisson(x.abs()),
    "dropout": lambda x: F.dropout(x, 0.4),
    "dropout in place": lambda x: F.dropout(x * 2, 0.4, inplace=True),
    "feature dropout": lambda x: F.dropout1d(x.unsqueeze(-1), 0.4),
    "alpha dropout": lambda x: F.alpha_dropout(x, 0.4, training=True),
    "rrelu": lambda x: F.rrelu(x, training=True),
    "gumbel": lambda x: F.gumbel_softmax(x),
    "unused": lambda x: (torch.rand(3), x + torch.rand(3))[1],
    "twice": lambda x: (torch.rand(3) - torch.rand(3)) + x,
}


@pytest.mark.parametrize("function", RANDOM.values(), ids=RANDOM)
def test_random_numbers_are_those_of_eager_from_the_same_seed(function: Callable[..., Any]) -> None:
    state = torch.get_rng_state()
    assert_same_as_eager(Lambda(function), [torch.randn(4, 3)])
    assert_same_as_eager(Lambda(function), [batch(3)])
    torch.set_rng_state(state)


def test_a_trace_draws_no_random_numbers() -> None:
    before = torch.get_rng_state()
    program = tracejet.trace(Lambda(lambda x: F.dropout(x + torch.rand(3), 0.5)), arg_inputs=[batch(3)])
    assert program.graph_module is not None
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("training", [False, True])
def test_dropout_follows_self_training(training: bool) -> None:
    model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Dropout1d(0.2)).train(training)
    assert_same_as_eager(model, [torch.randn(4, 3)])


def draw_apart() -> torch.Tensor:
    with torch.random.fork_rng(devices=[]):
        return torch.rand(3)


SEEDS = {
    "manual_seed": lambda: torch.manual_seed(3),
    "random.manual_seed": lambda: torch.random.manual_seed(3),
    "seed": lambda: torch.seed(),
    "set_rng_state": lambda: torch.set_rng_state(torch.get_rng_state()),
    "fork_rng": lambda: draw_apart(),
    "generator": lambda: torch.rand(3, generator=torch.Generator()),
    "cuda.manual_seed": lambda: torch.cuda.manual_seed(1),
}


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
def test_seeding_in_forward_is_refused(seed: Callable[[], Any]) -> None:
    before = torch.get_rng_state()
    try:
        with pytest.raises(tracejet.UnsupportedOperator, match="can't be part of a program"):
            tracejet.trace(Lambda(lambda x: (seed(), x + torch.rand(3))[1]), arg_inputs=[torch.ones(3)])
        assert torch.equal(torch.get_rng_state(), before)
    finally:
        torch.set_rng_state(before)


DRAWS = {
    "random": lambda x: x * random.random(),
    "numpy.random": lambda x: x * float(numpy.random.rand()),
    "random and numpy.random": lambda x: x * random.random() * float(numpy.random.rand()),
}


@pytest.mark.parametrize("place", DRAWS)
def test_random_numbers_of_others_are_warned_of(place: str) -> None:
    with pytest.warns(UserWarning, match=f"forward draws from {place}, and the program keeps"):
        tracejet.trace(Lambda(DRAWS[place]), arg_inputs=[torch.ones(3)])


# ---- globals -------------------------------------------------------------------------------------------------------

TABLE = torch.arange(3.0)


def test_global_tensors_are_constants() -> None:
    program = assert_same_as_eager(Lambda(lambda x: x + TABLE + torch.ones(3)), [batch(3)])
    kinds = [spec.kind.name for spec in program.graph_signature.input_specs]
    assert kinds.count("CONSTANT_TENSOR") == 1


def test_a_write_to_a_global_tensor_is_refused() -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="no buffer of it, in place"):
        tracejet.trace(Lambda(lambda x: TABLE.add_(1) + x), arg_inputs=[torch.ones(3)])
    assert torch.equal(TABLE, torch.arange(3.0))
