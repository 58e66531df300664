"""What an operator needs of sizes that only 0 and 1 lack is checked in a run: loud where eager is, and only there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from tests.support.lambda_module import Lambda, batch
from tracejet import Input

#: Of [rows, columns], each from 0 on, and 3 in the last axis.
SIZES = [(3, 4), (0, 4), (1, 4), (3, 0), (3, 1), (0, 0), (1, 1), (2, 2), (6, 6)]


def declared() -> Input:
    return Input(min_shape=(0, 0, 3), opt_shape=(3, 4, 3), max_shape=(6, 6, 3), shared_dims={0: "rows", 1: "columns"})


def outcome(run: Callable[..., Any], x: torch.Tensor) -> Any:
    try:
        with torch.no_grad():
            return run(x)
    except Exception as error:
        return error


def assert_refused_like_eager(model: Lambda, compiled: Callable[..., Any]) -> None:
    """At some of the sizes, and at no others."""
    refused = 0
    for rows, columns in SIZES:
        x = torch.randn(rows, columns, 3)
        expected, got = outcome(model, x), outcome(compiled, x)
        if isinstance(expected, Exception):
            refused += 1
            assert isinstance(got, tracejet.Error), f"at {(rows, columns)}: eager says {expected}, the program {got}"
            assert "test_small_sizes.py" in str(got), got
        else:
            assert not isinstance(got, Exception), f"at {(rows, columns)}: {got}"
            torch.testing.assert_close(got, expected)
    assert refused > 0


#: By an operator that eager refuses at some of the sizes.
REFUSED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "aten::topk": lambda x: x.topk(2, dim=1).values * 2,
    "aten::kthvalue": lambda x: x.kthvalue(2, dim=0).values * 2,
    "aten::_pad_circular": lambda x: F.pad(x.transpose(1, 2), (1, 1), mode="circular") + 1,
    "aten::upsample_nearest1d": lambda x: F.interpolate(x.transpose(1, 2), scale_factor=2.0) + 1,
    "aten::upsample_linear1d": lambda x: F.interpolate(x.transpose(1, 2), size=4, mode="linear") + 1,
    "aten::im2col": lambda x: F.unfold(x.unsqueeze(1), (2, 2)) + 1,
    "aten::col2im": lambda x: F.fold(F.unfold(x.unsqueeze(1), (2, 2)), (x.shape[1], 3), (2, 2)),
    "aten::narrow": lambda x: x.narrow(1, 0, x.shape[1] - 1) + 1,
    "aten::grid_sampler": lambda x: F.grid_sample(x.unsqueeze(1), x.new_zeros(len(x), 2, 2, 2), align_corners=False),
    "aten::max_pool": lambda x: F.max_pool1d(x.transpose(1, 2), 2) + 1,
    "aten::conv": lambda x: F.conv1d(x.transpose(1, 2), torch.ones(2, 3, 2)) + 1,
    "aten::einsum, repeated subscripts": lambda x: torch.einsum("ij,a...a->j...", x[:, :, 0].mT, x[-2:, :, -2:]),
    "aten::einsum, a diagonal": lambda x: torch.einsum("iji->ij", x[-2:, :, -2:]),
}


@pytest.mark.parametrize("engine", ["aten", "auto"])
@pytest.mark.parametrize("op", REFUSED)
def test_a_run_is_refused_where_eager_refuses_it_and_only_there(op: str, engine: str) -> None:
    model = Lambda(REFUSED[op])
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[declared()]), engine=engine)
    assert_refused_like_eager(model, compiled)


def images(x: torch.Tensor) -> torch.Tensor:
    """[3, rows, columns, 2], where an empty batch would be right and no other axis may be empty."""
    return x.permute(2, 0, 1).unsqueeze(-1).repeat(1, 1, 1, 2)


#: By what eager refuses, calls that nothing is made of: no kernel refuses them, for the program has none.
UNUSED: dict[str, Callable[[torch.Tensor], Any]] = {
    "aten::amax": lambda x: x.amax(1),
    "aten::argmin": lambda x: x.argmin(0),
    "aten::argmax of all": lambda x: x.argmax(),
    "aten::max.dim": lambda x: x.max(1),
    "aten::mode": lambda x: x.mode(1),
    "aten::nanmedian.dim": lambda x: x.nanmedian(0),
    "aten::linalg_vector_norm": lambda x: torch.linalg.vector_norm(x, -1, dim=1),
    "aten::linalg_vector_norm, infinite": lambda x: torch.linalg.vector_norm(x, torch.inf, dim=0),
    "aten::batch_norm": lambda x: torch.native_batch_norm(x.flatten(1)[:, :3], None, None, None, None, True, 0.1, 1e-5),
    "aten::im2col": lambda x: F.unfold(images(x), 1),
    "aten::col2im": lambda x: F.fold(x.permute(2, 0, 1), (x.shape[1], 1), 1),
    "aten::max_pool2d_with_indices": lambda x: F.max_pool2d(images(x), 1),
    "aten::avg_pool2d": lambda x: F.avg_pool2d(images(x), 1),
    "aten::adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(images(x), 2),
    "aten::_adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(images(x), 2),
    "aten::conv_transpose1d": lambda x: F.conv_transpose1d(x.permute(2, 0, 1)[:, :1], torch.ones(1, 2, 3)),
    "aten::scatter": lambda x: x[:, :1].scatter(2, torch.zeros(1, 1, 4, dtype=torch.long), 1.0),
    "aten::gather": lambda x: x[:1].gather(2, torch.zeros(1, 2, 4, dtype=torch.long)),
    "aten::replication_pad2d": lambda x: F.pad(images(x), (1, 1, 1, 1), mode="replicate"),
    "aten::constant_pad_nd": lambda x: F.pad(x[1:].mT, (-1, 1)),
    "aten::diagonal_scatter": lambda x: torch.diagonal_scatter(x[:, :, 0], x.new_zeros(3)),
    "aten::rms_norm": lambda x: F.rms_norm(x[:, :2].mT, (2,)),
    "aten::reshape": lambda x: x.reshape(x.shape[0], -1),
    "aten::view": lambda x: x.view(-1, x.shape[0] * x.shape[1]),
    "aten::batch_norm of no channels": lambda x: F.batch_norm(
        x, x.new_ones(x.shape[1]), x.new_ones(x.shape[1]), x.new_ones(x.shape[1])
    ),
    "aten::instance_norm": lambda x: F.instance_norm(x, weight=x.new_ones(x.shape[1])),
    "aten::max_unpool1d": lambda x: F.max_unpool1d(x[:1], x[:1].long() * 0, 2),
    "aten::bilinear": lambda x: F.bilinear(x.sum(0).mT, x.sum(0).mT, x.new_ones(2, x.shape[1], x.shape[1])),
    "aten::cov": lambda x: torch.cov(
        x.sum(0).mT, fweights=x.new_ones(x.shape[1], dtype=torch.long), aweights=x.new_ones(x.shape[1])
    ),
    "aten::linalg_vander": lambda x: torch.linalg.vander(x.sum(0)[:, 0]),
    "aten::_chunk_cat": lambda x: torch._chunk_cat([x[:1].mT], 0, 2),
    "aten::take_along_dim": lambda x: x[:1].take_along_dim(torch.zeros(1, 2, 3, dtype=torch.long), 1),
    "aten::select_scatter": lambda x: torch.select_scatter(x, x.new_zeros(x.shape[1], 3), 0, 0),
    "aten::slice_scatter": lambda x: torch.slice_scatter(x, x.new_zeros(1, x.shape[1], 3), 0, 0, 1),
}


@pytest.mark.parametrize("op", UNUSED)
def test_a_call_that_eager_refuses_is_refused_though_nothing_is_made_of_it(op: str) -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        UNUSED[op](x)
        return x * 2

    model = Lambda(forward)
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[declared()]), engine="aten")
    assert_refused_like_eager(model, compiled)


@pytest.mark.parametrize("options", [{}, {"groups": 2}, {"stride": 2}, {"stride": 3, "output_padding": 2}], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_a_transposed_convolution_leaves_nothing_where_eagers_does(
    batch: int, dtype: torch.dtype, options: dict
) -> None:
    """Of float32 in batches or groups, the kernel that PyTorch chooses gives nothing; others refuse it."""
    weight = torch.ones(2, 2, 2, dtype=dtype)
    model = Lambda(lambda x: F.conv_transpose1d(x, weight, padding=1, **options))
    declared = Input(min_shape=(batch, 2, 1), opt_shape=(batch, 2, 4), max_shape=(batch, 2, 9), dtype=dtype)
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[declared]), engine="aten")
    for length in 4, 1, 2:
        x = torch.randn(batch, 2, length, dtype=dtype)
        try:
            expected = model(x)
        except RuntimeError:
            with pytest.raises(tracejet.Error):
                compiled(x)
        else:
            torch.testing.assert_close(compiled(x), expected)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_convolution_of_no_channels_gives_none(batch: int) -> None:
    """Whatever the weight says."""
    model = Lambda(lambda x: F.conv1d(x, torch.zeros(2, 0, 2), stride=3).flatten(0, 1))
    declared = Input(min_shape=(0, 0, 5), opt_shape=(3, 0, 5), max_shape=(4, 0, 5))
    program = tracejet.trace(model, arg_inputs=[declared])
    x = torch.zeros(batch, 0, 5)
    assert model(x).shape == program.module()(x).shape == (0, 2)
    result = program.graph.output_node().args[0][0].meta["val"]
    assert result.shape[0] == 0


@pytest.mark.parametrize("shape", [(2, 4, 0, 3), (2, 4, 3, 0), (0, 4, 4, 3)])
def test_images_without_pixels_are_held_to_the_factor_as_in_eager(shape) -> None:
    """PyTorch asks for multiples first."""
    model = Lambda(lambda x: F.pixel_unshuffle(x, 2))
    with pytest.raises(RuntimeError, match="divisible"):
        model(torch.ones(shape))
    for decompositions in ("tensorrt", "core_aten"):
        with pytest.raises(tracejet.Error, match="pixel_unshuffle.*multiple of 2"):
            tracejet.trace(model, arg_inputs=[torch.ones(shape)], decompositions=decompositions)


def test_what_eager_hands_back_in_its_old_shape_is_refused() -> None:
    """PyTorch's pixel_unshuffle leaves a tensor without elements as it is."""
    images = Input(min_shape=(0, 1, 4, 4), opt_shape=(2, 1, 4, 4), max_shape=(4, 1, 4, 4))
    model = Lambda(lambda x: F.pixel_unshuffle(x, 2))
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[images]))
    x = torch.randn(3, 1, 4, 4)
    torch.testing.assert_close(compiled(x), model(x))
    assert model(x[:0]).shape == (0, 1, 4, 4)
    with pytest.raises(tracejet.Error, match="pixel_unshuffle"):
        compiled(x[:0])


