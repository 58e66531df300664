"""Passes on what PyTorch's kernels run, where a GPU runs it: as exact as eager."""

from __future__ import annotations

import pytest
import torch
import torch._dynamo  # see test_cuda_graphs.py
import torch.nn.functional as F
from torch import nn
from torch.autograd import DeviceType

import tracejet
from tests.support.kernel_passes import Block, operators, traced
from tests.support.lambda_module import Lambda, batch

gpu = pytest.mark.gpu


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


class Shortcut(nn.Module):
    """As blocks of ResNets are: both sides of a sum are convolutions with biases, and nothing else reads them."""

    def __init__(self, bias: bool = True, first_bias: bool = True):
        super().__init__()
        self.first, self.second = nn.Conv2d(8, 8, 3, padding=1, bias=first_bias), nn.Conv2d(8, 8, 1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.first(x) + self.second(x))


@gpu
@pytest.mark.parametrize("first_bias", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_the_bias_of_a_shortcut_is_added_with_the_other_one(bias: bool, first_bias: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 8, 16, 16, device="cuda").half()
    module = Shortcut(bias, first_bias)
    assert_as_exact(module, x, wanted="aten::cudnn_convolution_add_relu", skipped="fuse_convolution_relu")
    program = traced(module.half(), x)
    assert "aten::add.Tensor" not in operators(program) and "tracejet::fused" not in operators(program)
    assert operators(program).count("aten::convolution") == 1


@gpu
@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "pool",
    [nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2), nn.MaxPool2d((3, 2), (1, 3), (1, 0), (2, 1), ceil_mode=True)],
    ids=str,
)
def test_max_pooling_takes_channels_last(pool: nn.Module, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(8, 64, 3), nn.ReLU(), pool).cuda().to(dtype).eval()
    for size in ((2, 8, 31, 20), (8, 8, 114, 114)):
        x = torch.randn(size, device="cuda").to(dtype)
        x[0, :, 3, 3] = torch.nan
        program = traced(module, x)
        assert "tracejet::max_pool2d" in operators(program)
        assert "tracejet::max_pool2d" not in operators(program, skipped_passes=["pool_channels_last"])
        compiled, plain = (tracejet.compile(program, skipped_passes=names) for names in ([], ["pool_channels_last"]))
        for _ in range(4):
            got, expected = compiled(x), plain(x)
            assert got.stride() == expected.stride()
            torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)


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
