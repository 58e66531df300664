"""Passes on what PyTorch's kernels run: each gives the operators that it is for, and the values of before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch._dynamo  # see test_cuda_graphs.py
import torch.nn.functional as F
from torch import nn
from torch.autograd import DeviceType

import tracejet
from tests.support.lambda_module import Lambda, batch
from tracejet import _C
from tracejet.api.session_program import graph_of

gpu = pytest.mark.gpu


def operators(program: torch.export.ExportedProgram, **settings: Any) -> list[str]:
    """What the kernels are called for."""
    graph = _C.optimized(graph_of(program), tracejet.CompileSettings(**settings))
    return [node.op for node in graph.nodes]


def traced(module: nn.Module, *inputs: Any, **options: Any) -> torch.export.ExportedProgram:
    return tracejet.trace(module.eval(), arg_inputs=list(inputs), **options)


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


class Block(nn.Module):
    def __init__(self, bias: bool = True):
        super().__init__()
        self.first, self.second = nn.Conv2d(8, 8, 3, padding=1, bias=bias), nn.Conv2d(8, 8, 1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.second(torch.relu(self.first(x))))


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


# ---------------------------------------------------------------- on a GPU


def assert_as_exact(module: nn.Module, *inputs: torch.Tensor, wanted: str, skipped: str) -> None:
    """In float16, as near to float32 as eager is; the operator is there, and isn't without the pass."""
    module = module.cuda().half().eval()
    program = traced(module, *inputs)
    assert wanted in operators(program), operators(program)
    assert wanted not in operators(program, skipped_passes=[skipped])
    eager = module(*inputs)
    results = [tracejet.compile(program)(*inputs), tracejet.compile(program, skipped_passes=[skipped])(*inputs)]
    exact = module.float()(*[x.float() if x.is_floating_point() else x for x in inputs])
    error = (eager.float() - exact).abs().max()
    for result in results:
        assert result.stride() == eager.contiguous().stride()
        assert (result.float() - exact).abs().max() <= 3 * error + 1e-4


@gpu
@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_convolutions_with_relu_are_one_call(bias: bool) -> None:
    x = torch.randn(4, 8, 16, 16, device="cuda").half()
    for wanted in ("aten::cudnn_convolution_relu", "aten::cudnn_convolution_add_relu"):
        assert_as_exact(Block(bias), x, wanted=wanted, skipped="fuse_convolution_relu")


@gpu
@torch.no_grad()
def test_channels_last_shows_in_no_result() -> None:
    x = torch.randn(4, 8, 16, 16, device="cuda").half()
    conv = nn.Conv2d(8, 16, 3)
    assert_as_exact(conv, x, wanted="aten::contiguous", skipped="use_channels_last")


class Norm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = x.float()
        return self.weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)).to(x.dtype)


@gpu
@torch.no_grad()
def test_rms_norm_is_one_kernel() -> None:
    x = torch.randn(4, 7, 64, device="cuda").half()
    assert_as_exact(Norm(), x, wanted="aten::_fused_rms_norm", skipped="fuse_rms_norm")