def test_a_size_that_is_broadcast_stays_one() -> None:
    """At one row the diagonal is empty, and so is what it is multiplied with: from two on, it has one element."""

    def forward(x: torch.Tensor) -> torch.Tensor:
        product = x[:, :1, 0].diagonal(-1) * x[:, 0, 0]
        return product.view(x.shape[0])

    rows = Input(min_shape=(1, 2, 3), opt_shape=(3, 2, 3), max_shape=(6, 2, 3))
    compiled = tracejet.compile(tracejet.trace(Lambda(forward), arg_inputs=[rows]), engine="aten")
    for count in 2, 5:
        x = torch.randn(count, 2, 3)
        torch.testing.assert_close(compiled(x), forward(x))
    with pytest.raises(tracejet.Error, match="relies on"):
        compiled(torch.randn(1, 2, 3))


def refuses_one(x: torch.Tensor) -> torch.Tensor:
    if x.shape[1] == 1 and x.shape[0] == 1:
        raise ValueError("one number has no spread")
    return x * 2


#: What Python code refuses, PyTorch's own or the model's.
REFUSED_BY_CODE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "instance_norm": lambda x: F.instance_norm(x.transpose(1, 2)),
    "model": refuses_one,
}


@pytest.mark.parametrize("name", REFUSED_BY_CODE)
def test_a_run_is_refused_where_the_models_code_refuses_it(name: str) -> None:
    model = Lambda(REFUSED_BY_CODE[name])
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[declared()]), engine="aten")
    assert_refused_like_eager(model, compiled)


