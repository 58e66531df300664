"""What OpenVINO makes of tensors without elements and of sizes of 1 (docs/engines/openvino.md): what eager makes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tests.support.openvino_shapes import assert_right, dynamic
from tracejet import Input


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.mean(0),
        lambda x: x.mean(),
        lambda x: x[1:].mean(0, keepdim=True),
        lambda x: torch.var_mean(x, [0]),
        lambda x: F.mse_loss(x, x * 2),
        lambda x: (x.sum(0), x.prod(0), x.logsumexp(1), x.softmax(0), x.amax(1), (x > 0).any(0), (x > 0).all(0)),
        lambda x: x.mT @ x,
    ],
)
def test_nothing_is_reduced_as_in_eager(function):
    assert_right(function, dynamic((0, 3), (4, 3), (8, 3)), (4, 3), (1, 3), (8, 3), (0, 3))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.nonzero(),
        lambda x: x[x > 9],
        lambda x: (x[x.isnan()] + 1, x.sum()),
        lambda x: x[(x > 9).any(1)],
    ],
)
def test_nothing_is_found(function):
    assert_right(function, dynamic((0, 3), (4, 3), (8, 3)), (4, 3), (0, 3), (1, 3), (8, 3), (0, 3))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[:, None].expand(x.shape[0], 2, 3) + 1,
        lambda x: x[:, None].expand(-1, x.shape[0], -1) * 2,
        lambda x: x.expand(2, -1, -1).exp(),
        lambda x: x[:, :1].expand(-1, 4) + x.shape[0],
    ],
)
def test_nothing_is_expanded(function):
    assert_right(function, dynamic((0, 3), (4, 3), (8, 3)), (4, 3), (0, 3), (1, 3), (8, 3), (0, 3))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.scaled_dot_product_attention(x, x[:, :0], x[:, :0], scale=2.0),
        lambda x: F.scaled_dot_product_attention(x, x[:, :0], x[:, :0], is_causal=True),
        lambda x: F.scaled_dot_product_attention(x[None], x[None, :, :0], x[None, :, :0, :1]),
        lambda x: F.scaled_dot_product_attention(x, x[:, :0], x[:, :0], attn_mask=x[..., :0] > 0),
        lambda x: F.scaled_dot_product_attention(x[:, :0], x, x),
        lambda x: (x @ x[:, :0].mT).softmax(-1) @ x[:, :0],
    ],
)
def test_nothing_is_looked_at(function):
    assert_right(function, dynamic((0, 3, 2), (4, 3, 2), (8, 3, 2)), (4, 3, 2), (1, 3, 2), (0, 3, 2))


def test_a_line_that_is_never_empty_meets_nothing() -> None:
    """OpenVINO moves the arithmetic before the broadcast, which then refuses an empty tensor."""
    images = tracejet.Input(min_shape=(0, 3, 3), opt_shape=(6, 3, 3), max_shape=(6, 3, 12))

    def forward(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        rows = x.flatten(1)
        line = torch.full((rows.shape[1],), 2.0)
        column = torch.full((rows.shape[1], 1), 2.0)
        return rows + line, line * 3 - rows, rows * line.exp()[None], rows > line, (rows.relu() + 1) * column.T

    assert_right(forward, images, (6, 3, 3), (0, 3, 3), (1, 3, 12), (0, 3, 12))


def test_a_long_chain_that_may_be_empty_is_looked_at_once() -> None:
    """Each sum doubles the ways that lead to its operand: looked at one by one, they would never end."""

    def forward(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        for _ in range(60):
            x = (x + x.sigmoid()) * 0.5
        return x + y  # which has more axes

    rows = tracejet.Input(min_shape=(0, 4), opt_shape=(2, 4), max_shape=(8, 4), shared_dims={0: "n"})
    squares = tracejet.Input(min_shape=(2, 0, 4), opt_shape=(2, 2, 4), max_shape=(2, 8, 4), shared_dims={1: "n"})
    compiled = tracejet.compile(Lambda(forward), arg_inputs=[rows, squares], engine="openvino")
    for n in (2, 0, 8):
        x, y = torch.randn(n, 4), torch.randn(2, n, 4)
        torch.testing.assert_close(compiled(x, y), forward(x, y))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_a_batch_without_images_is_padded(mode):
    images = dynamic((0, 2, 3), (4, 2, 3), (8, 2, 3))
    assert_right(lambda x: F.pad(x * 2, (1, 2), mode=mode), images, (4, 2, 3), (0, 2, 3), (1, 2, 3))


@pytest.mark.parametrize(
    "function", [lambda x: x.amax(0), lambda x: x.argmin(0), lambda x: x.max(0), lambda x: x.max()]
)
def test_nothing_has_no_greatest(function):
    compiled = tracejet.compile(Lambda(function), arg_inputs=[dynamic((0, 3), (4, 3), (8, 3))], engine="openvino")
    compiled(torch.randn(2, 3))
    with pytest.raises(tracejet.InvalidInput, match="can.t take these sizes"):
        compiled(torch.randn(0, 3))


class Encoder(nn.Module):
    """Pads to a multiple of 8 and cuts what it padded."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Conv2d(3, 8, 2, 2), nn.ConvTranspose2d(8, 3, 2, 2)

    def forward(self, x):
        h, w = x.shape[-2:]
        padded = F.pad(x, (0, (8 - w % 8) % 8, 0, (8 - h % 8) % 8), mode="reflect")
        return self.up(self.down(padded))[:, :, :h, :w]


