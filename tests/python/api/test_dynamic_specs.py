"""What torch.compile(shapes_spec=…) takes, as `dynamic_shapes` and in the shape of an Input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tracejet import ErrorCode, Input

specs = pytest.importorskip("torch.fx.experimental.dynamic_spec", reason="torch has them from 2.13 on")
ShapeVar, IntVar, TensorSpec = specs.ShapeVar, specs.IntVar, specs.TensorSpec


def ranges(program: Any) -> dict[str, list[Any]]:
    """By input: its sizes, a range as (name, min, opt, max)."""
    return {
        leaf.path: [size if isinstance(size, int) else (size.name, size.min, size.opt, size.max) for size in leaf.shape]
        for leaf in program._tracejet_call_spec.inputs
        if leaf.shape is not None
    }


class Both(nn.Module):
    def forward(self, x: torch.Tensor, others: dict[str, Any], *more: torch.Tensor, **named: torch.Tensor) -> Any:
        return (
            x.sum(0) + others["y"][0].sum(),
            [one.sum() for one in more],
            {key: one * 2 for key, one in named.items()},
        )


X, Y, Z, W = torch.randn(4, 3), torch.randn(6), torch.randn(5), torch.randn(2, 7)
BATCH = ShapeVar("batch", min=2, max=16, optimization_hint=8)
COUNT = ShapeVar("count", max=64)


def spec_of_params() -> Any:
    return specs.ParamsSpec(
        {
            "x": TensorSpec([BATCH, None]),
            "others": specs.DictSpec({"y": specs.SeqSpec([TensorSpec([COUNT])])}),
            "*args": [TensorSpec([ShapeVar("count", max=9)])],
            "**kwargs": {"w": TensorSpec([BATCH * 2 - 2, 7])},
        }
    )


@pytest.mark.parametrize("wrapped", [lambda spec: spec, specs.ShapesSpec], ids=["ParamsSpec", "ShapesSpec"])
def test_specs_are_the_ranges_of_the_program(wrapped: Callable[[Any], Any]) -> None:
    program = tracejet.trace(
        Both(), (X, {"y": [Y, 3]}, Z), kwarg_inputs={"w": W}, dynamic_shapes=wrapped(spec_of_params())
    )
    found = ranges(program)
    assert found["x"] == [("batch", 2, 8, 16), 3]
    assert found["others['y'][0]"] == [("count", 1, 6, 64)]
    ((other, *bounds),) = found["more[0]"]
    assert other not in ("count", "batch") and bounds == [1, 5, 9]  # a variable of its own, whatever its name
    (computed, fixed) = found["w"]
    assert computed[1:] == (2, 2, 30) and fixed == 7
    for rows in (2, 16):
        args = (torch.randn(rows, 3), {"y": [torch.randn(rows), 3]}, torch.randn(3))
        assert_equal(program.module()(*args, w=torch.randn(rows, 7))[0], Both()(*args)[0])


def test_one_variable_is_one_dimension() -> None:
    length = ShapeVar(max=32)
    spec = {"args": (TensorSpec([length, 3]), TensorSpec([length]))}
    program = tracejet.trace(Lambda(lambda x, y: x + y[:, None]), (X, torch.ones(4)), dynamic_shapes=spec)
    (size, _), (other,) = ranges(program).values()
    assert size == other and size[1:] == (1, 4, 32)


def test_variables_of_one_name_are_two_dimensions() -> None:
    first, second = (Input((ShapeVar("rows", max=8), 3), name=name) for name in "xy")
    program = tracejet.trace(Lambda(lambda x, y: x.sum() + y.sum()), (first, second))
    compiled = tracejet.compile(program)
    assert compiled(torch.ones(2, 3), torch.ones(7, 3)) == 27


def test_an_input_takes_them_in_its_shape() -> None:
    found = Input(TensorSpec([BATCH, None, IntVar("n", min=3, max=5)]), torch_tensor=torch.randn(4, 3, 5))
    assert (found.min_shape, found.opt_shape, found.max_shape) == ((2, 3, 3), (8, 3, 5), (16, 3, 5))
    assert found.shared_dims == {0: "batch", 2: "n"}
    assert Input((BATCH + 1, 4)).max_shape == (17, 4)


@dataclass
class Pair:
    first: torch.Tensor
    second: torch.Tensor


torch.export.register_dataclass(Pair)


def test_fields_of_an_object_go_by_name() -> None:
    model = Lambda(lambda pair: pair.first.sum() + pair.second.sum())
    spec = specs.ObjectSpec({"second": TensorSpec([ShapeVar("n", max=6)])})
    program = tracejet.trace(model, (Pair(X, Y),), dynamic_shapes={"args": [spec]})
    assert [sizes[0] for sizes in ranges(program).values()] == [4, ("n", 1, 6, 6)]


INVALID: dict[str, tuple[Any, str]] = {
    "assumption": (specs.ShapesSpec({"*args": [TensorSpec([BATCH, 3])]}, assumptions=[BATCH > 3]), "torch._check"),
    "rank": ({"args": [TensorSpec([BATCH])]}, "one entry for each of 2 axes"),
    "size": ({"args": [TensorSpec([4, 5])]}, "said to be 5, but the tensor has 3"),
    "number": ({"args": [BATCH]}, "expected a dict from axes to Dims"),
    "field": ({"args": [specs.ObjectSpec({"third": None})]}, "expected a dict from axes to Dims"),
    "unknown": (specs.ParamsSpec({"z": TensorSpec([BATCH])}), "names 'z'"),
}


@pytest.mark.parametrize("case", INVALID)
def test_what_doesnt_fit_is_named(case: str) -> None:
    spec, words = INVALID[case]
    with pytest.raises(tracejet.InvalidInput, match=words) as caught:
        tracejet.trace(Lambda(lambda x: x + 1), (X,), dynamic_shapes=spec)
    assert caught.value.code == ErrorCode.DYNAMIC_SHAPES


def test_an_input_needs_a_greatest_size() -> None:
    with pytest.raises(tracejet.InvalidInput, match="axis 0 is .*has no max"):
        Input((ShapeVar("rows"), 3))


def test_the_backend_takes_graphs_with_specs() -> None:
    """torch.compile marks such sizes as unbacked."""
    model = nn.Linear(3, 5).eval()
    spec = specs.ShapesSpec({"input": TensorSpec([ShapeVar("rows", min=2, max=64), None])})
    compiled = torch.compile(model, backend="tracejet", fullgraph=True, shapes_spec=spec)
    with torch.no_grad():
        for rows in (2, 9, 64):
            x = torch.randn(rows, 3)
            assert_equal(compiled(x), model(x))
