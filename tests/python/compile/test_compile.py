"""Compiled programs: what they take, what they give, what they refuse."""

from __future__ import annotations

import inspect
import io

import pytest
import torch
from torch import nn

import tracejet
from tests.support.compiled import batched, each_engine
from tracejet import Input


class Branching(nn.Module):
    """Takes a tree, gives a tree."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x, pair=None, *, scale=2.0, mode="up"):
        y = self.linear(x) * scale
        if pair is not None:
            y = y + pair["left"] - pair["right"]
        return {"y": y, "rows": x.shape[0], "mode": mode, "nothing": None, "x": x}


def assert_same_results(actual: dict, expected: dict) -> None:
    assert list(actual) == list(expected)
    for name, value in expected.items():
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(actual[name], value, rtol=1e-5, atol=1e-5)
        else:
            assert actual[name] == value


@each_engine
@pytest.mark.parametrize("rows", [2, 5, 16])
def test_a_module_is_traced_and_compiled(linear, engine, rows):
    compiled = tracejet.compile(linear, arg_inputs=[batched(6)], engine=engine)
    x = torch.randn(rows, 6)
    torch.testing.assert_close(compiled(x), linear(x), rtol=1e-5, atol=1e-5)
    assert not compiled(x).requires_grad


@each_engine
def test_trees_go_in_and_come_out(engine):
    model = Branching()
    pair = {"left": torch.randn(4, 3), "right": torch.randn(4, 3)}
    x = torch.randn(4, 4)
    compiled = tracejet.compile(model, arg_inputs=[x, pair], kwarg_inputs={"scale": 3.0}, engine=engine)
    expected = model(x, pair, scale=3.0)
    actual = compiled(x, pair, scale=3.0)
    assert_same_results(actual, expected)


@each_engine
def test_arguments_may_come_by_position_or_keyword_and_defaults_may_be_left_out(engine):
    model = Branching()
    x = torch.randn(4, 4)
    defaults = inspect.signature(model.forward).parameters
    scale, mode = (defaults[name].default for name in ("scale", "mode"))
    compiled = tracejet.compile(model, arg_inputs=[x], kwarg_inputs={"scale": scale, "mode": mode}, engine=engine)
    expected = model(x)
    for actual in (compiled(x), compiled(x=x), compiled(x, mode=mode), compiled(scale=scale, x=x)):
        assert_same_results(actual, expected)


def test_what_isnt_the_models_default_may_not_be_left_out(tmp_path):
    class Model(nn.Module):
        def forward(self, x, *, scale=2.0, steps=(1, 2), offset, **more):
            return x * scale + offset + sum(steps) + more["shift"]

    x = torch.randn(3, 4)
    traced = {"scale": 2, "steps": (1, 2), "offset": -0.0, "shift": 1}
    compiled = tracejet.compile(Model(), arg_inputs=[x], kwarg_inputs=traced, engine="aten")
    torch.testing.assert_close(compiled(x, **{**traced, "steps": (1, 2)}), Model()(x, **traced))
    torch.testing.assert_close(compiled(x, scale=2, offset=-0.0, shift=1), Model()(x, **traced))
    for left_out, why in [
        ("scale", r"scale: it is left out, and the model takes 2.0 then; this program was traced with 2: pass that"),
        ("offset", r"offset: it is left out, and the model has no default for it; this program was traced with -0.0"),
        ("shift", r"shift: it is left out, and the model has no default for it; this program was traced with 1"),
    ]:
        with pytest.raises(tracejet.InvalidInput, match=why):
            compiled(x, **{name: value for name, value in traced.items() if name != left_out})
    compiled.save(tmp_path / "model.pt2")
    loaded = tracejet.load(tmp_path / "model.pt2")
    torch.testing.assert_close(loaded(x, **traced), Model()(x, **traced))
    with pytest.raises(tracejet.InvalidInput, match="steps: it is left out, and files don't keep what the model takes"):
        loaded(x, scale=2, offset=-0.0, shift=1)


def test_wrong_arguments_are_named():
    compiled = tracejet.compile(Branching(), arg_inputs=[batched(4)], kwarg_inputs={"scale": 2.0})
    x = torch.randn(4, 4)
    for message, args, kwargs in [
        ("x: this input is missing", (), {}),
        ("x: a tensor is needed, or an array of NumPy or with __dlpack__; got 3", (3,), {}),
        ("x: given twice", (x,), {"x": x}),
        ("no input colour", (x,), {"colour": 1}),
        ("scale: this program was traced with 2.0, got 3.0", (x,), {"scale": 3.0}),
        ("x: axis 0 is 32, but this program takes 2 to 16", (torch.randn(32, 4),), {}),
        ("x: axis 1 is 5, but this program takes 4", (torch.randn(4, 5),), {}),
        ("x: its dtype is Int, but this program takes Float", (x.int(),), {}),
    ]:
        with pytest.raises(tracejet.InvalidInput, match=message):
            compiled(*args, **kwargs)


@each_engine
def test_axes_that_share_a_dimension_must_agree(engine):
    inputs = [Input(min_shape=(2, 3), opt_shape=(4, 3), max_shape=(9, 3), shared_dims={0: "batch"}) for _ in range(2)]

    class Sum(nn.Module):
        def forward(self, left, right):
            return left + right

    compiled = tracejet.compile(Sum(), arg_inputs=inputs, engine=engine)
    with pytest.raises(tracejet.InvalidInput, match="right: axis 0 is 5, but this program takes 4 here"):
        compiled(torch.randn(4, 3), torch.randn(5, 3))


@each_engine
def test_programs_of_torch_export_are_taken(linear, engine):
    rows = torch.export.Dim("rows", min=2, max=16)
    program = torch.export.export(linear, (torch.randn(4, 6),), dynamic_shapes=({0: rows},))
    compiled = tracejet.compile(program, engine=engine)
    for count in (2, 7):
        x = torch.randn(count, 6)
        torch.testing.assert_close(compiled(x), linear(x), rtol=1e-5, atol=1e-5)
    with pytest.raises(tracejet.InvalidInput, match="axis 0 is 17, but this program takes 2 to 16"):
        compiled(torch.randn(17, 6))


@each_engine
def test_programs_that_were_saved_are_taken(engine):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 3)

        def forward(self, x, *, scale):
            return {"y": self.linear(x) * scale, "rows": x.shape[0]}

    model = Model()
    saved = io.BytesIO()
    program = tracejet.trace(model, arg_inputs=[batched(4)], kwarg_inputs={"scale": 3.0})
    torch.export.save(program, saved)
    saved.seek(0)
    compiled = tracejet.compile(torch.export.load(saved), engine=engine)
    x = torch.randn(7, 4)
    assert_same_results(compiled(x, scale=3.0), model(x, scale=3.0))


def test_inputs_beside_a_program_must_fit_it(linear):
    program = tracejet.trace(linear, arg_inputs=[batched(6)])
    tracejet.compile(program, arg_inputs=[batched(6)])
    tracejet.compile(program, arg_inputs=[torch.randn(3, 6)])
    with pytest.raises(tracejet.InvalidInput, match="axis 0 is 2 to 32, but the program was traced for 2 to 16"):
        tracejet.compile(program, arg_inputs=[batched(6, high=32)])


@each_engine
@pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8],
)
def test_every_dtype_goes_through(engine, dtype):
    class Model(nn.Module):
        def forward(self, x):
            return x + x, x * 2, x > 1, x.float().sum()

    x = torch.arange(12).reshape(3, 4).to(dtype)
    torch.testing.assert_close(tracejet.compile(Model(), arg_inputs=[x], engine=engine)(x), Model()(x))


def test_what_openvino_would_round_is_refused():
    class Model(nn.Module):
        def forward(self, x):
            return x * 2

    with pytest.raises(tracejet.UnsupportedOperator, match="computes in float64"):
        tracejet.compile(Model(), arg_inputs=[torch.randn(3, dtype=torch.float64)], engine="openvino")


@each_engine
@pytest.mark.parametrize(
    "x",
    [
        torch.tensor(3.0),
        torch.randn(0, 4),
        torch.randn(4, 0, 2),
        torch.randn(6, 4).t(),
        torch.randn(1, 3).expand(5, 3),
        torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    ],
    ids=["0-dim", "empty", "empty inside", "transposed", "expanded", "channels last"],
)
def test_every_layout_goes_through(engine, x):
    class Model(nn.Module):
        def forward(self, x):
            return x.relu() + 1, x.sum()

    torch.testing.assert_close(tracejet.compile(Model(), arg_inputs=[x], engine=engine)(x), Model()(x))


@each_engine
def test_a_dynamic_axis_may_be_empty(engine):
    class Model(nn.Module):
        def forward(self, x):
            return (x * 2).sum(0), x + 1

    inputs = Input(min_shape=(0, 4), opt_shape=(4, 4), max_shape=(9, 4))
    compiled = tracejet.compile(Model(), arg_inputs=[inputs], engine=engine)
    for rows in (0, 1, 9):
        x = torch.randn(rows, 4)
        torch.testing.assert_close(compiled(x), Model()(x))
