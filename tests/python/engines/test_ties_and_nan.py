"""Which of equal elements comes first, and what becomes of NaN and infinity, is what eager says, on every engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tests.support.onnx_runtime import OnnxProgram
from tracejet import Input

NAN, INF = float("nan"), float("inf")

SPECIAL = torch.tensor(
    [
        [NAN, 1.0, INF, NAN, -INF, 0.0, 1.0],
        [-INF, -INF, -INF, -INF, -INF, -INF, -INF],
        [INF, INF, INF, INF, INF, INF, INF],
        [2.0, -1.0, NAN, 2.0, INF, -1.0, 0.5],
        [0.5, 0.5, -2.0, 3.0, -2.0, 3.0, 0.5],
    ]
)

ORDERS: dict[str, Callable[[torch.Tensor], Any]] = {
    "argmax": lambda x: (x.argmax(-1), x.argmax(0), x.argmax(), x.argmax(1, keepdim=True)),
    "argmin": lambda x: (x.argmin(-1), x.argmin(0), x.argmin()),
    "max": lambda x: (*x.max(-1), *x.max(0, keepdim=True)),
    "min": lambda x: (*x.min(-1), *x.min(0)),
    "sort": lambda x: (*x.sort(dim=-1, stable=True), *x.sort(dim=0, stable=True)),
    "sort, greatest first": lambda x: (
        *x.sort(dim=-1, descending=True, stable=True),
        *x.sort(dim=0, descending=True, stable=True),
    ),
    "argsort": lambda x: (x.argsort(dim=-1, stable=True), x[None].argsort(dim=1, stable=True)),
    "msort": lambda x: x.msort(),
}

OF_NAN: dict[str, Callable[[torch.Tensor], Any]] = {
    "amax": lambda x: (x.amax(-1), x.amax(0), x.amax(), x.max()),
    "amin": lambda x: (x.amin(-1), x.amin(0), x.amin(), x.min()),
    "comparisons": lambda x: (x > 0, x >= x.flip(0), x < 0, x <= x.flip(0), x == x, x != x, ~(x > 1)),
    "maximum": lambda x: (torch.maximum(x, x.flip(0)), torch.minimum(x, x.flip(0)), torch.clamp(x, x.flip(0), x)),
    "fmax": lambda x: (torch.fmax(x, x.flip(0)), torch.fmin(x, x.flip(0))),
    "tests": lambda x: (x.isnan(), x.isinf(), x.isfinite(), x.isnan().any(-1), x.isposinf()),
    "where": lambda x: (torch.where(x > 0, x, -x), torch.where(x.isnan(), 0.0, x).sum(-1), x.nan_to_num(3.0)),
    "nansum": lambda x: (x.nansum(-1), x.nanmean(-1)),
    "exp": lambda x: (x.exp(), x.expm1(), x.logsumexp(-1), torch.logaddexp(x, x.flip(0))),
    "median": lambda x: (x.median(-1).values, x.median()),
    "sign": lambda x: x.sign(),
    "remainder": lambda x: (x.remainder(2), torch.remainder(x, x.flip(0)), torch.fmod(x, x.flip(0)), x // x.flip(0)),
    "div": lambda x: torch.div(x, x.flip(0), rounding_mode="trunc"),
    "atan2": lambda x: (torch.atan2(x, x.flip(0)), torch.hypot(x, x.flip(0))),
    "a bound": lambda x: (x[1:3].clamp(min=0), x[1:3].clamp(max=1)),
    "masked softmax": lambda x: (x[1].softmax(-1), x[4].masked_fill(x[4] > 0, -INF).softmax(-1)),
}


def runs(model: torch.nn.Module, inputs: list[Any], tmp_path: Path) -> dict[str, Callable[..., Any]]:
    program = tracejet.trace(model, arg_inputs=inputs)
    saved = OnnxProgram(program, str(tmp_path / "model.onnx"))
    unflatten = torch.utils._pytree.tree_unflatten
    return {
        "openvino": tracejet.compile(program, engine="openvino"),
        "aten": tracejet.compile(program, engine="aten"),
        "onnxruntime": lambda *args: unflatten(saved(*args), program.call_spec.out_spec),
    }


def forms(x: torch.Tensor) -> list[list[Any]]:
    """Static, and with both axes dynamic."""
    return [[x], [Input(min_shape=(5, 1), opt_shape=(5, 7), max_shape=(5, 60), dtype=x.dtype)]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.int32, torch.uint8], ids=str)
@pytest.mark.parametrize("name", ORDERS)
def test_of_equal_elements_the_first_comes_first(name: str, dtype: torch.dtype, tmp_path: Path) -> None:
    x = torch.randint(0, 3, (5, 7), generator=torch.Generator().manual_seed(0)).to(dtype)
    longer = torch.randint(0, 4, (5, 60), generator=torch.Generator().manual_seed(1)).to(dtype)
    model = Lambda(ORDERS[name])
    for inputs in forms(x):
        for engine, run in runs(model, inputs, tmp_path).items():
            for sample in [x] if inputs[0] is x else [x, longer, x[:, :1]]:
                assert_equal(model(sample), run(sample), where=f"{engine}: ")


@pytest.mark.parametrize("name", [*ORDERS, *OF_NAN])
def test_nan_and_infinities_are_where_eager_has_them(name: str, tmp_path: Path) -> None:
    model = Lambda({**ORDERS, **OF_NAN}[name])
    for inputs in forms(SPECIAL):
        for engine, run in runs(model, inputs, tmp_path).items():
            assert_equal(model(SPECIAL), run(SPECIAL), where=f"{engine}: ")


def test_the_kth_value_is_nan_behind_infinity(tmp_path: Path) -> None:
    model = Lambda(lambda x: tuple(x.kthvalue(k, -1).values for k in range(1, 8)))
    for inputs in [SPECIAL], [Input(min_shape=(5, 7), opt_shape=(5, 7), max_shape=(5, 60))]:
        for engine, run in runs(model, inputs, tmp_path).items():
            for x in SPECIAL, SPECIAL.flip(-1):
                assert_equal(model(x), run(x), where=f"{engine}: ")


def test_a_sort_of_many_equal_elements_is_stable() -> None:
    x = torch.randint(0, 5, (2, 20_000), generator=torch.Generator().manual_seed(0)).float()
    model = Lambda(lambda x: x.argsort(dim=-1, stable=True))
    assert_equal(model(x), tracejet.compile(tracejet.trace(model, arg_inputs=[x]), engine="openvino")(x))


@pytest.mark.parametrize("length", [0, 1, 4])
def test_nothing_has_a_logarithm_of_its_sum(length: int, tmp_path: Path) -> None:
    model = Lambda(lambda x: (x.logsumexp(0), x.logsumexp([0, 1]), x.log_softmax(0)))
    inputs = [Input(min_shape=(0, 2), opt_shape=(3, 2), max_shape=(8, 2))]
    x = torch.randn(length, 2, generator=torch.Generator().manual_seed(0))
    for engine, run in runs(model, inputs, tmp_path).items():
        assert_equal(model(x), run(x), where=f"{engine}: ")


def test_what_is_divided_by_for_0_makes_no_nan(tmp_path: Path) -> None:
    """Runtimes may take numbers below float32's least normal one for 0; the results stay as near as that."""
    x = torch.tensor([[1e-45, 1e-40, 0.0, 1.0, -1e-45, 2e-38], [1e-45, 0.0, 1e-40, 1e-45, 1.0, -2e-38]])
    model = Lambda(lambda x: (torch.hypot(x[0], x[1]), torch.hypot(x, x), torch.atan2(x.abs() + 1e-30, x)))
    for inputs in [x], [Input(min_shape=(2, 1), opt_shape=(2, 6), max_shape=(2, 60))]:
        for engine, run in runs(model, inputs, tmp_path).items():
            for expected, got in zip(model(x), run(x), strict=True):
                torch.testing.assert_close(got, expected, atol=2e-38, rtol=1e-5, msg=f"{engine}: {{}}".format)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.isinf() & torch.ones(3, dtype=torch.bool),
        lambda x: x.isfinite() | torch.zeros(17, dtype=torch.bool),
        lambda x: torch.fmod(torch.arange(3.0), x),
        lambda x: torch.div(torch.arange(9.0), x, rounding_mode="trunc"),
    ],
)
def test_infinities_are_found_in_every_element_of_what_is_broadcast(function):
    model = Lambda(function)
    rows = Input(min_shape=(1, 1), opt_shape=(3, 1), max_shape=(9, 1))
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[rows]), engine="openvino")
    x = torch.tensor([[INF], [1.0], [NAN], [-INF]])
    assert_equal(model(x), compiled(x), 1e-6)