def test_a_network_pads_to_a_multiple():
    model = Encoder().eval()
    image = dynamic((1, 3, 16, 16), (2, 3, 24, 32), (3, 3, 40, 40))
    compiled = tracejet.compile(model, arg_inputs=[image], engine="openvino")
    for shape in [(2, 3, 24, 32), (1, 3, 16, 16), (3, 3, 40, 40), (2, 3, 21, 30), (1, 3, 17, 39)]:
        x = torch.rand(shape)
        torch.testing.assert_close(compiled(x), model(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.permute(1, 2, 3, 0),
        lambda x: x.movedim(0, 2) * 2,
        lambda x: torch.einsum("abcd,abce->bc", x, x),
        lambda x: x.transpose(0, 3) + 1,
        lambda x: x[:, :1].permute(2, 3, 0, 1).flatten(2),
        lambda x: (x.permute(2, 0, 1, 3).exp(), x.permute(2, 3, 1, 0)),
    ],
)
def test_axes_of_size_1_are_moved_past_empty_ones(function):
    """OpenVINO makes reshapes of such transpositions, in which a size of 0 means "as it was"."""
    shapes = [(1, 3, 7, 5), (1, 3, 0, 5), (1, 3, 7, 1), (1, 3, 0, 0), (1, 3, 8, 0), (1, 3, 0, 1), (1, 3, 8, 9)]
    assert_right(function, dynamic((1, 3, 0, 0), (1, 3, 7, 5), (1, 3, 8, 9)), *shapes)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x @ x.mT + 1,
        lambda x: (x @ x.mT - 1).relu(),
        lambda x: F.gelu(x[None] @ x.mT) * x.new_ones(3),
        lambda x: torch.addmm(torch.ones(3), x, x.mT),
        lambda x: torch.baddbmm(torch.ones(3, 1, 1), x[:, None], x[:, None].mT),
        lambda x: torch.addmv(torch.ones(3), x, x[0]),
        lambda x: x[0] @ x[1] + 1,
        lambda x: torch.einsum("ab,cb->ac", x, x) * 2 + 1,
        lambda x: F.scaled_dot_product_attention(x.new_ones(1, 3, 3), x.mT[None], x.mT[None]) + 1,
    ],
)
def test_a_product_may_sum_over_nothing(function):
    assert_right(function, dynamic((3, 0), (3, 4), (3, 8)), (3, 4), (3, 0), (3, 8), (3, 1), (3, 0))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.linear(x[..., :0], torch.ones(2, 0)),
        lambda x: F.linear(x[..., :0], torch.ones(2, 0), torch.ones(2)) * 2,
        lambda x: F.linear(x[0, :, :0], torch.ones(2, 0), torch.ones(2)),
        lambda x: x[..., :0] @ torch.ones(0, 5) + 1,
        lambda x: x[..., :0].cos() @ x[..., :0].cos().mT,
        lambda x: x[..., 1:0].reshape(x.shape[0], 0) @ torch.ones(0),
    ],
)
def test_a_product_sums_over_nothing(function):
    """OpenVINO leaves its memory as it was, so what was computed before shows."""
    shapes = (4, 3, 2), (9, 3, 2), (1, 3, 2), (9, 3, 2)
    assert_right(lambda x: (function(x), x.exp() @ torch.ones(2, 5)), dynamic((1, 3, 2), (4, 3, 2), (9, 3, 2)), *shapes)


class Positions(nn.Module):
    """A learned table that is resampled to the length of what it is added to."""

    def __init__(self, align_corners: bool):
        super().__init__()
        self.table, self.align_corners = nn.Parameter(torch.linspace(-1, 1, 12).view(1, 2, 6)), align_corners

    def forward(self, x):
        fixed = F.interpolate(self.table, size=5, mode="linear", align_corners=self.align_corners)
        scaled = F.interpolate(self.table, scale_factor=1.7, mode="linear", align_corners=self.align_corners)
        return fixed + x[..., :1], scaled * 2, F.interpolate(x, size=9, mode="linear", align_corners=self.align_corners)


@pytest.mark.parametrize("align_corners", [False, True])
def test_a_constant_line_is_resampled(align_corners):
    model = Positions(align_corners).eval()
    compiled = tracejet.compile(model, arg_inputs=[dynamic((1, 2, 1), (2, 2, 6), (4, 2, 9))], engine="openvino")
    for shape in [(2, 2, 6), (1, 2, 1), (4, 2, 9)]:
        x = torch.randn(shape)
        assert_equal(model(x), compiled(x), 1e-5, f"at {shape}: ", least_scale=1.0)


