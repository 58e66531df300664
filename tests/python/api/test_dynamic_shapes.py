"""`dynamic_shapes`, as torch.export takes it, in the place of Inputs, and Dims in the shape of an Input."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.export import AdditionalInputs, Dim, ShapesCollection

import tracejet
from tracejet import Input


class Scores(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 5)

    def forward(self, x, others, scale=1.0):
        return self.linear(x) * scale + sum(other.sum() for other in others["more"])


MODEL = Scores().eval()
X, Y, Z = torch.randn(4, 3), torch.randn(6), torch.randn(2, 2)
BATCH = Dim("batch", min=1, max=16)


def others(y=Y, z=Z):
    return {"more": [y, z]}


def ranges(program):
    """(min, opt, max) of each dynamic dimension of a program by name."""
    return {
        size.name: (size.min, size.opt, size.max)
        for leaf in program._tracejet_call_spec.inputs
        for size in leaf.shape or ()
        if not isinstance(size, int)
    }


def in_collection():
    shapes = ShapesCollection()
    shapes[X] = {0: BATCH}
    shapes[Y] = (Dim("count", max=64),)
    return shapes


@pytest.mark.parametrize(
    "shapes",
    [
        {"x": {0: BATCH}, "others": {"more": [{0: Dim("count", max=64)}, None]}},
        {"x": (BATCH, None), "others": {"more": [(Dim("count", max=64),), {}]}},
        {"x": (BATCH, 3), "others": {"more": [(Dim("count", max=64),), (Dim.STATIC, 2)]}},
        ({0: BATCH}, {"more": ({0: Dim("count", max=64)}, None)}),
        in_collection(),
    ],
    ids=["by name", "by axis", "static axes", "by position", "ShapesCollection"],
)
def test_dims_are_the_ranges_of_the_program(shapes):
    program = tracejet.trace(MODEL, arg_inputs=[X, others()], dynamic_shapes=shapes)
    assert ranges(program) == {"batch": (1, 4, 16), "count": (1, 6, 64)}
    for batch, count in ((1, 1), (4, 6), (16, 64)):
        args = torch.randn(batch, 3), others(torch.randn(count))
        torch.testing.assert_close(program.module()(*args), MODEL(*args))
    with pytest.raises((AssertionError, RuntimeError)):
        program.module()(torch.randn(17, 3), others())


@pytest.mark.parametrize("size", [1, 5, 16])
def test_compile_check_diagnose_and_onnx_take_them_too(size, tmp_path):
    given = {"arg_inputs": [X, others()], "dynamic_shapes": {"x": {0: BATCH}}}
    compiled = tracejet.compile(MODEL, **given)
    args = torch.randn(size, 3), others()
    torch.testing.assert_close(compiled(*args), MODEL(*args), rtol=1e-4, atol=1e-5)
    assert tracejet.check(MODEL, **given).taken and tracejet.diagnose(MODEL, **given).ok
    tracejet.save_onnx(MODEL, tmp_path / "net.onnx", **given)


def test_keywords_go_by_their_names():
    program = tracejet.trace(
        MODEL, kwarg_inputs={"others": others(), "x": X}, dynamic_shapes={"x": {0: BATCH}, "others": None}
    )
    assert ranges(program) == {"batch": (1, 4, 16)}


def test_one_dim_on_two_tensors_is_one_dimension():
    class Sum(nn.Module):
        def forward(self, *tensors):
            return tensors[0] + tensors[1]

    program = tracejet.trace(
        Sum(), arg_inputs=[torch.ones(4), torch.ones(4)], dynamic_shapes={"tensors": ({0: BATCH},) * 2}
    )
    assert ranges(program) == {"batch": (1, 4, 16)}
    with pytest.raises((AssertionError, RuntimeError)):
        program.module()(torch.ones(4), torch.ones(5))


class Interleaved(nn.Module):
    def forward(self, x, y):
        return x.reshape(2, -1) + y


def test_what_a_computed_dim_says_is_checked_when_the_program_runs():
    shapes = {"x": {0: 2 * BATCH}, "y": {0: BATCH}}
    program = tracejet.trace(Interleaved(), arg_inputs=[torch.ones(8), torch.ones(4)], dynamic_shapes=shapes)
    torch.testing.assert_close(program.module()(torch.ones(6), torch.ones(3)), torch.full((2, 3), 2.0))
    with pytest.raises((AssertionError, RuntimeError)):
        program.module()(torch.ones(6), torch.ones(4))


class Positions(nn.Module):
    """Takes up to 32 tokens, of two sequences of equal length."""

    def __init__(self):
        super().__init__()
        self.positions = nn.Parameter(torch.randn(32, 4))

    def forward(self, x, y):
        torch._check(x.shape[0] <= 32)
        return x + y + self.positions[: x.shape[0]], torch.ones(3) * x.new_ones(3, 3)


def test_the_model_decides_automatic_ranges():
    args = [torch.randn(5, 4), torch.randn(5, 4)]
    shapes = {"x": {0: Dim.AUTO, 1: Dim.AUTO}, "y": {0: Dim.AUTO, 1: Dim.AUTO}}
    program = tracejet.trace(Positions(), arg_inputs=args, dynamic_shapes=shapes)
    (found,) = ranges(program).values()  # the width is that of the weights, and both lengths are one
    assert found[1] == 5 and found[2] == 32
    for length in (1, 32):
        x, y = torch.randn(2, length, 4)
        model = Positions()
        model.positions = nn.Parameter(program.state_dict["positions"])
        torch.testing.assert_close(program.module()(x, y), model(x, y))


def test_what_has_to_be_dynamic_is_never_fixed():
    args = [torch.randn(5, 4), torch.randn(5, 4)]
    with pytest.raises(tracejet.ConstraintViolation, match=r"x\[1\]"):
        tracejet.trace(Positions(), arg_inputs=args, dynamic_shapes={"x": {1: Dim.DYNAMIC}, "y": None})


def test_hints_may_have_ranges():
    program = tracejet.trace(nn.Linear(3, 2), arg_inputs=[X], dynamic_shapes=({0: Dim.DYNAMIC(min=2, max=8)},))
    assert list(ranges(program).values()) == [(2, 4, 8)]


def test_additional_inputs_show_what_varies():
    shapes = AdditionalInputs()
    shapes.add((torch.randn(9, 3), others(torch.randn(2))))
    program = tracejet.trace(MODEL, arg_inputs=[X, others()], dynamic_shapes=shapes)
    assert len(ranges(program)) == 2
    args = torch.randn(40, 3), others(torch.randn(7))
    torch.testing.assert_close(program.module()(*args), MODEL(*args))


def test_an_additional_input_that_the_program_doesnt_take_is_an_error():
    shapes = AdditionalInputs()
    shapes.add((torch.randn(40, 4), torch.randn(40, 4)))
    with pytest.raises((tracejet.ConstraintViolation, tracejet.InvalidInput)):
        tracejet.trace(Positions(), arg_inputs=[torch.randn(5, 4), torch.randn(5, 4)], dynamic_shapes=shapes)


@pytest.mark.parametrize(
    ("shapes", "text"),
    [
        ({"z": {0: BATCH}}, "names 'z'"),
        ({"x": {2: BATCH}}, "no axis 2"),
        ({"x": (BATCH,)}, "one entry for each of 2 axes"),
        ({"x": {0: 5}}, "said to be 5, but the tensor has 4"),
        ({"x": {0: "batch"}}, "expected a torch.export.Dim"),
        ({"x": {0: Dim("small", max=3)}}, "axis 0"),
        ({"scale": {0: BATCH}}, "names 'scale'"),
        ({"others": {"more": [None]}}, "expected 2 entries"),
        ({"others": {0: BATCH}}, "others has no 0"),
        (BATCH, "expected what torch.export.export takes"),
        ([None], "1 entries"),
    ],
)
def test_what_doesnt_fit_is_refused(shapes, text):
    with pytest.raises(tracejet.InvalidInput) as error:
        tracejet.trace(MODEL, arg_inputs=[X, others()], dynamic_shapes=shapes)
    assert text in str(error.value)


def test_inputs_and_programs_say_themselves_what_varies():
    described = Input(min_shape=(1, 3), opt_shape=(2, 3), max_shape=(4, 3))
    with pytest.raises(tracejet.InvalidInput, match="an Input says itself"):
        tracejet.trace(nn.Linear(3, 2), arg_inputs=[described], dynamic_shapes=({0: BATCH},))
    program = tracejet.trace(nn.Linear(3, 2), arg_inputs=[described])
    with pytest.raises(tracejet.InvalidInput, match="has its ranges already"):
        tracejet.compile(program, dynamic_shapes=({0: BATCH},))
    with pytest.raises(tracejet.InvalidInput, match="calls say what varies"):
        tracejet.compile(nn.Linear(3, 2), ir="torch_compile", dynamic_shapes=({0: BATCH},))


def test_strict_takes_them():
    program = tracejet.trace(nn.Linear(3, 2), arg_inputs=[X], dynamic_shapes=({0: BATCH},), strict=True)
    assert ranges(program) == {"batch": (1, 4, 16)}


def test_tensors_are_where_the_trace_says():
    program = tracejet.trace(nn.Linear(3, 2), arg_inputs=[X], dynamic_shapes=({0: BATCH},), device="cuda")
    (leaf,) = program._tracejet_call_spec.inputs
    assert leaf.device.type == "cuda"


# ---- Dims in an Input ------------------------------------------------------------------------------------------------


def test_an_inputs_shape_may_have_dims():
    x = Input((BATCH, 3, 2 * BATCH))
    assert (x.min_shape, x.opt_shape, x.max_shape) == ((1, 3, 2), (16, 3, 32), (16, 3, 32))
    assert x.shared_dims == {0: "batch"}
    assert Input((BATCH, 3), opt_shape=(4, 3)).opt_shape == (4, 3)
    assert Input((BATCH, 3), torch_tensor=torch.ones(7, 3)).opt_shape == (7, 3)
    program = tracejet.trace(nn.Linear(3, 2), arg_inputs=[Input((BATCH, 3), opt_shape=(4, 3))])
    assert ranges(program) == {"batch": (1, 4, 16)}


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Input((Dim("batch"), 3)), "has no max"),
        (lambda: Input((BATCH, 3), min_shape=(1, 3)), "leave out min_shape"),
        (lambda: Input((BATCH, 3), opt_shape=(17, 3)), "axis 0"),
        (lambda: Input((BATCH, 3), shared_dims={0: "b"}), "leave out shared_dims"),
        (lambda: Input((Dim.AUTO, 3)), "axis 0"),
    ],
)
def test_dims_that_say_no_range_are_refused(make, text):
    with pytest.raises(tracejet.InvalidInput) as error:
        make()
    assert text in str(error.value)
