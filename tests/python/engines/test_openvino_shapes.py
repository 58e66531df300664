"""What OpenVINO infers or computes otherwise than PyTorch (docs/engines/openvino.md), at the sizes where it shows."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tests.support.openvino_shapes import assert_right, dynamic

WEIGHTS = torch.linspace(-1, 1, 96).view(3, 8, 4)


LENGTHS = dynamic((1, 2), (2, 9), (4, 30))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.pad(x, (0, x.shape[1] % 2)) * 2,
        lambda x: F.pad(x, (x.shape[1] % 3, (8 - x.shape[1] % 8) % 8)).sum(1),
        lambda x: x[:, x.shape[1] % 2 :] + 1,
        lambda x: x[:, : -(x.shape[1] // 2)] * 2,
        lambda x: x[:, -(x.shape[1] % 5 + 1) :] * 2,
        lambda x: x.narrow(1, x.shape[1] // 3, x.shape[1] - x.shape[1] // 3).exp(),
        lambda x: F.interpolate(x[:, None], scale_factor=1.7, recompute_scale_factor=True, mode="nearest") + 1,
        lambda x: x.new_zeros(x.shape[0], x.shape[1] % 4) + x.shape[1] % 4,
        lambda x: x.repeat(1, 1 + x.shape[1] % 3) * 2,
        lambda x: torch.cat(x.tensor_split(3, 1)[::-1], 1) * (x.shape[1] // 2),
        lambda x: torch.arange(x.shape[1] % 7) + x.sum(),
        lambda x: x.reshape(-1)[: x.numel() - x.numel() % 4].view(-1, 4) * 2,
    ],
)
def test_slices_pads_and_shapes_of_computed_sizes(function):
    assert_right(function, LENGTHS, (2, 9), (1, 2), (4, 30), (3, 3), (2, 17), (1, 29), (4, 8), (2, 24))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.scaled_dot_product_attention(x, x + 1, x),
        lambda x: F.scaled_dot_product_attention(x[:, :, :1], x, x),
        lambda x: (x @ x.mT / 2).softmax(-1) @ x,
        lambda x: (x[0] @ x[0].mT).softmax(-1) @ x[0],
        lambda x: torch.baddbmm(x.new_ones(1), x[0], x[0].mT).softmax(-1) @ x[0],
    ],
)
@pytest.mark.parametrize("first", [1, 2])
def test_attention_is_right_after_a_first_call_of_any_length(function, first):
    """What OpenVINO makes for the first sizes that it meets serves all later ones."""
    lengths = dynamic((1, 2, 1, 4), (1, 2, 4, 4), (1, 2, 40, 4))
    assert_right(function, lengths, *((1, 2, n, 4) for n in (first, 1, 2, 8, 9, 17, 40)))


@pytest.mark.parametrize("low", [0, 2])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.cat([x[:, : -(x.shape[1] // 2)], x[:, -(x.shape[1] // 2) :]], 1) * torch.ones(2, x.shape[1]),
        lambda x: torch.cat([x[:, x.shape[1] // 2 * 2 :], x[:, : x.shape[1] // 2 * 2]], 1) + x.new_zeros(x.shape[1]),
        lambda x: (
            torch.cat([x[:, : x.shape[1] // 2 * 2] + 1, x[:, x.shape[1] // 2 * 2 :]], 1)[None].expand(3, -1, -1)
            + torch.ones(()).expand(x.shape[1], 2).cumsum(0).mT
        ),
    ],
)
def test_an_axis_that_was_cut_isnt_taken_for_the_whole(function, low):
    assert_right(function, dynamic((2, low), (2, 4), (2, 6)), *((2, n) for n in range(low, 7)))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.einsum("ab,ab->", x, x),
        lambda x: torch.einsum("ab,cb->", x, x),
        lambda x: torch.bmm(x.reshape(1, 1, -1), x.reshape(1, -1, 1)).reshape(()) + 1,
        lambda x: (x.reshape(1, -1) @ x.reshape(-1, 1)).squeeze(),
        lambda x: x.flatten() @ x.flatten(),
        lambda x: torch.einsum("ab,bb->", x, x.mT @ x),
    ],
)
def test_a_matrix_product_may_be_a_scalar(function):
    assert_right(function, dynamic((1, 4), (3, 4), (6, 4)), (3, 4), (1, 4), (6, 4))


@pytest.mark.parametrize(
    "function",
    [
        lambda t: (t, t.abs()),
        lambda t: (t.abs() + 1).log() + t,
        lambda t: t / (t.abs() + 1),
        lambda t: (F.softsign(t), t),
        lambda t: (torch.hypot(t, t + 1), t),
        lambda t: (torch.expm1(t), t),
        lambda t: (t.norm(p=1), t),
        lambda t: (t, t.long()),
        lambda t: (t, torch.copysign(t, -t)),
        lambda t: (t, F.pairwise_distance(t, t + 1, p=1)),
        lambda t: (t, 1 / (t * 0).abs()),
        lambda t: (t.int(), t.int().abs()),
    ],
)
def test_a_concatenation_stays_what_it_is(function):
    assert_right(lambda x: function(torch.cat([x, x[:1]])), dynamic((2,), (6,), (12,)), (6,), (2,), (12,))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.unsqueeze(0) @ WEIGHTS + 1,
        lambda x: x @ WEIGHTS,
        lambda x: torch.einsum("bi,kio->kbo", x, WEIGHTS),
        lambda x: x.unsqueeze(0) @ (WEIGHTS * 2).transpose(1, 2).mT,
        lambda x: x[0] @ WEIGHTS,
        lambda x: WEIGHTS.mT @ x.mT,
    ],
)
def test_rows_are_multiplied_with_each_matrix_of_a_stack(function):
    assert_right(function, dynamic((1, 8), (4, 8), (16, 8)), (4, 8), (1, 8), (16, 8))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.gather(0, torch.tensor([[1, 0], [0, 1], [0, 0]])),
        lambda x: x[:, :2].gather(0, torch.tensor([[1, 0]]).expand(x.shape[1], 2)),
        lambda x: x[:, :2].unsqueeze(0).gather(1, torch.zeros(1, 5, 2, dtype=torch.int64)),
        lambda x: x[:2].take_along_dim(x[:2].argsort(1), 1),
        lambda x: x[: x.shape[0] // 2].sort(1),
        lambda x: x[:, :2].topk(2, 0),
        lambda x: x[:2, :2].T.sort(0),
    ],
)
def test_elements_are_gathered_from_a_slice(function):
    assert_right(function, dynamic((2, 3), (4, 6), (8, 8)), (4, 6), (2, 3), (8, 8), (3, 5))
    x = torch.randn(4, 6)
    assert_right(function, x, (4, 6))


@pytest.mark.parametrize("sizes", [(2, 1, 0), (3, 2, 1), (3, 1, 1), (2, 3, 1), (3, 3, 0)], ids=str)
@pytest.mark.parametrize(
    "pool",
    [
        lambda x, window: F.max_pool1d(x, *window, ceil_mode=True),
        lambda x, window: F.max_pool1d(x, *window, ceil_mode=True, return_indices=True),
        lambda x, window: F.avg_pool1d(x, *window, ceil_mode=True),
        lambda x, window: F.avg_pool1d(x, *window, ceil_mode=True, count_include_pad=False),
        lambda x, window: F.avg_pool2d(x[..., None].expand(-1, -1, 3), *window, ceil_mode=True),
        lambda x, window: F.avg_pool2d(x[..., None].expand(-1, -1, 3), *window, ceil_mode=True, divisor_override=3),
    ],
)
def test_windows_reach_beyond_the_end(pool, sizes):
    kernel, _, padding = sizes
    least = max(1, kernel - 2 * padding)
    shapes = [(1, least), (3, 7), (6, 12), (2, 8), (2, 9), (2, 10)]
    assert_right(lambda x: pool(x, sizes), dynamic((1, least), (3, 7), (6, 12)), *shapes)


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: F.avg_pool1d(x, 2),
        lambda x: F.avg_pool1d(x, 2, padding=1, count_include_pad=False),
        lambda x: F.avg_pool2d(x[:, None], (1, 2), ceil_mode=True),
        lambda x: F.max_pool1d(x, 2, return_indices=True),
        lambda x: F.max_pool2d(x[:, None], 2, stride=1, return_indices=True),
        lambda x: F.adaptive_max_pool1d(x[..., :4], 2),
    ],
)
def test_nothing_is_pooled(pool):
    assert_right(pool, dynamic((0, 3, 5), (4, 3, 5), (8, 3, 5)), (4, 3, 5), (0, 3, 5), (1, 3, 5), (8, 3, 5), (0, 3, 5))


def test_indices_of_windows_in_a_plane():
    def pool(x):
        return F.max_pool2d(x, (3, 2), (2, 3), (1, 1), ceil_mode=True, return_indices=True)

    assert_right(pool, dynamic((1, 2, 2), (2, 7, 6), (3, 9, 9)), (2, 7, 6), (1, 2, 2), (3, 9, 9), (2, 8, 5))


#: What prefers an image's channels last, and with one channel nothing shows it.
CHANNELS_LAST = {
    "pooled": lambda x: F.avg_pool2d(x, 1),
    "repeated": lambda x: x.tile(2),
    "interpolated": lambda x: F.interpolate(x, scale_factor=2.0),
    "convolved": lambda x: F.conv2d(x, torch.ones(1, 1, 3, 3), padding=1),
}
BEHIND = {
    "tile": lambda x: x.tile(2),
    "channels": lambda x: x.repeat(1, 3, 1, 1),
    "rows": lambda x: x.repeat(1, 1, 2, 1),
    "expanded": lambda x: x.expand(-1, 3, -1, -1),
    "pooled": lambda x: F.max_pool2d(x, 2),
    "shuffled": lambda x: F.pixel_shuffle(x.repeat(1, 4, 1, 1), 2),
    "joined": lambda x: torch.cat([x, x], 1),
}


@pytest.mark.parametrize("before", CHANNELS_LAST)
@pytest.mark.parametrize("behind", BEHIND)
def test_an_image_of_one_channel_keeps_its_order(before, behind):
    for low in 0, 1:
        images = dynamic((low, 1, 2, 4), (2, 1, 4, 4), (4, 1, 6, 4))
        sizes = (2, 1, 4, 4), (1, 1, 2, 4), (4, 1, 6, 4), (3, 1, 5, 4)
        assert_right(lambda x: BEHIND[behind](CHANNELS_LAST[before](x)), images, *sizes)


@pytest.mark.parametrize("pool", [lambda x: F.avg_pool2d(x, 2), lambda x: F.max_pool2d(x, 2)])
def test_pooling_behind_an_interpolation_reads_what_was_written(pool):
    images = dynamic((3, 0, 4, 1), (3, 5, 4, 5), (3, 8, 4, 8))
    assert_right(lambda x: pool(F.interpolate(x, scale_factor=2.0)), images, (3, 1, 4, 1), (3, 2, 4, 2), (3, 1, 4, 1))


@pytest.mark.parametrize(
    "attention",
    [
        lambda x: F.scaled_dot_product_attention(x, x, x),
        lambda x: (x @ x.mT).softmax(-1) @ x,
        lambda x: ((x @ x.mT) / 3).softmax(-1).reshape(-1, 4, 4) @ x.reshape(-1, 4, 2),
    ],
)
def test_attention_may_be_read_twice(attention):
    def given_back(x):
        result = attention(x)
        return result, result / (x.abs() + 1)

    def read_by_two(x):
        result = attention(x)
        return result / (x.abs() + 1), result.transpose(0, 1) * 2

    for function in given_back, read_by_two:
        assert_right(function, dynamic((1, 4, 2), (3, 4, 2), (8, 4, 2)), (3, 4, 2), (1, 4, 2))
        assert_right(function, torch.randn(3, 4, 2), (3, 4, 2))


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: a.mT @ a,
        lambda a, b: a.mT @ b,
        lambda a, b: a.movedim(0, 1) @ a.movedim(0, 1).mT,
        lambda a, b: torch.stack([a, b]).mT @ torch.stack([b, a]),
        lambda a, b: torch.stack([a, b]).transpose(1, 2) @ b,
        lambda a, b: a @ b,
    ],
)
def test_products_of_weights_that_are_computed(function):
    """Where OpenVINO doesn't fold a factor: torch.minimum looks for NaN."""
    rows = torch.linspace(-1, 1, 9).view(3, 3)
    others = rows.flip(0).sin()

    def forward(x):
        return x.sum() + function(torch.minimum(rows, rows * 2), torch.minimum(others, others * 2))

    assert_right(forward, dynamic((1, 2), (2, 9), (4, 30)), (2, 9), (1, 2))


