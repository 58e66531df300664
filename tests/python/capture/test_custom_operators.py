"""Operators of the user's own: those that write to their arguments, and what their fake implementations may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_same_as_eager
from tracejet import Input

INPUT = Input(min_shape=(2, 4), opt_shape=(3, 4), max_shape=(8, 4), name="x")


@pytest.fixture(scope="module", autouse=True)
def operators() -> Iterator[None]:
    with torch.library._scoped_library("tracejet_test", "FRAGMENT") as library:
        define(library, "bump_(Tensor(a!) x) -> ()", add_one, lambda x: None)
        define(library, "spread(Tensor(a!) x, Tensor(b!)[] ys, float k=2.0) -> Tensor", spread, fake_spread)
        define(library, "above(Tensor x, float limit) -> Tensor", lambda x, limit: x[x > limit], fake_above)
        define(library, "same_(Tensor(a!) x) -> Tensor(a!)", lambda x: x.add_(1), lambda x: x)
        define(library, "unknown(Tensor x) -> Tensor", lambda x: x + 1, None)
        yield


def define(library: torch.library.Library, schema: str, implementation: Callable, fake: Callable | None) -> None:
    name = library.define(schema)
    library.impl(name, implementation, "CPU")
    if fake is not None:
        torch.library.register_fake(f"tracejet_test::{name}", fake, lib=library)


def add_one(x: torch.Tensor) -> None:
    x.add_(1)


def spread(x: torch.Tensor, ys: list[torch.Tensor], k: float = 2.0) -> torch.Tensor:
    x.mul_(k)
    for y in ys:
        y.add_(x.sum())
    return x * 2


def fake_spread(x: torch.Tensor, ys: list[torch.Tensor], k: float = 2.0) -> torch.Tensor:
    return torch.empty_like(x)


def fake_above(x: torch.Tensor, limit: float) -> torch.Tensor:
    return x.new_empty(torch.library.get_ctx().new_dynamic_size())


class Model(nn.Module):
    def __init__(self, function: Callable[[Model, torch.Tensor], Any]):
        super().__init__()
        self.register_buffer("total", torch.zeros(4))
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self, x)


def bump(tensor: torch.Tensor) -> None:
    torch.ops.tracejet_test.bump_(tensor)


def a_tensor(model: Model, x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    bump(y)
    return y + x


def views(model: Model, x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    bump(y[:, 0])
    bump(y.T)
    return y


def several(model: Model, x: torch.Tensor) -> Any:
    a, b, c = x * 2, x + 1, x - 1
    result = torch.ops.tracejet_test.spread(a, [b, c], 0.5)
    return result, a, b, c


def a_buffer(model: Model, x: torch.Tensor) -> torch.Tensor:
    bump(model.total)
    return x + model.total


def the_input(model: Model, x: torch.Tensor) -> torch.Tensor:
    bump(x)
    return x * 2


@pytest.mark.parametrize("function", [a_tensor, views, several, a_buffer, the_input])
def test_writes_of_custom_operators_are_seen(function: Callable[[Model, torch.Tensor], Any]) -> None:
    program = assert_same_as_eager(Model(function), [INPUT])
    assert program.graph.find_nodes(op="call_function", target=torch.ops.higher_order.auto_functionalized)


@pytest.mark.parametrize("function", [a_tensor, views, several])
def test_the_interpreter_leaves_the_arguments_of_such_operators_alone(
    function: Callable[[Model, torch.Tensor], Any],
) -> None:
    model = Model(function)
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[INPUT]), engine="aten")
    x = torch.randn(5, 4)
    before = x.clone()
    torch.testing.assert_close(compiled(x), model(x))
    torch.testing.assert_close(x, before)


@pytest.mark.parametrize("given", [INPUT, torch.randn(3, 4)], ids=["dynamic", "static"])
def test_a_fake_implementation_may_make_sizes_of_data(given: Any) -> None:
    model = Model(lambda model, x: torch.ops.tracejet_test.above(x, 0.3).exp())
    program = tracejet.trace(model, arg_inputs=[given])
    program._validate()
    x = torch.randn(3, 4)
    torch.testing.assert_close(program.module()(x), model(x))
    torch.testing.assert_close(tracejet.compile(program, engine="aten")(x), model(x))


def shared(model: Model, x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    torch.ops.tracejet_test.spread(y, [y[0]])
    return y


REFUSED: dict[str, tuple[Callable[[Model, torch.Tensor], Any], str]] = {
    "memory is shared": (shared, "whose memory another argument shares"),
    "the result is the argument": (
        lambda model, x: torch.ops.tracejet_test.same_(x * 2),
        "that shares memory with them",
    ),
    "no fake implementation": (
        lambda model, x: torch.ops.tracejet_test.unknown(x),
        r'@torch.library.register_fake\("tracejet_test::unknown"\)\s+def _\(x\)',
    ),
}


@pytest.mark.parametrize(("function", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_captured_is_refused(function: Callable[[Model, torch.Tensor], Any], message: str) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match=message):
        tracejet.trace(Model(function), arg_inputs=[INPUT])


# torch.library.custom_op ----------------------------------------------------------------------------------------------


@torch.library.custom_op("tracejet_test_decorated::scaled", mutates_args=())
def scaled(x: torch.Tensor, scale: float) -> torch.Tensor:
    return x * scale


@scaled.register_fake
def _(x: torch.Tensor, scale: float) -> torch.Tensor:
    return torch.empty_like(x)


scaled.register_vmap(lambda info, dims, x, scale: (scaled(x, scale), dims[0]))


@torch.library.custom_op("tracejet_test_decorated::accumulate", mutates_args=("total",))
def accumulate(total: torch.Tensor, x: torch.Tensor) -> None:
    total += x.sum(0)


@accumulate.register_fake
def _(total: torch.Tensor, x: torch.Tensor) -> None:
    return None


@torch.library.custom_op("tracejet_test_decorated::aliased", mutates_args=())
def aliased(x: torch.Tensor) -> torch.Tensor:
    return x


@torch.library.triton_op("tracejet_test_decorated::in_tritons_way", mutates_args=())
def in_tritons_way(x: torch.Tensor) -> torch.Tensor:
    return torch.relu(x) * 2


def per_row(model: Model, x: torch.Tensor) -> torch.Tensor:
    return torch.func.vmap(lambda row: scaled(row, 0.5).cumsum(0))(x)


def total(model: Model, x: torch.Tensor) -> torch.Tensor:
    accumulate(model.total, x)
    return x + model.total


DECORATED = {
    "a call": lambda model, x: scaled(x, 2.0) + 1,
    "in Triton's way": lambda model, x: in_tritons_way(x) + 1,
    "by its name": lambda model, x: torch.ops.tracejet_test_decorated.scaled(x, 2.0),
    "vmap": per_row,
    "writes": total,
}


@pytest.mark.parametrize("function", DECORATED.values(), ids=DECORATED)
def test_decorated_operators_are_nodes(function: Callable[[Model, torch.Tensor], Any]) -> None:
    program = assert_same_as_eager(Model(function), [INPUT])
    assert "tracejet_test_decorated" in str(program.graph)


def test_decorated_operators_without_a_fake_implementation_are_refused() -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match=r"register_fake\(\"tracejet_test_decorated::aliased"):
        tracejet.trace(Model(lambda model, x: aliased(x)), arg_inputs=[INPUT])


def test_openvino_refuses_operators_of_the_users_own() -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="tracejet_test_decorated::scaled"):
        tracejet.compile(Model(lambda model, x: scaled(x, 2.0)), arg_inputs=[INPUT], engine="openvino")


# TORCH_LIBRARY --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cpp() -> Any:
    """The operators of tests/custom_operators, which the build of the C++ tests makes a library of."""
    torch.ops.load_library(Path(__file__).parents[3] / "build/tests/cpp/libtracejet_test_operators.so")
    return torch.ops.tracejet_cpp


def test_operators_in_cpp_are_nodes(cpp: Any) -> None:
    def function(model: Model, x: torch.Tensor) -> torch.Tensor:
        y = cpp.twice(x, 3.0)
        cpp.bump_(y[1:])
        return y

    model = Model(function)
    program = assert_same_as_eager(model, [INPUT])
    assert program.graph.find_nodes(op="call_function", target=cpp.twice.default)
    x = torch.randn(5, 4)
    torch.testing.assert_close(tracejet.compile(program, engine="aten")(x), model(x))


def test_what_operators_in_cpp_lack_is_said(cpp: Any) -> None:
    for function, message in (
        (cpp.unknown, r"TORCH_LIBRARY_IMPL\(tracejet_cpp, Meta, library\) {\s+library.impl\(\"unknown\""),
        (lambda x: cpp.same_(x * 2), "that shares memory with them"),
        (lambda x: cpp.counted(x, torch.classes.tracejet_cpp.Counter()), "takes an object of .*Counter"),
    ):
        with pytest.raises(tracejet.UnsupportedOperator, match=message):
            tracejet.trace(Model(lambda model, x, call=function: call(x)), arg_inputs=[INPUT])
