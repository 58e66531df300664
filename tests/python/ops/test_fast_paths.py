"""torch.nn's attention has two ways in eager, one without gradients: a program has the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal
from tests.support.runners import each_runner
from tracejet import Input

TOKENS = Input(min_shape=(1, 2, 16), opt_shape=(2, 5, 16), max_shape=(4, 9, 16), shared_dims={0: "batch", 1: "length"})
PADDING = Input(
    min_shape=(1, 2), opt_shape=(2, 5), max_shape=(4, 9), dtype=torch.bool, shared_dims={0: "batch", 1: "length"}
)


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2)

    def forward(self, x: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        return self.encoder(x, src_key_padding_mask=padding)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x: torch.Tensor, padding: torch.Tensor) -> Any:
        return self.attention(x, x, x, key_padding_mask=padding)


def padded(batch: int, length: int) -> torch.Tensor:
    """Each row has one token less than the one before."""
    return torch.arange(length) >= length - torch.arange(batch)[:, None] % length


@each_runner
@pytest.mark.parametrize("model", [Encoder, Attention])
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
def test_padding_is_treated_as_where_gradients_are_asked_for(
    model: Callable[[], nn.Module], runner: Callable[[Any], Any]
) -> None:
    torch.manual_seed(0)
    eager = model().eval()
    run = runner(tracejet.trace(eager, arg_inputs=[TOKENS, PADDING]))
    for batch, length in ((2, 5), (1, 2), (4, 9), (3, 4)):
        x, padding = torch.randn(batch, length, 16), padded(batch, length)
        with torch.enable_grad():
            want = eager(x, padding)
        assert_equal(want, run(x, padding), 1e-5, f"{batch} of {length}: ")


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
def test_without_gradients_eager_writes_zeros_where_a_program_does_not() -> None:
    """What the documentation says: the tokens that aren't padding are equal."""
    torch.manual_seed(0)
    eager, x, padding = Encoder().eval(), torch.randn(3, 5, 16), padded(3, 5)
    found = tracejet.trace(eager, arg_inputs=[TOKENS, PADDING]).module()(x, padding)
    with torch.no_grad():
        fast = eager(x, padding)
    assert not fast[padding].any() and found[padding].abs().min() > 0
    torch.testing.assert_close(found[~padding], fast[~padding], rtol=1e-4, atol=1e-5)
