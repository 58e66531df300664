"""Attention that is called by the name of a backend, most of which only exist on GPUs: expanded, it runs anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda, batch
from tracejet import DecompositionTable, Input

aten = torch.ops.aten


def logsumexp(q: torch.Tensor, k: torch.Tensor, bias: torch.Tensor | None, causal: bool) -> torch.Tensor:
    scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(-2, -1)
    if causal:
        scores = scores.masked_fill(~torch.ones_like(scores, dtype=torch.bool).tril(), -math.inf)
    return (scores if bias is None else scores + bias).float().logsumexp(-1)


#: Calls with (query, key, value, bias or None, causal), and where their logsumexp is, as [batch, heads, length].
BACKENDS: dict[str, tuple[Callable[..., Any], Callable[[torch.Tensor, int], torch.Tensor], bool]] = {
    "_scaled_dot_product_flash_attention": (
        lambda op, q, k, v, b, c: op(q, k, v, 0.0, c),
        lambda found, length: found,
        False,
    ),
    "_scaled_dot_product_efficient_attention": (
        lambda op, q, k, v, b, c: op(q, k, v, b, True, 0.0, c),
        lambda found, length: found[:, :, :length],
        True,
    ),
    "_scaled_dot_product_cudnn_attention": (
        lambda op, q, k, v, b, c: op(q, k, v, b, True, 0.0, c),
        lambda found, length: found.squeeze(-1),
        True,
    ),
    "_scaled_dot_product_flash_attention_for_cpu": (
        lambda op, q, k, v, b, c: op(q, k, v, 0.0, c, attn_mask=b),
        lambda found, length: found,
        True,
    ),
    "_scaled_dot_product_fused_attention_overrideable": (
        lambda op, q, k, v, b, c: op(q, k, v, b, 0.0, c),
        lambda found, length: found,
        True,
    ),
}


@pytest.mark.parametrize("table", ["tensorrt", "core_aten", "none"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", BACKENDS)
def test_backends_are_expanded_with_all_that_a_model_can_read(name: str, causal: bool, table: str) -> None:
    call, logsumexp_of, takes_bias = BACKENDS[name]
    for has_bias in (False, True) if takes_bias and not causal else (False,):

        def forward(q: torch.Tensor, k: torch.Tensor, bias: torch.Tensor) -> Any:
            results = call(getattr(aten, name), q, k, k, bias if has_bias else None, causal)  # noqa: B023
            return results[0], results[1], *(number for number in results if isinstance(number, (int, torch.SymInt)))

        length = {"min_shape": (1, 4, 2, 8), "opt_shape": (2, 4, 5, 8), "max_shape": (3, 4, 40, 8)}
        inputs = [
            Input(**length, shared_dims={0: "batch", 2: "length"}),
            Input(**length, shared_dims={0: "batch", 2: "length"}),
            Input((5, 5)) if has_bias else torch.zeros(1),
        ]
        if has_bias:
            inputs[:2] = [batch(4, 5, 8), batch(4, 5, 8)]
        program = tracejet.trace(Lambda(forward), arg_inputs=inputs, decompositions=table, decompose_attention=True)
        assert not [node for node in program.graph.nodes if "scaled_dot" in str(node.target)]
        assert program.slow_calls == {}
        for size in (5,) if has_bias else (2, 5, 33):
            q, k = torch.randn(3, 4, size, 8), torch.randn(3, 4, size, 8)
            bias = torch.randn(5, 5) if has_bias else None
            output, found, *numbers = program.module()(q, k, torch.zeros(1) if bias is None else bias)
            assert_equal(F.scaled_dot_product_attention(q, k, k, bias, is_causal=causal), output)
            assert_equal(logsumexp(q, k, bias, causal), logsumexp_of(found, size))
            assert numbers in ([], [size, size])


def test_the_logsumexp_of_efficient_attention_fills_its_blocks() -> None:
    def forward(q: torch.Tensor, computes: bool) -> torch.Tensor:
        return aten._scaled_dot_product_efficient_attention(q, q, q, None, computes)[1]

    q = torch.randn(2, 4, 5, 8)
    assert tracejet.trace(Lambda(forward), arg_inputs=[q, True]).module()(q, True).shape == (2, 4, 32)
    assert tracejet.trace(Lambda(forward), arg_inputs=[q, False]).module()(q, False).shape == (2, 4, 0)


@pytest.mark.parametrize("size", [None, 5])
def test_attention_by_math_gives_its_weights(size: int | None) -> None:
    def forward(x: torch.Tensor) -> Any:
        return aten._scaled_dot_product_attention_math(x, x, x, is_causal=True)

    x = torch.randn(5, 4, 6, 8)
    program = tracejet.trace(
        Lambda(forward), arg_inputs=[x if size else batch(4, 6, 8)], decompositions="none", decompose_attention=True
    )
    assert not [node for node in program.graph.nodes if "scaled_dot" in str(node.target)]
    assert_equal(forward(x), program.module()(x))


def test_heads_that_are_shared_are_repeated() -> None:
    def forward(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return aten._scaled_dot_product_flash_attention(q, k, k)[0]

    q, k = torch.randn(2, 6, 5, 8), torch.randn(2, 3, 5, 8)
    program = tracejet.trace(Lambda(forward), arg_inputs=[q, k])
    assert_equal(F.scaled_dot_product_attention(q, k, k, enable_gqa=True), program.module()(q, k))


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda q, k: aten._scaled_dot_product_flash_attention(q, q, q, 0.1), "has dropout.*call eval"),
        (lambda q, k: aten._scaled_dot_product_cudnn_attention(q, q, q, None, True, 0.1), "has dropout"),
        (lambda q, k: aten._scaled_dot_product_efficient_attention(q, q, q, None, True, 0.1), "has dropout"),
        (lambda q, k: aten._scaled_dot_product_flash_attention(q, q, q, 0.0, False, True), "debug_attn_mask"),
        (lambda q, k: aten._scaled_dot_product_flash_attention(q, k, k, 0.0, True), "expected as many of both"),
    ],
)
def test_what_only_a_gpu_can_give_is_refused(call: Callable[..., Any], why: str) -> None:
    with pytest.raises(tracejet.Error, match=why):
        tracejet.trace(
            Lambda(lambda q, k: call(q, k)[0]), arg_inputs=[torch.randn(2, 4, 5, 8), torch.randn(2, 4, 7, 8)]
        )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sixteen_bits_are_computed_in_float32_unless_asked_otherwise(dtype: torch.dtype) -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        flash = aten._scaled_dot_product_flash_attention(x, x, x)[0]
        return F.scaled_dot_product_attention(x, x, x) + flash

    def products(program: torch.export.ExportedProgram) -> set[torch.dtype]:
        nodes = [
            node for node in program.graph.nodes if str(node.target) in ("aten.matmul.default", "aten.bmm.default")
        ]
        return {node.meta["val"].dtype for node in nodes}

    x = torch.randn(3, 2, 5, 8, dtype=dtype)
    inputs = [batch(2, 5, 8, dtype=dtype)]
    wide = tracejet.trace(Lambda(forward), arg_inputs=inputs, decompose_attention=True)
    narrow = tracejet.trace(Lambda(forward), arg_inputs=inputs, decompose_attention=True, use_fp32_acc=False)
    assert (products(wide), products(narrow)) == ({torch.float32}, {dtype})
    expected = F.scaled_dot_product_attention(x, x, x) * 2
    for program in (wide, narrow):
        assert_equal(expected, program.module()(x))
    table = DecompositionTable("none").expand_attention(use_fp32_acc=False)
    assert products(tracejet.trace(Lambda(forward), arg_inputs=inputs, decompositions=table)) == {dtype}
    assert table.decision("aten::scaled_dot_product_attention")[0] == "replaced"
    assert repr(table) == 'DecompositionTable("none").expand_attention(use_fp32_acc=False)'


def test_scores_that_sixteen_bits_do_not_hold() -> None:
    """Why float32 is the default: PyTorch's kernels don't overflow here."""
    x = torch.full((1, 1, 4, 8), 200.0, dtype=torch.float16)
    model = Lambda(lambda x: F.scaled_dot_product_attention(x, x, x))
    program = tracejet.trace(model, arg_inputs=[x], decompose_attention=True)
    assert_equal(model(x), program.module()(x))
