"""Passes on what PyTorch's kernels run: each gives the operators that it is for, and the values of before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch._dynamo  # see test_cuda_graphs.py
import torch.nn.functional as F
from torch import nn

import tracejet
from tests.support.kernel_passes import operators, traced
from tests.support.lambda_module import Lambda, batch


class ConvNorm(nn.Module):
    def __init__(self, dims: int = 2, groups: int = 1, bias: bool = True, affine: bool = True):
        super().__init__()
        conv = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[dims]
        norm = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[dims]
        self.conv, self.norm = conv(4, 8, 3, groups=groups, bias=bias, padding=1), norm(8, affine=affine)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.1, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normed: torch.Tensor = self.norm(self.conv(x))
        return normed


@pytest.mark.parametrize(
    "options", [{}, {"bias": False}, {"affine": False}, {"groups": 2}, {"dims": 1}, {"dims": 3}], ids=str
)
def test_batch_norm_goes_into_the_convolution(options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    module = ConvNorm(**options)
    shape = (4, *([6] * options.get("dims", 2)))
    program = traced(module, batch(*shape))
    assert operators(program) == ["aten::convolution"]
    assert len(operators(program, skipped_passes=["fold_batch_norm"])) == 2
    run = tracejet.compile(program, engine="aten")
    for size in (1, 4, 9):
        x = torch.randn(size, *shape)
        torch.testing.assert_close(run(x), module(x), rtol=1e-5, atol=1e-5)


def test_batch_norm_stays_where_its_numbers_arent_fixed() -> None:
    module = ConvNorm()
    assert "aten::convolution" in operators(tracejet.trace(module.train(), arg_inputs=[torch.randn(2, 4, 6, 6)]))
    both = Lambda(lambda x: (module.conv(x), module.norm(module.conv(x))), module=module)
    assert len(operators(traced(both, torch.randn(2, 4, 6, 6)))) >= 2
    transposed = nn.Sequential(nn.ConvTranspose2d(4, 8, 3), nn.BatchNorm2d(8))
    assert len(operators(traced(transposed, torch.randn(2, 4, 6, 6)))) == 2


def test_batch_norm_stays_where_the_product_would_lose_digits() -> None:
    module = ConvNorm().half().requires_grad_(False)
    module.norm.weight.fill_(1e-7)  # times a weight it is nearly 0 in float16
    assert len(operators(traced(module, torch.randn(2, 4, 6, 6).half()))) == 2
    module.norm.weight.fill_(6e4)
    module.norm.running_var.fill_(1e-4)
    assert len(operators(traced(module, torch.randn(2, 4, 6, 6).half()))) == 2


@pytest.mark.parametrize(
    ("function", "operator"),
    [
        (F.silu, "aten::silu"),
        (lambda x: torch.sigmoid(x) * x, "aten::silu"),
        (torch.rsqrt, "aten::rsqrt"),
        (lambda x: 0.5 * x * (1 + torch.tanh(0.7978845608028654 * (x + 0.044715 * x**3))), "aten::gelu"),
    ],
)
def test_what_is_spelled_out_is_one_kernel(function: Callable[[torch.Tensor], torch.Tensor], operator: str) -> None:
    program = traced(Lambda(function), batch(5))
    assert operators(program) == [operator]
    assert operator not in operators(program, skipped_passes=["all"]) or operator == "aten::rsqrt"
    run = tracejet.compile(program, engine="aten")
    for size in (1, 9):
        x = torch.randn(size, 5).abs() + 0.1
        torch.testing.assert_close(run(x), function(x))


def test_what_only_looks_like_it_is_left() -> None:
    for function in (
        lambda x, y: torch.sigmoid(x) * y,
        lambda x, y: 0.5 * x * (1 + torch.tanh(0.7978845608028654 * (x + 0.0447 * y**3))),
        lambda x, y: x / torch.sqrt(y),
    ):
        found = operators(traced(Lambda(function), torch.randn(3), torch.randn(3)))
        assert not {"aten::silu", "aten::gelu", "aten::rsqrt"} & set(found)


def test_an_unknown_pass_is_an_error() -> None:
    program = traced(Lambda(torch.relu), torch.randn(3))
    with pytest.raises(tracejet.InvalidInput, match='no pass "fold"; choose of fold_gpu_constants'):
        tracejet.compile(program, engine="aten", skipped_passes=["fold"])


# ---------------------------------------------------------------- programs for GPUs, where there needn't be one


def attention(module: Callable[..., torch.Tensor], *shapes: tuple[int, ...]) -> list[str]:
    inputs = [torch.randn(shape).half() for shape in shapes]
    return operators(traced(Lambda(module), *inputs, device="cuda"), skipped_passes=["fuse_pointwise"])


def test_masks_of_gpus_are_made_numbers_once() -> None:
    def layers(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = mask > 0
        for _ in range(3):
            x = F.scaled_dot_product_attention(x, x, x, hidden)
        return x

    found = attention(layers, (2, 4, 16, 8), (2, 1, 16, 16))
    assert found.count("aten::masked_fill.Scalar") == 1
    assert found.count("aten::scaled_dot_product_attention") == 3


def test_heads_that_share_keys_arent_copied() -> None:
    def shared(x: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        key = key[:, :, None].expand(2, 2, 4, 16, 8).reshape(2, 8, 16, 8)
        return F.scaled_dot_product_attention(x, key, key, is_causal=True)

    assert attention(shared, (2, 8, 16, 8), (2, 2, 16, 8)) == ["aten::scaled_dot_product_attention"]


@pytest.mark.parametrize("mask", [None, (16,), (1, 16), (2, 1, 1, 16)], ids=str)
@pytest.mark.parametrize("is_number", [False, True], ids=["bool", "float"])
def test_heads_that_ask_once_share_keys_without_copies(mask: tuple[int, ...] | None, is_number: bool) -> None:
    def decode(x: torch.Tensor, key: torch.Tensor, value: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        key, value = (each[:, :, None].expand(2, 2, 4, 16, 8).reshape(2, 8, 16, 8) for each in (key, value))
        chosen = None if mask is None else hidden[None] if len(mask) == 1 else hidden
        if chosen is not None and not is_number:
            chosen = chosen > 0
        for _ in range(2):
            x = F.scaled_dot_product_attention(x, key, value, chosen)
        return x

    inputs = [torch.randn(shape) for shape in ((2, 8, 1, 8), (2, 2, 16, 8), (2, 2, 16, 8), mask or (1, 16))]
    program = traced(Lambda(decode), *inputs)
    found = operators(program)
    assert found.count("aten::clone") == (mask is not None)
    assert operators(program, skipped_passes=["simplify_attention"]).count("aten::clone") == 2
    result = tracejet.compile(program, engine="aten")(*inputs)
    torch.testing.assert_close(result, decode(*inputs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("queries", "mask"), [(2, (1, 16)), (1, (8, 1, 16)), (1, (2, 8, 1, 16))], ids=str)
def test_heads_that_ask_otherwise_repeat_keys(queries: int, mask: tuple[int, ...]) -> None:
    def attend(x: torch.Tensor, key: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        key = key[:, :, None].expand(2, 2, 4, 16, 8).reshape(2, 8, 16, 8)
        return F.scaled_dot_product_attention(x, key, key, hidden)

    program = traced(Lambda(attend), torch.randn(2, 8, queries, 8), torch.randn(2, 2, 16, 8), torch.randn(mask))
    assert operators(program) == operators(program, skipped_passes=["all"])


def on_gpu(function: Callable[..., Any], *shapes: tuple[int, ...], **settings: Any) -> list[str]:
    """What half-precision inputs of these shapes are computed by, on a GPU that needn't be there."""
    return operators(
        traced(Lambda(function), *[torch.randn(shape).half() for shape in shapes], device="cuda"), **settings
    )


