"""Rolled windows and the like are one selection of rows, with the values of before."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch._dynamo  # see test_cuda_graphs.py

import tracejet
from tests.support.kernel_passes import operators
from tests.support.lambda_module import Lambda, batch

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def windows(x: torch.Tensor) -> torch.Tensor:
    rolled = torch.roll(x, (-1, -2), (1, 2))
    return rolled.view(2, 2, 3, 2, 4, 5).permute(0, 1, 3, 2, 4, 5).reshape(-1, 5) * 2


def back(x: torch.Tensor) -> torch.Tensor:
    whole = x.view(2, 2, 2, 3, 4, 5).permute(0, 1, 3, 2, 4, 5).reshape(2, 6, 8, 5)
    return torch.roll(whole, (1, 2), (1, 2)) + 1


def padded_by_nothing(x: torch.Tensor) -> torch.Tensor:
    padded = torch.nn.functional.pad(x, (0, 0, 0, 0, 0, 0))
    return padded.view(2, 2, 3, 2, 4, 5).permute(0, 1, 3, 2, 4, 5).reshape(-1, 5) * 2


def every_second(x: torch.Tensor) -> torch.Tensor:
    return torch.cat((x[:, ::2].flip(1).flip(1), x[:, 1::2], x[:, -3:-1]), 1).permute(1, 0, 2, 3).contiguous() * 2


def of_two(x: torch.Tensor) -> torch.Tensor:
    return torch.cat((torch.roll(x, 1, 1), torch.roll(x * 2, 1, 1)), 1) * 0.3


def along_rows(x: torch.Tensor) -> torch.Tensor:
    return torch.roll(torch.roll(x, 1, 3), 2, 3) + 1


def given(x: torch.Tensor) -> torch.Tensor:
    return torch.roll(x, (1, 1), (1, 2))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bool])
@pytest.mark.parametrize(
    ("function", "shape", "gathers"),
    [
        (windows, (2, 6, 8, 5), 1),
        (back, (8, 12, 5), 1),
        (padded_by_nothing, (2, 6, 8, 5), 1),
        (every_second, (2, 6, 3, 5), None),
        (of_two, (2, 6, 8, 5), None),
        (along_rows, (2, 6, 8, 5), 0),
        (given, (2, 6, 8, 5), 0),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_rows_are_moved_as_before(
    function: Callable[..., torch.Tensor], shape: tuple[int, ...], gathers: int | None, dtype: torch.dtype, device: str
) -> None:
    torch.manual_seed(0)
    x = (torch.randn(shape, device=device) * 9).to(dtype)
    limit = 1e-3 if function is of_two else 0
    program = tracejet.trace(Lambda(function), arg_inputs=[x])
    found = operators(program)
    if gathers is not None:
        assert found.count("aten::index_select") == gathers, found
        assert ("aten::cat" in found) == (gathers == 0), found
    assert "aten::index_select" not in operators(program, skipped_passes=["gather_rows"])
    compiled = tracejet.compile(program, engine="aten")
    for _ in range(3):
        got, expected = compiled(x), function(x)
        torch.testing.assert_close(got, expected, rtol=limit, atol=limit)
        assert got.stride() == expected.stride()
        x = x.flip(0)


def test_rows_of_any_number_are_moved_by_copies() -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return torch.roll(x, (1, 1), (1, 2)) * 2

    program = tracejet.trace(Lambda(run), arg_inputs=[batch(6, 8, 5)])
    assert "aten::index_select" not in operators(program)
    x = torch.randn(3, 6, 8, 5)
    torch.testing.assert_close(tracejet.compile(program, engine="aten")(x), run(x))