def test_nothing_is_checked_that_the_declared_range_says() -> None:
    x = Input(min_shape=(2, 2, 3), opt_shape=(3, 4, 3), max_shape=(6, 6, 3))
    program = tracejet.trace(Lambda(REFUSED["aten::topk"]), arg_inputs=[x])
    assert not any("assert" in str(node.target) for node in program.graph.nodes)


def written(x: torch.Tensor, at: Any) -> torch.Tensor:
    y = x.clone()
    y[:, at] = 7.0
    return y


#: Positions that count from the end at sizes of 0 and 1, and from the start at others; or the other way round.
COUNTED: dict[str, Callable[[torch.Tensor], Any]] = {
    "a slice from n - 2 on": lambda x: x[:, x.shape[1] - 2 :] + 1,
    "its length": lambda x: x * x[:, x.shape[1] - 2 :].shape[1],
    "a slice up to n - 2": lambda x: x[:, : x.shape[1] - 2] + x[:, : x.shape[1] - 2].shape[1],
    "a slice from rows - 1 on": lambda x: x[:, x.shape[0] - 1 :] + x[:, x.shape[0] - 1 :].shape[1],
    "the last rows": lambda x: x[:, -x.shape[0] :] + x[:, -x.shape[0] :].shape[1],
    "a slice from 1 - rows on": lambda x: x[:, 1 - x.shape[0] :] + x[:, 1 - x.shape[0] :].shape[1],
    "every second": lambda x: x[:, x.shape[1] - 2 :: 2] + 1,
    "written from n - 2 on": lambda x: written(x, slice(x.shape[1] - 2, None)),
    "written up to -rows": lambda x: written(x, slice(None, -x.shape[0])),
    "an index": lambda x: x[:, x.shape[1] - 2] + 1,
    "an index of another axis": lambda x: x[:, -x.shape[0]] + 1,
    "written at an index": lambda x: written(x, x.shape[1] - 2),
}


