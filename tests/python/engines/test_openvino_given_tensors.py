"""Results that are an input, or another result, in another arrangement, on OpenVINO (docs/engines/openvino.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda

Function = Callable[[torch.Tensor], torch.Tensor]

#: All of them give their argument again.
SAME: dict[str, Function] = {
    "a new last axis": lambda x: x[..., None][..., 0],
    "a new first axis": lambda x: x[None][0],
    "a new axis, from its end": lambda x: x.unsqueeze(1)[:, -1],
    "a new axis, selected twice": lambda x: x[None, None][0, 0],
    "a new axis, by indices": lambda x: x[None].index_select(0, torch.tensor([0]))[0],
    "squeezed": lambda x: x.unsqueeze(1).squeeze(1),
    "reshaped": lambda x: x.flatten(1).view_as(x),
    "transposed": lambda x: x.mT.mT,
    "cut": lambda x: x[:, : x.shape[1]],
    "concatenated": lambda x: torch.cat([x, x])[:2],
    "stacked": lambda x: torch.stack([x, x])[0],
    "stacked and unbound": lambda x: torch.stack([x, x], -1).unbind(-1)[1],
    "split": lambda x: torch.cat(x.split(1)),
    "unbound": lambda x: torch.stack(x.unbind(0)),
    "flipped": lambda x: x.flip(1).flip(1),
    "rolled": lambda x: x.roll(1, 0).roll(-1, 0),
    "expanded": lambda x: x.expand(3, -1, -1, -1)[1],
    "repeated": lambda x: x.repeat(2, 1, 1)[:2],
    "padded": lambda x: F.pad(x, (1, 1))[..., 1:-1],
    "scaled": lambda x: x * 1,
    "copied": lambda x: x.clone(),
    "indexed": lambda x: x[torch.arange(2)],
    "gathered": lambda x: x.gather(0, torch.arange(2).view(2, 1, 1).expand_as(x)),
    "chosen": lambda x: torch.where(x > 0, x, x),
    "a sum of one": lambda x: x[None].sum(0),
    "the greatest of one": lambda x: x[..., None].amax(-1),
    "a cumulative sum of one": lambda x: x[None].cumsum(0)[0],
    "sorted": lambda x: x[None].sort(0).values[0],
    "written": lambda x: x.index_put((torch.tensor([0]),), x[0]),
    "scattered": lambda x: x.select_scatter(x[0], 0, 0),
    "a diagonal": lambda x: torch.diag_embed(x).diagonal(dim1=-2, dim2=-1),
}

READERS: dict[str, Callable[[Function], Callable[[torch.Tensor], Any]]] = {
    "alone": lambda same: same,
    "beside what reads the input": lambda same: lambda x: (same(x), x.relu()),
    "beside the result that it is": lambda same: lambda x: (lambda y: (y, same(y), y.flatten(1)))(x.relu()),
    "beside the product that it is": lambda same: lambda x: (lambda y: (same(y), y))(x @ x.mT),
    "beside what is made of it": lambda same: lambda x: (same(x), same(x) + 1),
}


def layouts(*sizes: int) -> list[torch.Tensor]:
    return [
        torch.randn(sizes),
        torch.randn(sizes[::-1]).permute(2, 1, 0),
        torch.randn(*sizes[:2], 2 * sizes[2])[..., ::2],
    ]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", SAME)
def test_a_tensor_is_given_in_another_arrangement(name: str, reader: str) -> None:
    """OpenVINO had one memory for the input and the result: the caller's tensor was overwritten."""
    model = Lambda(READERS[reader](SAME[name]))
    dynamic = tracejet.Input(min_shape=(2, 1, 2), opt_shape=(2, 8, 9), max_shape=(2, 8, 12))
    for given in (dynamic, torch.randn(2, 8, 9)):
        compiled = tracejet.compile(model, arg_inputs=[given], engine="openvino")
        for sizes in [(2, 8, 9), (2, 1, 2), (2, 3, 12), (2, 8, 9)] if given is dynamic else [(2, 8, 9)] * 2:
            for x in layouts(*sizes):
                before = x.clone()
                assert_equal(model(before), compiled(x), 1e-5, f"{sizes}: ", least_scale=1.0)
                assert torch.equal(x, before)


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("is_dynamic", [False, True])
def test_an_input_gathered_from_a_concatenation_is_given(size: int, is_dynamic: bool) -> None:
    def forward(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        joined = torch.cat([x, x + 1, x], -1)
        return joined[torch.tensor([0])], joined.index_select(0, torch.arange(x.shape[0])), torch.stack([x, x * 2])[[0]]

    x = torch.randn(size)
    inputs = [tracejet.Input(min_shape=(1,), opt_shape=(2,), max_shape=(4,)) if is_dynamic else x]
    compiled = tracejet.compile(Lambda(forward), arg_inputs=inputs, engine="openvino")
    assert_equal(forward(x), compiled(x), 0.0)