@pytest.mark.parametrize(
    "function",
    [
        lambda t, y: t - y + t,
        lambda t, y: (t, t - y),
        lambda t, y: (t - y) * t.relu(),
        lambda t, y: (t * 2 - y) + t * 2,
    ],
)
@pytest.mark.parametrize("shapes", [((2, 2, 1), (4,)), ((1, 4, 8), (3, 1, 1)), ((1, 2, 1, 4), (2, 3, 4))], ids=str)
def test_what_attention_gives_is_broadcast_and_used_again(function, shapes):
    """OpenVINO's compiler ends the process."""
    model = Lambda(lambda x, y: function((x @ x.mT).softmax(-1) @ x, y))
    x, y = (torch.randn(shape, generator=torch.Generator().manual_seed(0)) for shape in shapes)
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[x, y]), engine="openvino")
    assert_equal(model(x, y), compiled(x, y), 1e-5, "", least_scale=1.0)


def test_calls_are_right_after_one_that_openvino_refused():
    """It keeps shapes of the call that failed, and takes them for what the next one has computed."""
    model = Lambda(lambda x: (x * 2)[:, :, -2:].repeat(2, 1, 1, 1).view(2, 12, 2))
    length = dynamic((3, 4, 1), (3, 4, 6), (3, 4, 8))
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[length]), engine="openvino")
    for size in (6, 1, 8, 6, 1, 1, 8, 2):
        x = torch.randn(3, 4, size)
        if size == 1:
            with pytest.raises(tracejet.Error):
                compiled(x)
        else:
            assert_equal(model(x), compiled(x), 1e-5, f"at {size}: ", least_scale=1.0)


def test_a_mirror_at_sizes_that_are_too_small_is_refused_and_later_calls_are_right():
    """A call that OpenVINO itself refuses would leave the next ones with shapes of the refused one."""
    model = Lambda(lambda x: F.pad(x.exp().expand(3, -1), (1, 0), mode="reflect") * 2)
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[dynamic((1,), (6,), (9,))]), engine="openvino")
    for size in (6, 1, 6, 9, 1, 1, 9):
        x = torch.randn(size)
        if size == 1:
            with pytest.raises(tracejet.InvalidInput, match="reflection_pad1d"):
                compiled(x)
        else:
            assert_equal(model(x), compiled(x), 1e-5, f"at {size}: ", least_scale=1.0)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[:, :0][:, torch.zeros(0, 2, dtype=torch.long)],
        lambda x: torch.ones(3, 2)[:, torch.zeros(0, 2, dtype=torch.long)],
        lambda x: (x[:0] @ x.new_ones(3, 2), F.pad(x.new_zeros(0, 3), (1, 1)), x.new_zeros(2, 0).mT.cumsum(0)),
    ],
)
def test_a_result_without_elements_takes_no_computing(function):
    assert_right(lambda x: (function(x), x * 2), torch.randn(4, 3), (4, 3))


def test_a_transposed_convolution_of_nothing_may_leave_nothing():
    weight = torch.linspace(-1, 1, 6).view(2, 3, 1, 1)

    def convolved(x):
        return F.conv_transpose2d(x[: x.shape[2]], weight, stride=2, output_padding=1)

    assert_right(convolved, dynamic((8, 2, 0, 3), (8, 2, 5, 3), (8, 2, 8, 3)), *((8, 2, n, 3) for n in (5, 0, 1, 8)))


FIRST = torch.tensor([0])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.mT.index_fill(0, FIRST, 9),
        lambda x: x[..., None].index_add(1, FIRST.expand(2), x.new_ones(x.shape[0], 2, 1)),
        lambda x: x[None].index_copy(2, FIRST, x.new_ones(1, x.shape[0], 1)),
        lambda x: x[None].scatter(2, torch.zeros(1, x.shape[0], 1, dtype=torch.int64), 9),
        lambda x: x[:, None].transpose(0, 2).index_put((FIRST,), x.new_ones(())),
        lambda x: torch.cat([x[None]]).split(1, 2)[0].index_fill(2, FIRST, 9),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.uint8, torch.bool], ids=str)
@pytest.mark.parametrize("width", [1, 3])
def test_arguments_are_left_alone_after_a_call_without_elements(function, width: int, dtype: torch.dtype):
    model = Lambda(function)
    rows = Input(min_shape=(0, width), opt_shape=(4, width), max_shape=(9, width), dtype=dtype)
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[rows]), engine="openvino")
    for count in (0, 9, 4, 0, 9, 9):
        x = torch.arange(count * width).view(count, width).to(dtype)
        given = x.clone()
        assert_equal(model(x), compiled(given), 1e-5, f"at {count}: ", least_scale=1.0)
        assert torch.equal(given, x), count