@gpu
@torch.no_grad()
def test_causal_masks_and_shared_heads() -> None:
    def run(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        mask = torch.ones(16, 16, dtype=torch.bool, device=q.device).tril()[None, None]
        k = k[:, :, None].expand(2, 2, 4, 16, 8).reshape(2, 8, 16, 8)
        return F.scaled_dot_product_attention(q, k, k, mask)

    q, k = torch.randn(2, 8, 16, 8, device="cuda").half(), torch.randn(2, 2, 16, 8, device="cuda").half()
    program = traced(Lambda(run), q, k)
    assert operators(program) == ["aten::scaled_dot_product_attention"]
    got = tracejet.compile(program)(q, k)
    torch.testing.assert_close(got.float(), run(q.float(), k.float()), rtol=5e-3, atol=5e-3)


@gpu
@torch.no_grad()
def test_products_of_odd_lengths_are_padded() -> None:
    x = torch.randn(64, 32, device="cuda").half()
    assert_as_exact(nn.Linear(32, 2051), x, wanted="tracejet::first_columns", skipped="pad_products")
    bent = nn.Sequential(nn.Linear(32, 2051), nn.SiLU())
    assert_as_exact(bent, x, wanted="aten::slice.Tensor", skipped="pad_products")


@gpu
@torch.no_grad()
@pytest.mark.parametrize("bend", [nn.ReLU(), nn.GELU(approximate="tanh")], ids=["relu", "gelu"])
def test_products_bend_as_exactly(bend: nn.Module) -> None:
    x = torch.randn(64, 32, device="cuda").half()
    assert_as_exact(
        nn.Sequential(nn.Linear(32, 64), bend), x, wanted="aten::_addmm_activation", skipped="fuse_activation"
    )


def rotary(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    left, right = x.transpose(1, 2).chunk(2, -1)
    return x.transpose(1, 2) * cos + torch.cat((-right, left), -1) * sin


def decode(x: torch.Tensor, key: torch.Tensor, value: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    key, value = (each[:, :, None].expand(2, 2, 4, 32, 64).reshape(2, 8, 32, 64) for each in (key, value))
    return F.scaled_dot_product_attention(x, key, value, hidden > 0)


def strides_that_count(x: torch.Tensor) -> list[int]:
    return [stride for stride, size in zip(x.stride(), x.shape, strict=True) if size > 1]


def channels_behind(width: int) -> nn.Module:
    return Lambda(lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (width,)))


@gpu
@torch.no_grad()
@pytest.mark.parametrize(
    ("module", "shapes"),
    [
        (Lambda(rotary), ((2, 16, 4, 64), (16, 64), (16, 64))),
        (Lambda(rotary), ((2, 3, 4, 20), (3, 20), (3, 20))),
        (Lambda(decode), ((2, 8, 1, 64), (2, 2, 32, 64), (2, 2, 32, 64), (1, 32))),
        (nn.Sequential(nn.Conv2d(8, 96, 3), channels_behind(96)), ((2, 8, 12, 10),)),
        (nn.Sequential(nn.Conv2d(8, 8, 7, padding=3, groups=8), channels_behind(8)), ((2, 8, 12, 10),)),
        (nn.Sequential(nn.Conv1d(8, 16, 3), nn.GELU()), ((2, 8, 12),)),
        (Lambda(lambda x: F.layer_norm(x, (96,))), ((5, 7, 96),)),
    ],
    ids=["rotary", "odd rotary", "decode", "convolution", "depthwise", "conv1d", "norm"],
)
def test_kernels_take_up_what_stands_around_chains(module: nn.Module, shapes: tuple[tuple[int, ...], ...]) -> None:
    torch.manual_seed(0)
    module = module.cuda().half().eval()
    inputs = [torch.randn(shape, device="cuda").half() for shape in shapes]
    program = traced(module, *inputs)
    assert "tracejet::fused" in operators(program), operators(program)
    compiled = tracejet.compile(program)
    results = [compiled(*inputs) for _ in range(4)]  # by operators, by kernels, and as a recording
    eager = module(*inputs)
    exact = module.float()(*[x.float() for x in inputs])
    error = (eager.float() - exact).abs().max()
    for result in results:
        assert strides_that_count(result) == strides_that_count(eager)
        assert (result.float() - exact).abs().max() <= 3 * error + 1e-3


@gpu
@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(4, 7, 768), (3, 33), (2, 5, 1, 96), (64, 2048)], ids=str)
def test_kernels_compute_what_operators_do(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    def run(x: torch.Tensor, y: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, ...]:
        summed = x + F.silu(y) * 0.5
        normed = F.layer_norm(summed, shape[-1:], weight, weight)
        return (
            summed,
            normed,
            F.softmax(normed * 2, -1),
            (x > 0).logical_and(y < 1),
            x.clamp(-1, 1).pow(3) / (y.abs() + 1),
        )

    x, y = (torch.randn(shape, device="cuda").to(dtype) for _ in range(2))
    weight = torch.randn(shape[-1], device="cuda").to(dtype)
    program = traced(Lambda(run), x, y, weight)
    assert "tracejet::fused" in operators(program)
    compiled = tracejet.compile(program)
    tolerance = {torch.float16: 4e-3, torch.bfloat16: 3e-2, torch.float32: 2e-5, torch.float64: 1e-9}[dtype]
    for inputs in ((x, y, weight), (x.clone(), y + 1, weight * 2)):
        for _ in range(4):
            for got, expected in zip(compiled(*inputs), run(*inputs), strict=True):
                assert got.stride() == expected.stride()
                torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance)


@gpu
@torch.no_grad()
@pytest.mark.parametrize("graphs", [True, False])
def test_kernels_take_any_size_and_layout(graphs: bool) -> None:
    module = Lambda(lambda x: F.gelu(x * 2 + 1) - x.sigmoid()).cuda()
    program = tracejet.trace(module, arg_inputs=[batch(6, 8, dtype=torch.float16, device="cuda")])
    compiled = tracejet.compile(program, cuda_graphs=graphs)
    for _ in range(3):
        for size in (1, 3, 9):
            for shape, view in (((6, 8), lambda x: x), ((8, 6), lambda x: x.mT), ((6, 17), lambda x: x[..., 1:9])):
                x = view(torch.randn(size, *shape, device="cuda", dtype=torch.float16))
                expected = module(x)
                torch.testing.assert_close(compiled(x), expected, rtol=2e-3, atol=2e-3)
                assert compiled(x).stride() == expected.stride()


@gpu
@torch.no_grad()
def test_a_chain_is_one_launch() -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(F.gelu(x * 2) + x, (64,))

    x = torch.randn(32, 64, device="cuda").half()
    compiled = tracejet.compile(traced(Lambda(run), x), cuda_graphs=False)
    for _ in range(3):
        compiled(x)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        compiled(x)
        torch.cuda.synchronize()
    assert [event.name for event in profile.events() if event.device_type == DeviceType.CUDA] == ["fused"]
