"""Python's functions of sizes in what is made while a model runs: functions in it, lambdas, comprehensions, `map`."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import tracejet
from tests.support.lambda_module import Lambda

IMAGES = [(2, 3, 8, 12), (1, 3, 4, 8), (4, 3, 16, 20), (1, 3, 5, 9), (3, 3, 7, 11)]


def image() -> tracejet.Input:
    dims = {0: "n", 2: "height", 3: "width"}
    return tracejet.Input(min_shape=IMAGES[1], opt_shape=IMAGES[0], max_shape=IMAGES[2], shared_dims=dims)


def function(x: torch.Tensor) -> torch.Tensor:
    def up(size: int, to: int = 8) -> int:
        return int(size + to - 1) // to * to

    return F.pad(x, (0, up(x.shape[-1]) - x.shape[-1], 0, up(x.shape[-2]) - x.shape[-2]))


def decorated(x: torch.Tensor) -> torch.Tensor:
    @torch.no_grad()
    def cut(y: torch.Tensor) -> torch.Tensor:
        return y[:, :, : min(5, y.shape[2])] * max(y.shape[3], 9)

    return cut(x)


def lambdas(x: torch.Tensor) -> torch.Tensor:
    half = lambda size: int(size * 0.5)  # noqa: E731
    return F.interpolate(x, size=(half(x.shape[2]), half(x.shape[3])))


def nested_twice(x: torch.Tensor) -> torch.Tensor:
    def sizes() -> list[int]:
        return [int(size * 0.5) for size in x.shape[-2:]]

    return F.interpolate(x, size=sizes())


def mapped(x: torch.Tensor) -> torch.Tensor:
    n, channels, height, width = map(int, x.shape)
    return x.view(n, channels, height * width) * height


def in_a_class(x: torch.Tensor) -> torch.Tensor:
    class Asks:
        def of(self, size: Any) -> int:
            return 2 if type(size) == int else 3  # noqa: E721

    return x * Asks().of(x.shape[0])


MODELS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "function": function,
    "decorated": decorated,
    "lambda": lambdas,
    "nested twice": nested_twice,
    "list": lambda x: F.interpolate(x, size=[int(size * 0.5) for size in x.shape[-2:]]),
    "dict": lambda x: x * {axis: float(size) for axis, size in enumerate(x.shape)}[2],
    "generator": lambda x: x * sum(int(size) for size in x.shape),
    "map": mapped,
    "type": lambda x: torch.stack([x.sum() * (2 if type(size) is int else 3) for size in x.shape[:2]]),
    "class": in_a_class,
}


@pytest.mark.parametrize("name", MODELS)
def test_sizes_stay_dynamic(name: str) -> None:
    model = Lambda(MODELS[name])
    program = tracejet.trace(model, arg_inputs=[image()]).module()
    for shape in IMAGES:
        x = torch.rand(shape)
        torch.testing.assert_close(program(x), model(x))


def test_a_function_may_have_many_names() -> None:
    held = {f"name_{i}": i for i in range(140)}
    lines = "\n".join(f"    held.{name}" for name in held)
    scope: dict[str, Any] = {"held": SimpleNamespace(**held)}
    exec(f"def forward(x):\n{lines}\n    return x[:, :, : int(x.shape[2] * 0.5)]", scope)
    program = tracejet.trace(Lambda(scope["forward"]), arg_inputs=[image()]).module()
    for shape in IMAGES:
        assert program(torch.rand(shape)).shape[2] == shape[2] // 2


def test_numbers_of_data_stay_dynamic() -> None:
    def largest(x: torch.Tensor) -> list[torch.Tensor]:
        found = x[(x > 0.5).nonzero().squeeze(1)]
        return [found.topk(min(k, found.shape[0])).values for k in (1, 3)]

    model = Lambda(largest)
    program = tracejet.trace(model, arg_inputs=[torch.rand(20)]).module()
    for x in torch.rand(20), torch.zeros(20), torch.tensor([0.7, 0.8] + [0.1] * 18):
        for got, expected in zip(program(x), model(x), strict=True):
            torch.testing.assert_close(got, expected)
