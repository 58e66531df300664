"""How passes lay out what programs compute on GPUs: rows of norms, and images of group norms."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch._dynamo  # see test_cuda_graphs.py
import torch.nn.functional as F
from torch import nn

import tracejet
from tests.support.kernel_passes import operators
from tests.support.lambda_module import Lambda

gpu = pytest.mark.gpu


class Layers(nn.Module):
    """Layers whose sum begins with what a convolution gave, channels last by a permutation."""

    def __init__(self, layers: int = 2, gives_sum: bool = False, width: int = 16):
        super().__init__()
        self.first = nn.Conv1d(4, width, 3)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.linears = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.gives_sum = gives_sum

    def forward(self, x: torch.Tensor) -> Any:
        states = self.first(x).permute(0, 2, 1) + 1
        for norm, linear in zip(self.norms, self.linears, strict=True):
            states = states + linear(norm(states))
        return states if self.gives_sum else F.relu(F.layer_norm(states, states.shape[-1:]))


def traced(module: nn.Module, *inputs: torch.Tensor, **options: Any) -> torch.export.ExportedProgram:
    return tracejet.trace(module.half().eval(), arg_inputs=[x.half() for x in inputs], **options)


def test_sums_before_norms_lie_in_rows() -> None:
    x = torch.randn(2, 4, 12)
    program = traced(Layers(), x, device="cuda")
    assert operators(program).count("aten::contiguous") == 2  # of the convolution, and of the result
    assert "aten::contiguous" not in operators(program, skipped_passes=["lay_out_rows"])
    assert "aten::contiguous" not in operators(tracejet.trace(Layers().eval(), arg_inputs=[x]))  # on a CPU
    assert "aten::contiguous" not in operators(traced(Layers(0), x, device="cuda"))  # one norm gains nothing
    # What a program gives lies as in eager.
    assert "aten::contiguous" not in operators(traced(Layers(gives_sum=True), x, device="cuda"))


def assert_as_exact(module: nn.Module, x: torch.Tensor) -> None:
    """In float16, as near to float32 as eager is, and laid out like it: when run, recorded and replayed."""
    compiled = tracejet.compile(tracejet.trace(module, arg_inputs=[x]))
    results = [compiled(x) for _ in range(4)]
    eager = module(x)
    exact = module.float()(x.float())
    error = (eager.float() - exact).abs().max()
    for result in results:
        assert result.stride() == eager.stride()
        assert (result.float() - exact).abs().max() <= 2 * error + 1e-3


@gpu
@torch.no_grad()
@pytest.mark.parametrize("module", [Layers(), Layers(gives_sum=True), Layers(width=768)], ids=["rows", "sum", "wide"])
def test_rows_are_normed_as_exactly(module: nn.Module) -> None:
    torch.manual_seed(0)
    module = module.cuda().half().eval()
    x = torch.randn(3, 4, 30, device="cuda").half()
    assert_as_exact(module, x)


def normed(channels: int, groups: int, silu: bool, affine: bool = True) -> nn.Module:
    norm = nn.GroupNorm(groups, channels, affine=affine)
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    first = nn.Conv2d(8, channels, 3, padding=1)
    return nn.Sequential(first, norm, nn.SiLU() if silu else Lambda(lambda x: x * 1))


@gpu
@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ("channels", "groups", "size", "affine"),
    [
        (32, 8, 16, True),
        (320, 32, 64, True),
        (1280, 32, 8, True),
        (48, 2, 5, False),
        (96, 32, 1, True),
        (2560, 32, 8, True),
    ],
)
@pytest.mark.parametrize("silu", [True, False])
def test_group_norm_takes_channels_last(
    channels: int, groups: int, size: int, affine: bool, silu: bool, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    module = normed(channels, groups, silu, affine).cuda().to(dtype).eval()
    for images, shift in ((1, 0), (3, 20)):
        x = torch.randn(images, 8, size, size + 1, device="cuda").to(dtype) + shift
        program = tracejet.trace(module, arg_inputs=[x])
        found = operators(program)
        assert "tracejet::group_norm" in found and "aten::silu" not in found, found
        assert "aten::native_group_norm" in operators(program, skipped_passes=["fuse_group_norm"])
        compiled = tracejet.compile(program)
        results = [compiled(x) for _ in range(4)]
        eager = module(x)
        conv = module[0](x).double()
        exact = module[2](F.group_norm(conv, groups, *(p.double() for p in module[1].parameters())))
        error = (eager.double() - exact).abs().max()
        for result in results:
            assert result.stride() == eager.stride()
            assert (result.double() - exact).abs().max() <= 1.5 * error + 1e-3


@gpu
@torch.no_grad()
def test_group_norm_of_what_its_kernels_dont_take() -> None:
    """An odd number of channels, and channels that don't come last."""
    for module, x in (
        (normed(12, 4, True), torch.randn(2, 8, 6, 6)),
        (Lambda(lambda x: F.silu(F.group_norm(x, 4))), torch.randn(2, 16, 6, 6)),
    ):
        module, x = module.cuda().half().eval(), x.cuda().half()
        compiled = tracejet.compile(tracejet.trace(module, arg_inputs=[x]))
        for _ in range(4):
            torch.testing.assert_close(compiled(x), module(x), rtol=4e-3, atol=4e-3)


