"""Programs that are split between engines give what eager gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._higher_order_ops.map import map as hop_map

import tracejet
from tests.support.lambda_module import Lambda, batch
from tests.support.partitions import ROWS, assert_same, compiled_in_parts, custom


def branches(x: torch.Tensor) -> torch.Tensor:
    y = torch.cond(x.sum() > 0, lambda x: x.exp() * x.shape[0], lambda x: x.tanh() - 1, (x * 2,))
    return F.layer_norm(y, (8,)) @ torch.ones(8, 3)


def loop(x: torch.Tensor) -> torch.Tensor:
    def go_on(i: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return i < 3

    def body(i: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return i + 1, y * 1.5 + i

    count, y = torch.while_loop(go_on, body, (torch.tensor(0), x.relu()))
    return (y + count).sum(0)


def positions(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    where = (x > 0).nonzero()
    return where.float().sum(0) * 2, torch.lgamma(x.abs() + 1)[where[:, 0], where[:, 1]].exp()


def numbers(x: torch.Tensor) -> tuple[Any, ...]:
    total = x.lgamma().nan_to_num(0, 0, 0).sum().item()
    return x * total, x.exp().sum().item(), total, x.shape[0] * 2


def spectrum(x: torch.Tensor) -> torch.Tensor:
    return torch.fft.rfft(x * 2).abs().pow(2) + 1


def integers(x: torch.Tensor) -> torch.Tensor:
    hashed = (x * 1000).long() * 2654435761 % 1021
    return torch.lgamma(x.abs() + 1) + hashed.remainder(17).float()


def conjugates(x: torch.Tensor) -> torch.Tensor:
    return torch.view_as_complex(x.view(-1, 4, 2)).conj().imag * 2


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (custom, branches, loop, positions, numbers, spectrum, integers, conjugates)
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_what_openvino_lacks_runs_beside_it(function: Callable[..., Any]) -> None:
    model = Lambda(function)
    compiled = compiled_in_parts(model, batch(8))
    assert set(compiled.report.engines) == {"openvino", "aten"}
    assert_same(model, compiled, [(x,) for x in ROWS])
    program = tracejet.trace(model, arg_inputs=[batch(8)])
    verification = tracejet.verify(program, compiled)
    assert verification.ok, str(verification)
    assert "openvino" in verification.engine and "aten" in verification.engine


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_by_default_every_program_is_compiled(function: Callable[..., Any]) -> None:
    model = Lambda(function)
    assert_same(model, tracejet.compile(model, arg_inputs=[batch(8)]), [(x,) for x in ROWS])
    with pytest.raises(tracejet.UnsupportedOperator):
        tracejet.compile(model, arg_inputs=[batch(8)], engine="openvino")


def bins(x: torch.Tensor) -> torch.Tensor:
    index = torch.bucketize(x, torch.linspace(-2, 2, 7))
    return F.embedding(index, torch.arange(16.0).view(8, 2)).sum(-1) * (index + 1)


class Recurrent(nn.Module):
    """Over an axis that varies, with a projection."""

    def __init__(self, kind: str, **more: Any):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.cells = getattr(nn, kind)(8, 8, batch_first=True, **more)

    def forward(self, x: torch.Tensor) -> Any:
        y, state = self.cells(self.first(x)[None])
        return y[0].relu(), state


#: What programs failed for one to five operators of, when they had to run as a whole.
ONCE_REFUSED: dict[str, Callable[[], nn.Module]] = {
    "histc": lambda: Lambda(lambda x: (x * 2).histc(8, -1, 1) / 2),
    "bucketize": lambda: Lambda(bins),
    "cdist": lambda: Lambda(lambda x: torch.cdist(x.relu(), x * 2).softmax(-1)),
    "fft": lambda: Lambda(lambda x: torch.fft.fft2(x + 1).real.exp()),
    "lstm": lambda: Recurrent("LSTM", proj_size=4),
    "gru": lambda: Recurrent("GRU"),
    "antialias": lambda: Lambda(
        lambda x: F.interpolate(x[None, None], (4, 6), mode="bilinear", antialias=True).tanh() + 1
    ),
    "statistics of the batch": lambda: nn.Sequential(
        nn.Linear(8, 8), nn.BatchNorm1d(8, track_running_stats=False), nn.GELU()
    ),
    "cond": lambda: Lambda(branches),
    "while_loop": lambda: Lambda(loop),
    "map": lambda: Lambda(lambda x: hop_map(lambda row: row.cumsum(0) * 2, x.exp()).relu() + x),
    "custom operator": lambda: Lambda(custom),
}


@pytest.mark.parametrize("name", ONCE_REFUSED)
def test_no_operator_keeps_a_model_from_being_compiled(name: str) -> None:
    torch.manual_seed(0)
    model = ONCE_REFUSED[name]().eval()
    compiled = tracejet.compile(model, arg_inputs=[batch(8, low=2)], min_block_size=1)
    assert "openvino" in compiled.report.engines, str(compiled.report)
    with torch.no_grad():
        assert_same(model, compiled, [(x,) for x in ROWS if x.shape[0] > 1])


class Counting(nn.Module):
    """Writes buffers and its input, with a part in between that OpenVINO lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        self.mean.lerp_(torch.lgamma(x.abs() + 1).mean(0), 0.1)
        x.add_(1)
        return x * self.mean + self.count


def test_buffers_and_inputs_change_like_in_eager() -> None:
    eager, ours = Counting(), Counting()
    compiled = compiled_in_parts(ours, batch(8))
    for rows in (2, 3, 3):
        x = torch.randn(rows, 8)
        y = x.clone()
        torch.testing.assert_close(compiled(y), eager(x), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(y, x)
    torch.testing.assert_close(dict(ours.named_buffers()), dict(eager.named_buffers()), rtol=1e-5, atol=1e-5)


class Cached(nn.Module):
    """A decode step: keys and values are written at a position that data says."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(8, 24)
        self.register_buffer("keys", torch.zeros(1, 16, 8))
        self.register_buffer("values", torch.zeros(1, 16, 8))

    def forward(self, x: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        q, k, v = self.project(x).chunk(3, -1)
        self.keys.index_copy_(1, position, k)
        self.values.index_copy_(1, position, v)
        mask = torch.arange(16) <= position
        attended = F.scaled_dot_product_attention(q, self.keys, self.values, attn_mask=mask)
        return attended + torch.special.i1(x)


def test_a_key_value_cache_crosses_parts() -> None:
    torch.manual_seed(0)
    eager, ours = Cached().eval(), Cached().eval()
    ours.load_state_dict(eager.state_dict())
    compiled = compiled_in_parts(ours, torch.randn(1, 1, 8), torch.tensor([0]))
    for step in range(6):
        x = torch.randn(1, 1, 8)
        position = torch.tensor([step])
        torch.testing.assert_close(compiled(x, position), eager(x, position).detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.keys, eager.keys, rtol=1e-4, atol=1e-5)


def test_random_numbers_keep_their_order() -> None:
    def forward(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = torch.rand_like(x) + x.relu()
        second = torch.bernoulli(x.sigmoid())
        return first * 2, second.exp(), torch.randn_like(first) + second

    model = Lambda(forward)
    compiled = tracejet.compile(model, arg_inputs=[batch(8)], min_block_size=1)
    for x in ROWS:
        torch.manual_seed(3)
        expected = model(x)
        torch.manual_seed(3)
        torch.testing.assert_close(compiled(x), expected)