@pytest.mark.parametrize(
    "function",
    [
        lambda n: n % 2,
        lambda n: -n % 4,
        lambda n: torch.fmod(n, 2),
        lambda n: (-1) ** n + 1,
        lambda n: (n - 9) // -2,
        lambda n: (n.float() - 4).pow(2).long(),
        lambda n: (n * 3 // 2) % 7,
        lambda n: (n - 4).abs(),
        lambda n: (n - 4).expand(1, 2).abs()[0],
        lambda n: (n - 4) * (n - 4),
        lambda n: (n - 4).square(),
        lambda n: (n - 4) * (n - 6) + 1,
        lambda n: torch.where(n > 4, n, 8 - n),
        lambda n: n ^ 5,
        lambda n: (n == 4).long() + 1,
        lambda n: torch.sign(n - 4) + 1,
        lambda n: ((n - 4).float().cos() * 5).long() + 5,
        lambda n: torch.minimum(n, 8 - n),
    ],
)
def test_what_a_tensor_of_sizes_picks_is_computed_at_the_size(function):
    table = torch.arange(30.0) * 3

    def picked(x):
        places = function(torch.full((2,), x.shape[0]))
        return table.index_select(0, places) + x.sum(), torch.where(places > 1, places, -places)

    assert_right(picked, dynamic((0, 2), (6, 2), (8, 2)), *((size, 2) for size in range(9)))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("groups", [4, 2, 1])
def test_convolutions_share_weights_that_are_computed(groups: int, transposed: bool) -> None:
    """What multiplies the result of one convolution was put into the weights of all."""
    convolve = F.conv_transpose2d if transposed else F.conv2d

    def forward(x: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, ...]:
        scale = torch.arange(1.0, 1 + convolve(x, weight, groups=groups).shape[1]).view(-1, 1, 1)
        plain, negative = convolve(x, weight, groups=groups), -convolve(x + 1, weight, groups=groups)
        return (
            plain,
            negative,
            convolve(x * 2, weight, groups=groups) * scale,
            convolve(x, weight + 1, groups=groups) * 3,
        )

    x, weight = torch.randn(2, 4, 6, 6), torch.randn(4, 4 // groups, 3, 3)
    inputs = [tracejet.Input(min_shape=(1, 4, 6, 6), opt_shape=(2, 4, 6, 6), max_shape=(4, 4, 6, 6)), weight]
    compiled = tracejet.compile(Lambda(forward), arg_inputs=inputs, engine="openvino")
    for got, expected in zip(compiled(x, weight), forward(x, weight), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_a_reshape_takes_its_sizes_at_their_word() -> None:
    def forward(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        rows, columns = x.shape[0], x.shape[4]
        return x.view(rows, 8, rows, columns), (x + 1).reshape(rows, 8, rows, columns).clamp(-1, 1)

    squares = tracejet.Input(
        min_shape=(1, 4, 2, 1, 0),
        opt_shape=(3, 4, 2, 3, 2),
        max_shape=(6, 4, 2, 6, 8),
        shared_dims={0: "rows", 3: "rows"},
    )
    assert_right(forward, squares, *((rows, 4, 2, rows, columns) for rows in (1, 3) for columns in (0, 2, 1)))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.interpolate(F.adaptive_avg_pool2d(x[:, : x.shape[1] // 2], (3, 1)), size=2, mode="nearest"),
        lambda x: x.mean(3).unsqueeze(3).index_select(3, torch.tensor([0, 0])),
        lambda x: x.sum(3, keepdim=True)[..., [0, 0, 0]] * 2,
        lambda x: x.mT.softmax(2).mT[..., torch.zeros(2, 2, dtype=torch.long)],
    ],
)
def test_axes_of_one_element_are_gathered_along(function) -> None:
    images = tracejet.Input(
        min_shape=(2, 2, 2, 1), opt_shape=(5, 5, 2, 1), max_shape=(6, 6, 2, 1), shared_dims={0: "n", 1: "n"}
    )
    assert_right(function, images, *((n, n, 2, 1) for n in (5, 2, 3, 6)))


@pytest.mark.parametrize(
    "image",
    [
        lambda x: F.conv2d(x, torch.ones(1, 1, 1, 1)),
        lambda x: F.interpolate(x, size=5, mode="nearest"),
        lambda x: F.interpolate(x, size=5, mode="bilinear"),
    ],
)
@pytest.mark.parametrize("norm", [lambda x: F.group_norm(x, 1), lambda x: x.flatten(2).softmax(-1).view_as(x)])
def test_an_image_of_one_channel_is_normalized_and_multiplied(image, norm) -> None:
    """OpenVINO has one memory for the image and what is normalized, and couldn't lay out both."""

    def forward(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        whole = image(x)
        normal = norm(whole)
        return whole + normal, normal @ whole, F.scaled_dot_product_attention(normal, whole, whole), whole * 2

    x = torch.randn(4, 1, 5, 5)
    compiled = tracejet.compile(Lambda(forward), arg_inputs=[x], engine="openvino")
    assert_equal(forward(x), compiled(x), 1e-5)