@pytest.mark.parametrize("engine", ["aten", "openvino"])
@pytest.mark.parametrize("position", COUNTED)
def test_a_position_counts_from_the_end_that_it_counts_from_in_eager(position: str, engine: str) -> None:
    model = Lambda(COUNTED[position])
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[declared()]), engine=engine)
    for rows, columns in SIZES:
        x = torch.randn(rows, columns, 3)
        expected, got = outcome(model, x), outcome(compiled, x)
        if isinstance(expected, Exception):
            assert isinstance(got, tracejet.Error), f"at {(rows, columns)}: eager says {expected}, the program {got}"
        else:
            assert not isinstance(got, Exception), f"at {(rows, columns)}: {got}"
            torch.testing.assert_close(got, expected)


def test_narrow_counts_from_the_end_that_it_counts_from_in_eager() -> None:
    model = Lambda(lambda x: x.narrow(0, x.shape[0] - 2, 1) + 1)
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[batch(3)]))
    for rows in (1, 2, 3, 9):
        x = torch.randn(rows, 3)
        torch.testing.assert_close(compiled(x), model(x))


@pytest.mark.parametrize("engine", ["aten", "openvino"])
def test_writes_to_a_part_may_find_nothing_to_write_to(engine: str) -> None:
    def write(x: torch.Tensor) -> torch.Tensor:
        y = x * 1
        y.split([1, y.shape[0] - 1], 0)[1].relu_()
        y[2:].mul_(3)
        return y

    declared = Input(min_shape=(1, 2), opt_shape=(4, 2), max_shape=(8, 2))
    compiled = tracejet.compile(tracejet.trace(Lambda(write), arg_inputs=[declared]), engine=engine)
    for rows in (1, 2, 3, 4, 8):
        x = torch.randn(rows, 2)
        torch.testing.assert_close(compiled(x), write(x))
