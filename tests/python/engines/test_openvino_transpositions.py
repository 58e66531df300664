"""Axes of size 1 that are moved where another axis is empty: OpenVINO makes reshapes of such transpositions."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch

import tracejet
from tests.support.openvino_shapes import assert_right


def test_axes_of_one_element_are_moved_where_an_axis_is_empty() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        diagonal = x.softmax(1).diagonal(0, 0, 2).mT
        return x.permute(2, 0, 1) * diagonal.unsqueeze(2).permute(2, 0, 1)

    squares = tracejet.Input(
        min_shape=(0, 2, 0), opt_shape=(3, 2, 3), max_shape=(6, 2, 6), shared_dims={0: "n", 2: "n"}
    )
    assert_right(forward, squares, *((n, 2, n) for n in (0, 3, 1)))


def test_axes_that_two_transpositions_move_are_moved_where_an_axis_is_empty() -> None:
    def forward(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        between = x.sigmoid().unsqueeze(4).permute(2, 1, 0, 3, 4)
        return between.permute(1, 0, 3, 2, 4).sum(1), torch.einsum("abcd,abzd->cba", torch.cat([x, x], 2), x)

    rows = tracejet.Input(min_shape=(1, 3, 4, 0), opt_shape=(1, 5, 4, 6), max_shape=(1, 6, 4, 8))
    assert_right(forward, rows, *((1, n, 4, m) for n, m in ((5, 6), (3, 0), (6, 8), (4, 0))))


@pytest.mark.parametrize("first", list(permutations(range(4))), ids=str)
def test_any_two_transpositions(first: tuple[int, ...]) -> None:
    """OpenVINO makes a reshape of the second alone, too, where both move other axes than those of size 1."""

    def forward(x: torch.Tensor) -> list[torch.Tensor]:
        between = x.permute(first)
        pairs = [(between.permute(second), between.exp().permute(second)) for second in permutations(range(4))]
        return [given * 2 for pair in pairs for given in pair]

    rows = tracejet.Input(min_shape=(1, 1, 2, 0), opt_shape=(1, 5, 2, 6), max_shape=(1, 6, 2, 8))
    assert_right(forward, rows, (1, 5, 2, 6), (1, 3, 2, 0), (1, 1, 2, 0), (1, 1, 2, 1), (1, 6, 2, 8))
