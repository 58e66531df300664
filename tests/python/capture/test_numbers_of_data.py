"""Integers that only exist when the program runs: as indices, as results, and in saved programs."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

import tracejet
from testing.compare import assert_equal, assert_same_as_eager
from tests.support.lambda_module import Lambda, batch

INPUT = batch(3, 5, low=3)


def writes(x: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    y, i = x * 2, position.item()
    y.select(0, i).fill_(1)
    y.select(1, i).add_(2)
    y.select(0, i).select(1, i).copy_(x[0, :, 0])
    return y


SELECTED: dict[str, Callable[[torch.Tensor, torch.Tensor], Any]] = {
    "one axis": lambda x, i: x.select(0, i.item()),
    "two axes": lambda x, i: torch.select(x.select(2, i.item()), 1, i.item()),
    "the last one": lambda x, i: x.select(0, x.shape[0] - 1 - i.item() % 2),
    "writes": writes,
}


@pytest.mark.parametrize("function", SELECTED.values(), ids=SELECTED)
def test_an_integer_of_data_selects(function: Callable[..., Any]) -> None:
    model = Lambda(function)
    program = assert_same_as_eager(model, [INPUT, torch.tensor(-2)])
    compiled = tracejet.compile(program, engine="aten")
    for position in (-3, -1, 0, 2):
        x, i = torch.randn(4, 3, 5), torch.tensor(position)
        assert_equal(model(x, i), compiled(x, i))
        assert_equal(model(x, i), program.module()(x, i))


def test_an_integer_of_data_has_to_fit() -> None:
    program = tracejet.trace(Lambda(SELECTED["one axis"]), arg_inputs=[INPUT, torch.tensor(1)])
    with pytest.raises(tracejet.Error, match="doesn't hold"):
        tracejet.compile(program, engine="aten")(torch.randn(4, 3, 5), torch.tensor(-5))
    with pytest.raises(RuntimeError, match="doesn't hold"):
        program.module()(torch.randn(4, 3, 5), torch.tensor(4))


def test_an_integer_of_data_that_has_to_be_a_plain_number_is_refused() -> None:
    with pytest.raises(tracejet.DataDependent, match=r"the number u0 depends on data"):
        tracejet.trace(Lambda(lambda x, i: x * [1, 2, 3][i]), arg_inputs=[INPUT, torch.tensor(1)])


def split(x: torch.Tensor, sizes: torch.Tensor) -> Any:
    first, second = sizes.tolist()
    return torch.split(x, [first, second])


def positive(x: torch.Tensor, sizes: torch.Tensor) -> Any:
    found = x[x > 0]
    torch._check(found.shape[0] == sizes.sum().item())
    return found * 2


def halves(x: torch.Tensor, sizes: torch.Tensor) -> Any:
    size = x.shape[0] / 2
    return x[: math.ceil(size)], x[math.floor(size) :]


@pytest.mark.parametrize("function", [split, positive, halves])
def test_programs_with_such_sizes_are_saved(function: Callable[..., Any]) -> None:
    x, sizes = torch.tensor([1.0, -1.0]).repeat(8, 1), torch.tensor([3, 5])
    given = batch(2) if function is halves else x
    program = tracejet.trace(Lambda(function), arg_inputs=[given, sizes])
    assert_equal(function(x, sizes), program.module()(x, sizes))
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    assert_equal(function(x, sizes), torch.export.load(file).module()(x, sizes))


RESULTS: dict[str, Callable[[torch.Tensor], Any]] = {
    "a sum": lambda x: ((x > 0).sum().item() + 1, x),
    "with a size": lambda x: (x, (x > 0).sum().item() * 2 + x.shape[0], x.shape[0] / 2),
    "a quotient": lambda x: (x > 0).sum().item() / 4,
    "a comparison": lambda x: ((x > 0).sum().item() > 3, x * 2),
}


@pytest.mark.parametrize("function", RESULTS.values(), ids=RESULTS)
def test_numbers_computed_from_data_are_results(function: Callable[[torch.Tensor], Any]) -> None:
    program = assert_same_as_eager(Lambda(function), [batch(6)])
    compiled = tracejet.compile(program, engine="aten")
    for rows in (1, 4):
        x = torch.randn(rows, 6)
        assert_equal(function(x), compiled(x))


@pytest.mark.parametrize("engine", ["aten", "openvino"])
def test_every_engine_gives_numbers_computed_from_data(engine: str) -> None:
    forward = Lambda(lambda x: (x.nonzero().shape[0] + 1, x * 2))
    compiled, x = tracejet.compile(forward, arg_inputs=[batch(3)], engine=engine), torch.ones(2, 3)
    number, doubled = compiled(x)
    assert number == 7
    torch.testing.assert_close(doubled, x * 2)


# ---- Floats ---------------------------------------------------------------------------------------------------------

FLOATS: dict[str, Callable[[torch.Tensor], Any]] = {
    "a factor": lambda x: x * x.sum().item() + x.mean().item(),
    "arithmetic": lambda x: x + (x.mean().item() * 2 - 1) / 3,
    "a divisor": lambda x: x / (x.abs().amax().item() + 1),
    "a base": lambda x: 2.0 ** x.mean().item() + x,
    "a square": lambda x: x * x.mean().item() ** 2,
    "full": lambda x: torch.full((x.shape[0], 2), x.amax().item()),
    "full_like": lambda x: torch.full_like(x, x.amin().item()),
    "clamp": lambda x: x.clamp(-x.abs().amax().item() / 2, x.abs().mean().item()),
    "where": lambda x: torch.where(x > 0, x.sum().item(), 0.0),
    "masked_fill": lambda x: x.masked_fill(x > 0, x.sum().item()),
    "alpha": lambda x: torch.add(x, x, alpha=x.sum().item()),
    "weight": lambda x: torch.lerp(x, -x, x.mean().item()),
    "sqrt": lambda x: x / math.sqrt(x.square().sum().item() + 1),
    "math": lambda x: x * math.fabs(x.sum().item()) + math.pow(x.abs().sum().item() + 1, 0.5),
    "a tensor again": lambda x: torch.tensor(x.sum().item()) + torch.tensor([x.amax().item(), 1.0]).sum() + x,
    "a list": lambda x: x * x[0, :2].tolist()[0] + x[0, :2].tolist()[1],
    "smaller": lambda x: x * min(x.sum().item(), 0.5) + max(0.25, x.mean().item()),
    "size": lambda x: x * (x.sum().item() / x.shape[0]),
    "float": lambda x: x * float(x.sum()),
    "int": lambda x: x * int(x.abs().sum()),
    "rounded": lambda x: x * round(x.sum().item(), 1) + round(x.abs().sum().item()),
    "abs": lambda x: x + abs(x.sum().item()),
    "several": lambda x: [x * value.item() for value in x.sum(0)[:2]],
    "half": lambda x: x * x.to(torch.float16).amax().item(),
    "double": lambda x: x * x.double().sum().item(),
    "written": lambda x: x.clone().fill_(x.sum().item()) + x,
    "a result": lambda x: (x.amax().item(), x),
    "computed results": lambda x: (x, x.amax().item() * 2, x.amin().item() < 0, int(x.sum().item())),
    "selected": lambda x: torch.sym_ite(x.sum().item() > 0, x.amax().item(), x.amin().item()) * x,
    "scale of attention": lambda x: torch.softmax(x @ x.T * (1 / (x.abs().sum().item() + 1)), -1) @ x,
}


@pytest.mark.parametrize("function", FLOATS.values(), ids=FLOATS)
def test_floats_of_data(function: Callable[[torch.Tensor], Any]) -> None:
    program = assert_same_as_eager(Lambda(function), [batch(6)])
    compiled = tracejet.compile(program, engine="aten")
    for rows in (1, 4, 9):
        x = torch.randn(rows, 6)
        assert_equal(function(x), compiled(x), 0)


#: What OpenVINO refuses of these: it computes in float32.
IN_DOUBLE_PRECISION = {"int", "rounded", "computed results", "double", "a base", "math"}


@pytest.mark.parametrize("name", FLOATS)
def test_floats_of_data_on_openvino(name: str) -> None:
    function = FLOATS[name]
    program = tracejet.trace(Lambda(function), arg_inputs=[batch(6)])
    report = tracejet.check(program)
    if not report.ok:
        assert name in IN_DOUBLE_PRECISION, str(report)
        return
    compiled = tracejet.compile(program, engine="openvino")
    for rows in (1, 4, 9):
        x = torch.randn(rows, 6)
        tolerance = 1e-3 if name == "half" else 1e-4  # OpenVINO doesn't round to float16
        assert_equal(function(x), compiled(x), tolerance, f"{rows}: ")


@pytest.mark.parametrize("name", ["a factor", "arithmetic", "sqrt", "smaller", "a result", "full", "size", "int"])
def test_programs_with_floats_of_data_are_saved(name: str) -> None:
    function, x, file = FLOATS[name], torch.randn(4, 6), io.BytesIO()
    torch.export.save(tracejet.trace(Lambda(function), arg_inputs=[batch(6)]), file)
    file.seek(0)
    assert_equal(function(x), torch.export.load(file).module()(x), 1e-6)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.0])
def test_floats_of_data_may_be_any(value: float) -> None:
    function = FLOATS["smaller"]
    program = tracejet.trace(Lambda(function), arg_inputs=[batch(6)])
    for run in (program.module(), tracejet.compile(program, engine="aten")):
        assert_equal(function(torch.full((2, 6), value)), run(torch.full((2, 6), value)), 0)


#: Of a number for which Python gives another one than the engines' minimum and maximum would.
ORDERED: dict[str, Callable[[float], float]] = {
    "min, first": lambda k: min(k, 1.0),
    "min, second": lambda k: min(1.0, k),
    "max, first": lambda k: max(k, 1.0),
    "max, second": lambda k: max(1.0, k),
    "of three": lambda k: min(2.0, k, 1.0),
    "in a list": lambda k: max([1.0, k, 0.5]),
}


@pytest.mark.parametrize("name", ORDERED)
@pytest.mark.parametrize("engine", ["aten", "openvino"])
def test_the_order_of_numbers_counts_where_one_is_nan(name: str, engine: str) -> None:
    model = Lambda(lambda x: x + ORDERED[name](x.sum().item()))
    program = tracejet.trace(model, arg_inputs=[batch(2)])
    for run in (program.module(), tracejet.compile(program, engine=engine)):
        for value in (math.nan, 0.25, 3.0, -math.inf):
            x = torch.zeros(2, 2)
            x[0, 0] = value
            assert_equal(model(x)[1], run(x)[1], 1e-6)


#: What it computes of a number, one for which Python raises or gives a complex number, and one for which it doesn't.
UNDEFINED: dict[str, tuple[Callable[[float], Any], float, float]] = {
    "a root": (lambda k: math.sqrt(k), -3.0, 3.0),
    "a root of infinity": (lambda k: math.sqrt(k), -math.inf, math.inf),
    "a root of NaN": (lambda k: math.sqrt(k), -1.0, math.nan),
    "a reciprocal": (lambda k: k**-1, 0.0, -2.0),
    "a power of 0": (lambda k: k**-1.5, 0.0, 2.0),
    "a half": (lambda k: k**0.5, -4.0, 4.0),
    "math.pow": (lambda k: math.pow(k, 0.5), -4.0, 0.0),
    "an exponent": (lambda k: 0.0**k, -1.0, 0.0),
    "an exponent of what is negative": (lambda k: (-2.0) ** k, 0.5, 3.0),
}


@pytest.mark.parametrize("name", UNDEFINED)
@pytest.mark.parametrize("engine", ["aten", "openvino"])
def test_numbers_for_which_python_raises_are_refused(name: str, engine: str) -> None:
    function, wrong, right = UNDEFINED[name]
    model = Lambda(lambda x: x[:, 1:] * function(x[0, 0].item()))
    compiled = tracejet.compile(model, arg_inputs=[batch(3)], engine=engine)
    for value in (wrong, right):
        x = torch.ones(2, 3)
        x[0, 0] = value
        if value is right or math.isnan(value):
            assert_equal(model(x), compiled(x), 1e-6)
            continue
        with pytest.raises(tracejet.Error):
            compiled(x)
        try:
            assert model(x).is_complex()
        except (ValueError, ZeroDivisionError):
            continue


def test_numbers_too_large_for_python_are_refused() -> None:
    compiled = tracejet.compile(Lambda(lambda x: x * 10.0 ** x.sum().item()), arg_inputs=[batch(1)], engine="aten")
    assert_equal(torch.full((1, 1), 2e2), compiled(torch.full((1, 1), 2.0)))
    with pytest.raises(tracejet.Error, match="is too large for a float"):
        compiled(torch.full((1, 1), 400.0))


@pytest.mark.parametrize("number", [complex(1), complex(2), 1 + 1j, 2.0])
def test_a_size_beside_a_complex_number_is_compared_as_pythons(number: complex) -> None:
    model = Lambda(lambda x: x * 3 if x.shape[0] == number or number != x.shape[1] else -x)
    for rows in (1, 2):
        x = torch.randn(rows, 1)
        assert_equal(model(x), tracejet.trace(model, arg_inputs=[x]).module()(x))
    dynamic = Lambda(lambda x: x if x.shape[0] == number else -x)
    rows = int(abs(number))
    with contextlib.nullcontext() if number == 1 + 1j else pytest.raises((tracejet.Error, RuntimeError)):
        tracejet.trace(dynamic, arg_inputs=[batch(2)]).module()(torch.ones(rows, 2))


def test_a_branch_on_a_float_of_data_is_refused() -> None:
    with pytest.raises(tracejet.DataDependent, match=r"the condition 0.0 < f0 depends on data"):
        tracejet.trace(Lambda(lambda x: x if x.sum().item() > 0 else -x), arg_inputs=[batch(6)])


def test_a_check_of_a_float_of_data_is_made_when_the_program_runs() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        total = x.sum().item()
        torch._check(total > 0)
        return x * total if total > 0 else -x

    program = tracejet.trace(Lambda(forward), arg_inputs=[batch(6)])
    for run in (program.module(), tracejet.compile(program, engine="aten")):
        assert_equal(torch.full((2, 6), 12.0), run(torch.ones(2, 6)))
        with pytest.raises(RuntimeError, match="doesn't hold"):
            run(-torch.ones(2, 6))
