"""What OpenVINO makes of weights read twice, and of what follows from them alone (docs/engines/openvino.md)."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tests.support.openvino_shapes import assert_right, dynamic


def weight(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


# ---- In two orders ---------------------------------------------------------------------------------------------------


def part() -> torch.Tensor:
    return PARTS[:576].view(8, 8, 3, 3)


MATRIX, KERNEL = weight(8, 8), weight(8, 8, 3, 3)
PARTS = weight(600)
STACK, POINT, VOLUME, GROUPED = weight(3, 8, 8), weight(8, 8, 1, 1), weight(4, 4, 2, 2, 2), weight(8, 4, 3, 3)
PRODUCTS = {
    "transposed behind": lambda x: (x @ MATRIX, x @ MATRIX.T),
    "transposed before": lambda x: (x @ MATRIX.T, x @ MATRIX),
    "layer": lambda x: (F.linear(x, MATRIX), x @ MATRIX, F.linear(x, MATRIX.T)),
    "tied ends": lambda x: F.linear(F.linear(x, MATRIX).relu(), MATRIX.T),
    "stack": lambda x: (x @ STACK, x @ STACK.mT),
    "view": lambda x: (x @ MATRIX, x @ MATRIX.view(64).view(8, 8).T),
    "row": lambda x: (x @ MATRIX, x @ MATRIX.T, MATRIX @ x[0], MATRIX.T @ x[0]),
}
CONVOLUTIONS = {
    "both ways": lambda x: (F.conv2d(x, KERNEL), F.conv_transpose2d(x, KERNEL)),
    "transposed first": lambda x: (F.conv_transpose2d(x, KERNEL, stride=2), F.conv2d(x, KERNEL, padding=1)),
    "autoencoder": lambda x: F.conv_transpose2d(F.conv2d(x, KERNEL, stride=2).relu(), KERNEL, stride=2),
    "parts": lambda x: (F.conv2d(x, part()), F.conv_transpose2d(x, part())),
    "changed": lambda x: (F.conv2d(x, part().nan_to_num()), F.conv_transpose2d(x, part().nan_to_num())),
    "channels": lambda x: (F.conv2d(x, KERNEL), F.conv2d(x, KERNEL.transpose(0, 1)), F.conv2d(x, KERNEL.mT)),
    "point": lambda x: (F.conv2d(x, POINT), F.conv_transpose2d(x, POINT)),
    "groups": lambda x: (F.conv2d(x, GROUPED, groups=2), F.conv_transpose2d(x, GROUPED, groups=2)),
    "line": lambda x: (F.conv1d(x[..., 0], KERNEL[..., 0]), F.conv_transpose1d(x[..., 0], KERNEL[..., 0])),
    "volume": lambda x: (
        F.conv3d(x[:, :4, None].expand(-1, -1, 2, -1, -1), VOLUME),
        F.conv_transpose3d(x[:, :4, None], VOLUME),
    ),
    "product": lambda x: (
        F.conv_transpose2d(x, POINT),
        x @ POINT[..., 0, 0],
        F.conv2d(x, POINT),
        x @ POINT[..., 0, 0].T,
    ),
}


@pytest.mark.parametrize("function", PRODUCTS.values(), ids=PRODUCTS)
def test_a_matrix_is_multiplied_with_from_both_sides(function):
    assert_right(function, dynamic((1, 8), (3, 8), (9, 8)), (3, 8), (1, 8), (9, 8))
    assert_right(function, torch.randn(3, 8), (3, 8))


@pytest.mark.parametrize("function", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_a_kernel_convolves_forwards_and_backwards(function):
    assert_right(
        function, dynamic((1, 8, 8, 8), (2, 8, 9, 8), (4, 8, 12, 8)), (2, 8, 9, 8), (1, 8, 8, 8), (4, 8, 12, 8)
    )
    assert_right(function, torch.randn(2, 8, 9, 8), (2, 8, 9, 8))


def test_parameters_that_share_memory_are_read_in_two_orders(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Conv2d(4, 4, 3, bias=False)
            self.outer = nn.ConvTranspose2d(4, 4, 3, bias=False)
            self.outer.weight = self.inner.weight

        def forward(self, x):
            return self.outer(self.inner(x).relu())

    model, x = Tied().eval(), torch.randn(2, 4, 8, 8)
    compiled = tracejet.compile(model, arg_inputs=[x], engine="openvino")
    assert_equal(model(x), compiled(x), 1e-5)
    compiled.save(tmp_path / "tied.pt2")
    assert_equal(model(x), tracejet.load(tmp_path / "tied.pt2")(x), 1e-5)


# ---- Computed once ---------------------------------------------------------------------------------------------------

TABLE = torch.tensor([[3.0, torch.nan, 1.0, 2.0], [0.5, 4.0, torch.nan, -1.0]])
FIXED = {
    "logic": lambda x: TABLE.isnan() ^ (x > 0),
    "sum": lambda x: TABLE.nan_to_num() + x @ torch.eye(4),
    "difference": lambda x: TABLE.nan_to_num()[None] - x.exp()[None],
    "conversion": lambda x: TABLE.isnan().long().float() + x.exp(),
    "remainder": lambda x: TABLE.nan_to_num(1.0).abs() % (x.exp() + 1),
    "choice": lambda x: torch.where(TABLE.isnan(), x.exp(), x @ torch.eye(4)),
    "two readers": lambda x: (TABLE.nan_to_num() - x @ torch.eye(4), TABLE.nan_to_num() * 2),
    "result": lambda x: (TABLE.nan_to_num(), TABLE.nan_to_num() - x @ torch.eye(4)),
    "found": lambda x: TABLE.isnan().nonzero()[:, :1].float() + x[:, :1].exp(),
}


@pytest.mark.parametrize("function", FIXED.values(), ids=FIXED)
def test_what_follows_from_constants_stays_from_call_to_call(function):
    assert_right(function, torch.randn(2, 4), *[(2, 4)] * 4)
    assert_right(function, dynamic((1, 4), (2, 4), (2, 4)), *[(2, 4)] * 4)


def test_an_index_that_follows_from_a_buffer_stays_from_call_to_call():
    order = torch.tensor([2.0, 1.0])
    model = Lambda(lambda x: (x[:, order.min(0).indices % x.shape[1]], order.argmax() % x.shape[1] + x.sum()))
    compiled = tracejet.compile(model, arg_inputs=[dynamic((2, 1), (2, 4), (2, 6))], engine="openvino")
    for width in (4, 1, 6, 5, 1, 2):
        x = torch.randn(2, width)
        assert_equal(model(x), compiled(x), 1e-5, f"at {width}: ", least_scale=1.0)


def test_new_weights_reach_what_follows_from_them():
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.randn(2, 4))

        def forward(self, x):
            return self.table.nan_to_num() - x @ torch.eye(4)

    model, other, x = Shifted(), Shifted(), torch.randn(2, 4)
    compiled = tracejet.compile(model, arg_inputs=[x], engine="openvino")
    refitted = tracejet.refit_module_weights(compiled, tracejet.trace(other, arg_inputs=[x]))
    for _ in range(3):
        assert_equal(other(x), refitted(x), 1e-5)
        assert_equal(model(x), compiled(x), 1e-5)
