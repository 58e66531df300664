"""What engines may fuse, pair by pair: see tests/support/pairs.py."""

from __future__ import annotations

from random import Random

import pytest
import torch

import tracejet
from tests.support.lambda_module import batch
from tests.support.pairs import FIRST, SECOND, Pairs, arguments


@pytest.mark.parametrize("first", FIRST)
def test_pairs_with_any_batch(first: str) -> None:
    model = Pairs(first)
    inputs = [batch(*x.shape[1:], high=5) for x in arguments(1)]
    compiled = tracejet.compile(model, arg_inputs=inputs, engine="openvino")
    for rows in (1, 3, 5):
        assert_pairs(model, compiled, arguments(rows))
    assert_pairs(model, compiled, [x.flip(0) for x in arguments(5)])


@pytest.mark.slow
@pytest.mark.parametrize("first", FIRST)
def test_pairs_of_known_sizes(first: str) -> None:
    model, inputs = Pairs(first), arguments(3)
    compiled = tracejet.compile(model, arg_inputs=inputs, engine="openvino")
    for given in (inputs, [x.flip(0) for x in inputs]):  # what the call before has left must not matter
        assert_pairs(model, compiled, given)


@pytest.mark.slow
@pytest.mark.parametrize("first", FIRST)
def test_pairs_in_parts(first: str) -> None:
    """What one engine makes of the first is an input of the part of another one, which runs the second."""
    model = Pairs(first)
    program = tracejet.trace(model, arg_inputs=[batch(*x.shape[1:], high=5) for x in arguments(1)])
    names = sorted({str(n.target) for n in program.graph.nodes if isinstance(n.target, torch._ops.OpOverload)})
    for seed in range(2):
        drawn = [name for name in names if "sym_" not in name and Random(f"{first} {seed} {name}").random() < 0.5]
        compiled = tracejet.compile(program, torch_executed_ops=drawn, min_block_size=1)
        for rows in (1, 5):
            assert_pairs(model, compiled, arguments(rows))


def assert_pairs(model: Pairs, compiled: tracejet.CompiledModule, inputs: list[torch.Tensor]) -> None:
    for second, expected, got in zip(SECOND, model(*inputs), compiled(*inputs), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=3e-5, equal_nan=True, msg=lambda m: f"{second}: {m}")  # noqa: B023