class Heads(nn.Module):
    """Attention spelled out, with a bias, as in windows."""

    def __init__(self, scale: float | None = 0.25):
        super().__init__()
        self.all, self.scale = nn.Linear(64, 192), scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, length, _ = x.shape
        query, key, value = self.all(x).view(rows, length, 3, 4, 16).permute(2, 0, 3, 1, 4)
        query = query * self.scale if self.scale else query + 1
        weights = F.softmax(query @ key.transpose(-2, -1) + 0.5, -1)
        return (weights @ value).transpose(1, 2).reshape(rows, length, 64)


def test_heads_are_copied_together() -> None:
    x = torch.randn(5, 7, 64)
    program = traced(Heads(), x, device="cuda")
    found = operators(program, skipped_passes=["fuse_pointwise"])
    assert found.count("aten::clone") == 2 and found.count("aten::select.int") == 3, found  # and of the result
    assert "aten::clone" not in operators(program)  # a kernel of ours
    for skipped in ("fuse_pointwise", "copy_heads_once"):
        assert operators(program, skipped_passes=[skipped]).count("tracejet::fused") < operators(program).count(
            "tracejet::fused"
        )
    others = operators(traced(Heads(None), x, device="cuda"), skipped_passes=["fuse_pointwise"])
    assert others.count("aten::clone") == 1  # somebody else reads them


@gpu
@torch.no_grad()
@pytest.mark.parametrize("length", [7, 49])
def test_heads_give_as_exact_results(length: int) -> None:
    torch.manual_seed(0)
    module = Heads().cuda().half().eval()
    x = torch.randn(5, length, 64, device="cuda").half()
    assert_as_exact(module, x)


def masked(x: torch.Tensor, bias: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Weights of windows, of which each image has three kinds."""
    weights = x @ x.transpose(-2, -1) + bias
    weights = weights.view(2, 3, 4, 7, 7) + mask.unsqueeze(1).unsqueeze(0)
    return F.softmax(weights.view(6, 4, 7, 7), -1) @ x


def test_chains_keep_their_axes() -> None:
    shapes = (6, 4, 7, 16), (1, 4, 7, 7), (3, 7, 7)
    program = traced(Lambda(masked), *map(torch.randn, shapes), device="cuda")
    found = operators(program)
    assert found.count("tracejet::fused") == 1, found
    assert not {"aten::add.Tensor", "aten::_softmax"} & set(found)
    assert "aten::_softmax" in operators(program, skipped_passes=["keep_axes"])
    shapes = (6, 4, 7, 16), (6, 4, 7, 7), (3, 7, 7)
    by_head = traced(Lambda(masked), *map(torch.randn, shapes), device="cuda")
    assert "aten::add.Tensor" in operators(by_head)  # one for each head of each image


@gpu
@torch.no_grad()
def test_chains_of_kept_axes_are_as_exact() -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(shape, device="cuda").half() for shape in ((6, 4, 7, 16), (1, 4, 7, 7), (3, 7, 7))]
    compiled = tracejet.compile(tracejet.trace(Lambda(masked), arg_inputs=inputs))
    exact = masked(*(x.float() for x in inputs))
    error = (masked(*inputs).float() - exact).abs().max()
    for _ in range(4):
        result = compiled(*inputs)
        assert result.is_contiguous()
        assert (result.float() - exact).abs().max() <= 2 * error + 1e-3