def test_chains_are_one_kernel() -> None:
    def chain(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.gelu(x * 2 + y).to(torch.float32) - 1

    assert on_gpu(chain, (4, 8), (8,)) == ["tracejet::fused"]
    assert "tracejet::fused" not in on_gpu(chain, (4, 8), (8,), skipped_passes=["fuse_pointwise"])


def test_norms_take_up_the_sum_before_them() -> None:
    def step(x: torch.Tensor, y: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        summed = x + y
        return summed, F.layer_norm(summed, (16,), weight)

    assert on_gpu(step, (4, 16), (4, 16), (16,)) == ["tracejet::fused"]


def test_programs_on_cpus_have_no_fused_chains() -> None:
    assert operators(traced(Lambda(lambda x: (x * 2).tanh()), torch.randn(3))) == ["aten::mul.Tensor", "aten::tanh"]


def test_a_norm_of_short_rows_is_a_kernel_of_ours() -> None:
    assert on_gpu(lambda x: F.layer_norm(x, (96,)), (4, 96)) == ["tracejet::fused"]
    assert on_gpu(lambda x: F.layer_norm(x, (2048,)), (4, 2048)) == ["aten::native_layer_norm"]


def test_biases_of_convolutions_are_added_in_chains() -> None:
    module = nn.Sequential(nn.Conv2d(4, 8, 3), Lambda(lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (8,)))).half()
    x = torch.randn(2, 4, 6, 6).half()
    program = traced(module, x, device="cuda")
    assert operators(program) == ["aten::convolution", "aten::permute", "tracejet::fused"]
    others = operators(program, skipped_passes=["fuse_pointwise"])
    assert others == ["aten::convolution", "aten::permute", "aten::add.Tensor", "aten::native_layer_norm"]
    read_twice = Lambda(lambda x: (module[0](x), module[0](x).sin()), module=module)
    assert "aten::add.Tensor" not in operators(traced(read_twice, x, device="cuda"))


@pytest.mark.parametrize("between", [lambda x: x, lambda x: x.view(2, 2, 32)], ids=["rows", "view"])
@pytest.mark.parametrize("bend", [torch.relu, lambda x: F.gelu(x, approximate="tanh")], ids=["relu", "gelu"])
def test_products_bend_their_results(between: Callable[..., Any], bend: Callable[..., Any]) -> None:
    def layer(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return bend(between(torch.addmm(bias, x, weight)))

    shapes = (4, 16), (16, 32), (32,)
    found = on_gpu(layer, *shapes)
    assert found[0] == "aten::_addmm_activation"
    assert not {"aten::relu", "aten::gelu", "aten::addmm"} & set(found)
    assert "aten::addmm" in on_gpu(layer, *shapes, skipped_passes=["fuse_activation"])


def test_products_that_others_read_stay() -> None:
    def both(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = torch.addmm(bias, x, weight)
        return y, torch.relu(y)

    assert on_gpu(both, (4, 16), (16, 32), (32,)) == ["aten::addmm", "aten::relu"]
    assert "aten::_addmm_activation" not in on_gpu(lambda *x: F.gelu(torch.addmm(*x)), (32,), (4, 16), (16, 32))
