"""Tensors of which the trace knows that they have no element, in every computation. OpenVINO computes what follows from
them while it compiles, and writes beyond their memory: a fault ends this process later, if not at once."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.utils import _pytree as pytree

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda

INDEX = torch.zeros(0, dtype=torch.long)
#: Of x, of any rank from 2, whose sizes are 0 somewhere; eager may refuse some of them at some sizes.
EXPRESSIONS = [
    text.strip()
    for line in """
    x + 1 | x + x.sum() | x * x.mean() | x.relu() | x.softmax(-1) | x.log_softmax(0) | x.sum() | x.sum(0)
    x.mean(1) | x.prod(1) | x.var(1) | x.std() | x.norm() | (x > 0).any() | (x > 0).all(1) | (x > 0).sum(0)
    x.cumsum(0) | x.cumprod(1) | x.logcumsumexp(1) | x.cummax(0).values | x.logsumexp(1) | x @ x.mT | x.mT @ x
    x @ torch.ones(x.shape[-1], 3) | F.linear(x, torch.ones(4, x.shape[-1]), torch.ones(4))
    torch.einsum('ab,cb->ac', x.flatten(1), x.flatten(1)) | torch.outer(x.flatten(), x.flatten())
    F.scaled_dot_product_attention(x, x, x) | torch.cat([x, x]) | torch.stack([x, x]) | torch.cat([x, x[:, :0]], 1)
    x.tile(2) | x[None].expand(3, *x.shape) | x.flip(0) | x.roll(1, 0) | x.mT | x.flatten() | x.movedim(0, -1)
    x[INDEX] | x[:, INDEX] | x.index_select(0, INDEX) | x.scatter(0, x[:0].long(), 1.0)
    x.gather(0, torch.zeros(0, *x.shape[1:], dtype=torch.long)) | x.scatter(1, x[:, :0].long(), x[:, :0])
    x.index_add(0, INDEX, x[:0]) | x.scatter_add(0, x[:0].long(), x[:0])
    x.scatter_reduce(0, x[:0].long(), x[:0], 'amax') | x.index_put((INDEX,), x[:0]) | x.index_copy(0, INDEX, x[:0])
    x.index_fill(0, INDEX, 2.0) | x.masked_fill(x > 0, 1.0) | torch.where(x > 0, x, 0.0)
    torch.where(x > 0, 1.0, 2.0) | x.clamp(0, 1) | x.sort(0).values | x.argsort(-1) | x.topk(0, -1)
    F.pad(x, (1, 2)) | x.tril() | x.diagonal(dim1=0, dim2=1) | torch.diag_embed(x) | torch.full_like(x, 2.0) + x
    x.new_zeros(x.shape[0], 0, 3) | x.new_ones(0) * 2 | torch.eye(x.shape[0], x.shape[1])
    F.one_hot(x[:0].long().abs() % 3, 3) | F.embedding(x[:, :0].long(), torch.ones(5, 2)) | F.normalize(x, dim=-1)
    F.gelu(x) | F.cosine_similarity(x, x, dim=-1) | torch.cdist(x.flatten(1), x.flatten(1)) | F.mse_loss(x, x * 2)
    x.isnan() | x.nan_to_num() | x.to(torch.int32) * 2 | x.bool().float() | x.to(torch.uint8) + 1
    x / (x.abs() + 1) | x // 2 | x % 3 | x.eq(x).sum(-1) | torch.bucketize(x, torch.tensor([0.0, 1.0])) | x[:, 1:0]
    x[5:] | x[:, ::2] * 2 | x.slice_scatter(x[:0], 0, 0, 0) | torch.maximum(x, x * 2) | torch.lerp(x, x * 2, 0.5)
    torch.hstack([x, x]) | x.diff(dim=0) | x.rot90(1, (0, 1)) | torch.kron(x.flatten(1), torch.ones(2, 2))
    torch.tensordot(x, x, dims=x.dim()) | x.repeat_interleave(2, 1) | x.view(torch.int32)
    """.strip().splitlines()
    for text in line.split(" | ")
]
SHAPES = [(0, 3), (3, 0), (2, 0, 4), (2, 1, 0, 3)]
NAMES = {"torch": torch, "F": F, "INDEX": INDEX}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_what_is_computed_of_nothing(text: str) -> None:
    model = Lambda(eval(f"lambda x: {text}", dict(NAMES)))
    compared = 0
    for shape in SHAPES:
        x = torch.zeros(shape)
        try:
            expected = model(x)
        except (RuntimeError, IndexError):
            continue
        for given in (x, tracejet.Input(**_sizes(shape))):
            compiled = tracejet.compile(model, arg_inputs=[given])
            for _ in range(2):  # the second call finds what the first has left
                got = compiled(x)
                assert_equal(pytree.tree_leaves(expected), pytree.tree_leaves(got), 1e-5, f"{shape}: ", least_scale=1.0)
            compared += 1
    assert compared


def _sizes(shape: tuple[int, ...]) -> dict[str, list[int]]:
    """All others are dynamic."""
    return {
        "min_shape": [min(size, 1) for size in shape],
        "opt_shape": list(shape),
        "max_shape": [2 * size for size in shape],
    }
