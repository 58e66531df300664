"""Functions with modes, windows and positions, at several sizes: every axis that may vary does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda, batch
from tracejet import Input


def image(channels: int = 3, low: int = 4, opt: int = 6, high: int = 11) -> Input:
    """[batch, channels, height, width]; all but the channels are dynamic."""
    return Input(
        min_shape=(1, channels, low, low), opt_shape=(2, channels, opt, opt + 2), max_shape=(4, channels, high, high)
    )


RESIZES = {
    f"{mode}, {name}": (mode, options)
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area")
    for name, options in {
        "twice": {"scale_factor": 2},
        "by 1.7": {"scale_factor": (1.7, 0.6)},
        "by 1.7, computed anew": {"scale_factor": (1.7, 0.6), "recompute_scale_factor": True},
        "to a size": {"size": (7, 5)},
    }.items()
}


@pytest.mark.parametrize(("mode", "options"), RESIZES.values(), ids=RESIZES)
def test_interpolation_is_as_eager(mode: str, options: dict[str, Any]) -> None:
    assert_same_as_eager(Lambda(lambda x: functional.interpolate(x, mode=mode, **options)), [image()])


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("options", [{"align_corners": True}, {"antialias": True}], ids=str)
def test_interpolation_between_corners_or_antialiased_is_as_eager(mode: str, options: dict[str, bool]) -> None:
    model = Lambda(lambda x: functional.interpolate(x, scale_factor=1.5, mode=mode, **options))
    assert_same_as_eager(model, [image()], tolerance=1e-3)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_sampling_a_grid_is_as_eager(mode: str, padding: str, align_corners: bool) -> None:
    def sample(x: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        return functional.grid_sample(x, grid.tanh() * 1.3, mode, padding, align_corners)

    grid = Input(min_shape=(1, 2, 3, 2), opt_shape=(2, 4, 5, 2), max_shape=(4, 6, 7, 2), shared_dims={0: "batch"})
    x = Input(min_shape=(1, 3, 4, 4), opt_shape=(2, 3, 5, 6), max_shape=(4, 3, 8, 8), shared_dims={0: "batch"})
    assert_same_as_eager(Lambda(sample), [x, grid], tolerance=1e-3)


WINDOWS = {
    **{
        f"pad, {mode}": lambda x, mode=mode: functional.pad(x, (1, 2, 0, 3), mode=mode)
        for mode in ("reflect", "replicate", "circular")
    },
    "pad with a number": lambda x: functional.pad(x, (1, 2, 0, 3, 1, 0), value=2.5),
    "pad by less than nothing": lambda x: functional.pad(x, (-1, 2, -1, -1)),
    "max_pool2d, ceil": lambda x: functional.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    "max_pool2d with indices": lambda x: functional.max_pool2d(x, 2, return_indices=True),
    "avg_pool2d, ceil": lambda x: functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
    "lp_pool2d, ceil": lambda x: functional.lp_pool2d(x.abs(), 2.0, 3, 2, ceil_mode=True),
    "adaptive pools": lambda x: (functional.adaptive_avg_pool2d(x, (3, 2)), functional.adaptive_max_pool2d(x, 2)),
    "max_pool1d, ceil": lambda x: functional.max_pool1d(x.flatten(2), 3, 2, ceil_mode=True),
    "max_pool3d, ceil": lambda x: functional.max_pool3d(x[:, None], 2, ceil_mode=True),
    "unfold and fold": lambda x: functional.fold(
        functional.unfold(x, 3, padding=1, stride=2), x.shape[-2:], 3, padding=1, stride=2
    ),
    "windows of a tensor": lambda x: x.unfold(3, 3, 2),
    "shuffled pixels": lambda x: functional.pixel_shuffle(x.repeat(1, 4, 1, 1), 2),
}


@pytest.mark.parametrize("function", WINDOWS.values(), ids=WINDOWS)
def test_windows_and_borders_are_as_eager(function: Callable[..., Any]) -> None:
    assert_same_as_eager(Lambda(function), [image()])


SIGNALS = {
    "fft": lambda x: torch.fft.fft(x, dim=1),
    "rfft and back": lambda x: torch.fft.irfft(torch.fft.rfft(x, dim=1), n=x.shape[1], dim=1),
    "fft2": lambda x: torch.fft.fft2(x[:, None]),
    "shifted": lambda x: torch.fft.fftshift(torch.fft.ifft(x.to(torch.complex64))),
    "stft": lambda x: torch.stft(x, 4, window=torch.hann_window(4), return_complex=True),
    "complex parts": lambda x: (torch.complex(x, -x).abs(), torch.polar(x.abs(), x).conj().imag),
    "as real": lambda x: torch.view_as_real(torch.complex(x, x * 2) * (1 + 2j)),
}


@pytest.mark.parametrize("function", SIGNALS.values(), ids=SIGNALS)
def test_spectra_and_complex_numbers_are_as_eager(function: Callable[..., Any]) -> None:
    x = Input(min_shape=(1, 4), opt_shape=(3, 8), max_shape=(5, 13))
    assert_same_as_eager(Lambda(function), [x], tolerance=1e-3)


def _definite(x: torch.Tensor) -> torch.Tensor:
    return x @ x.mT + 4 * torch.eye(x.shape[-1])


ALGEBRA = {
    "cholesky": lambda x: torch.linalg.cholesky(_definite(x)),
    "inverse": lambda x: torch.linalg.inv(_definite(x)),
    "solve": lambda x: torch.linalg.solve(_definite(x), x),
    "least squares": lambda x: torch.linalg.lstsq(_definite(x), x).solution,
    "determinant": lambda x: (torch.linalg.det(_definite(x)), torch.linalg.slogdet(_definite(x))),
    "eigenvalues": lambda x: torch.linalg.eigvalsh(_definite(x)),
    "singular values": lambda x: torch.linalg.svdvals(x),
    "triangular": lambda x: torch.linalg.solve_triangular(_definite(x).triu(), x, upper=True),
    "pseudo-inverse": lambda x: torch.linalg.pinv(_definite(x)),
    "norms": lambda x: (torch.linalg.matrix_norm(x), torch.linalg.vector_norm(x, 3, dim=(0, 2))),
    "multi_dot": lambda x: torch.linalg.multi_dot([x[0], x[0].mT, x[0]]),
    "exponential": lambda x: torch.matrix_exp(x * 0.1),
}


@pytest.mark.parametrize("function", ALGEBRA.values(), ids=ALGEBRA)
def test_linear_algebra_is_as_eager(function: Callable[..., Any]) -> None:
    assert_same_as_eager(Lambda(function), [batch(4, 4)], tolerance=1e-3)


POSITIONS = {
    "sort": lambda x: torch.sort(x, dim=0, descending=True, stable=True),
    "argsort": lambda x: torch.argsort(x, dim=1),
    "topk": lambda x: torch.topk(x, 3, dim=1, largest=False),
    "kthvalue": lambda x: torch.kthvalue(x, 2, dim=1),
    "median": lambda x: (torch.median(x, 1), x.nanmedian(1).values, x.quantile(0.3, dim=1)),
    "searchsorted": lambda x: torch.searchsorted(x.sort(1).values, x, right=True),
    "bucketize": lambda x: torch.bucketize(x, torch.tensor([-1.0, 0.0, 0.5])),
    "histc": lambda x: torch.histc(x, 7, -2, 2),
    "bincount": lambda x: torch.bincount((x.flatten() * 3).long().abs(), minlength=4),
    "gather": lambda x: x.gather(0, x.argsort(0)),
    "scatter": lambda x: x.scatter(1, x.argsort(1), x * 2),
    "scatter_add": lambda x: torch.zeros_like(x).scatter_add(1, x.long().abs() % 3, x),
    "scatter_reduce": lambda x: x.scatter_reduce(1, x.long().abs() % 3, x, "amax", include_self=False),
    "index_put, accumulated": lambda x: torch.zeros(5, x.shape[0]).index_put(
        (x[:, 0].long().abs() % 5, torch.arange(x.shape[0])), x[:, 0], accumulate=True
    ),
    "index_add": lambda x: x.index_add(1, torch.tensor([0, 2, 0]), x[:, :3]),
    "index_reduce": lambda x: x.index_reduce(1, torch.tensor([0, 2, 0]), x[:, :3], "mean"),
    "masked_scatter": lambda x: x.masked_scatter(x > 0, x.flip(1)),
    "einsum": lambda x: (torch.einsum("bi,bj->bij", x, x), torch.einsum("...i,ji->...j", x, x)),
    "cdist": lambda x: (torch.cdist(x, x * 2), torch.cdist(x, x + 1, p=1.0)),
    "unique rows": lambda x: torch.unique((x > 0).long(), dim=0, return_inverse=True, return_counts=True),
    "unique columns in a row": lambda x: torch.unique_consecutive((x > 0).long(), dim=1),
    "combinations": lambda x: torch.combinations(x[:, 0], 2),
    "one_hot without a number of classes": lambda x: functional.one_hot(x.long().abs()),
    "split at data": lambda x: x.tensor_split((x[0, :2] * 0).long() + torch.tensor([2, -1]), dim=1),
    "a slice up to data": lambda x: x[:, : (x[0, 0] * 3).long().item()],
    "nested lists": lambda x: [[x, [x + 1]], (x.sum(), {"a": [x.mean(0)]})],
}


@pytest.mark.parametrize("function", POSITIONS.values(), ids=POSITIONS)
def test_order_and_positions_are_as_eager(function: Callable[..., Any]) -> None:
    assert_same_as_eager(Lambda(function), [batch(6)])


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * ctx.saved_tensors[0]


@torch.jit.script
def scripted(x: torch.Tensor, times: int) -> torch.Tensor:
    for _ in range(times):
        x = x.sin() + 1
    return x


TRANSFORMS = {
    "vmap": lambda x: torch.func.vmap(lambda row: (row.outer(row).sum(0), row.max()))(x),
    "vmap over columns": lambda x: torch.func.vmap(torch.cumsum, in_dims=(1, None))(x, 0),
    "grad": lambda x: torch.func.grad(lambda t: (t.sin() * t).sum())(x),
    "grad of each row": lambda x: torch.func.vmap(torch.func.grad(lambda row: (row**3).sum()))(x),
    "jvp": lambda x: torch.func.jvp(lambda t: t.exp() * t, (x,), (torch.ones_like(x),)),
    "vjp": lambda x: torch.func.vjp(lambda t: t.tanh(), x)[1](x),
    "checkpoint": lambda x: checkpoint(lambda t: t.relu() * t, x, use_reentrant=False),
    "autograd.Function": lambda x: Doubled.apply(x) + 1,
    "a scripted function": lambda x: scripted(x, 3),
    "gradients": lambda x: _gradient(x),
}


def _gradient(x: torch.Tensor) -> torch.Tensor:
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        return torch.autograd.grad((y.sigmoid() * y).sum(), y)[0]


@pytest.mark.parametrize("function", TRANSFORMS.values(), ids=TRANSFORMS)
def test_transformed_functions_are_as_eager(function: Callable[..., Any]) -> None:
    assert_same_as_eager(Lambda(function), [batch(5)])


SPARSE = {
    "coo": lambda: torch.eye(3).to_sparse(),
    "csr": lambda: torch.eye(3).to_sparse_csr(),
}


@pytest.mark.parametrize("make", SPARSE.values(), ids=SPARSE)
@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_sparse_tensors_are_refused(make: Callable[[], torch.Tensor]) -> None:
    with pytest.raises(tracejet.InvalidInput, match="dense"):
        tracejet.dynamo.trace(Lambda(lambda x: x @ x.to_dense()), arg_inputs=[make()])
    with pytest.raises(tracejet.Error, match="sparse"):
        tracejet.dynamo.trace(Lambda(lambda x: x.to_sparse()), arg_inputs=[torch.eye(3)])
