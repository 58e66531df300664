"""What a program may be called with: whatever its arguments are called, wherever they lie in memory, and no other plain
values than the traced ones."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tests.support.runners import RUNNERS, each_runner
from tracejet import Input

# ---- Names ----------------------------------------------------------------------------------------------------------

NAMES = {
    "built-ins": lambda input, type, max: (input.add_(type), max * 2)[1],
    "all written": lambda print, id, sum: (print.add_(1), id.mul_(2), sum.sub_(print))[2] * 1,
    "fx's own": lambda dtype, device, inf: (dtype.add_(device), inf.mul_(2))[1] + 0,
    "numbered": lambda input, input_1, input_1_1: (input.add_(1), input_1.add_(2), input_1_1.add_(3), input + input_1)[
        3
    ],
    "like nodes": lambda add, mul, output: (add.add_(1), mul.mul_(add), output.copy_(mul))[1] + 0,
    "upper and lower case": lambda x, X, _x: (x.add_(1), X.add_(2), x + X + _x)[2],
    "underscores": lambda __x, _1, nan: (__x.add_(_1), nan.mul_(2))[1] + 0,
    "like state": lambda p_weight, b_buffer, c_lifted_tensor_0: (p_weight.add_(b_buffer), c_lifted_tensor_0 + p_weight)[
        1
    ],
    "of fx's code": lambda torch, fx_pytree, nan: (torch.add_(fx_pytree), nan.mul_(torch).clamp(max=math.inf))[1] + 0,
    "of fx's code, too": lambda self, pytree, device: (self.add_(pytree), (device + self).nan_to_num(math.nan))[1],
    "of Python's methods": lambda forward, args, kwargs: (forward.add_(args), kwargs.mul_(forward))[1] + 0,
}


@each_runner
@pytest.mark.parametrize("forward", NAMES.values(), ids=NAMES)
def test_arguments_of_any_name_are_written(forward: Callable[..., Any], runner) -> None:
    model = nn.Module()
    model.forward = forward
    row = Input(min_shape=(1, 3), opt_shape=(4, 3), max_shape=(9, 3), shared_dims={0: "rows"})
    run = runner(tracejet.trace(model, arg_inputs=[row] * 3))
    for rows in (4, 1, 9):
        theirs = [torch.randn(rows, 3) for _ in range(3)]
        ours = [tensor.clone() for tensor in theirs]
        assert_equal(forward(*theirs), run(*ours))
        assert_equal(theirs, ours)


@pytest.mark.parametrize("copied", ["loaded", "deep copy"])
def test_a_copy_of_a_program_finds_its_arguments(copied: str, tmp_path) -> None:
    import copy

    program = tracejet.trace(Lambda(lambda input, max: (input.add_(1), max * 2)[1]), arg_inputs=[torch.ones(3)] * 2)
    if copied == "loaded":
        torch.export.save(program, tmp_path / "p.pt2")
        run = torch.export.load(tmp_path / "p.pt2").module()
    else:
        run = copy.deepcopy(program).module()
    x = torch.ones(3)
    assert_equal(torch.full((3,), 4.0), run(x, torch.full((3,), 2.0)))
    assert_equal(torch.full((3,), 2.0), x)


class Keywords(nn.Module):
    def forward(self, x, *, torch, inf, torch_1):
        return x + torch * inf.clamp(max=math.inf) - torch_1


def test_keywords_have_the_names_that_code_needs(tmp_path) -> None:
    keywords = {name: torch.randn(3) for name in ("torch", "inf", "torch_1")}
    x = torch.randn(3)
    program = tracejet.trace(Keywords(), arg_inputs=[x], kwarg_inputs=keywords)
    expected = Keywords()(x, **keywords)
    assert_equal(expected, program.module()(x, **keywords))
    assert_equal(expected, tracejet.compile(program, engine="aten")(x, **keywords))
    tracejet.save(program, tmp_path / "keywords.pt2")
    loaded = tracejet.load(tmp_path / "keywords.pt2")
    assert_equal(expected, loaded.module()(x, **keywords))
    assert_equal(expected, tracejet.compile(loaded, engine="aten")(x, **keywords))


@pytest.mark.parametrize("save", [tracejet.save, torch.export.save])
def test_a_file_has_names_that_code_can_have(save: Callable[..., Any], tmp_path) -> None:
    model = nn.Module()
    model.forward = lambda torch, self, nan: torch.sin() + self * nan
    program = tracejet.trace(model, arg_inputs=[torch.ones(3)] * 3)
    save(program, tmp_path / "program.pt2")
    x = [torch.randn(3) for _ in range(3)]
    expected = program.module()(*x)
    assert_equal(expected, torch.export.load(tmp_path / "program.pt2").module()(*x))
    assert_equal(expected, tracejet.load(tmp_path / "program.pt2").module()(*x))


# ---- Plain values ---------------------------------------------------------------------------------------------------

Data = namedtuple("Data", "x w n")
LITERALS = {
    "None": (None, (1, 0, False, torch.ones(2))),
    "bool": (True, (False, 1, None)),
    "int": (2, (3, 2.0, True, None)),
    "float": (0.5, (0.25, None)),
    "not a number": (math.nan, (0.0, None)),
    "zero": (0.0, (-0.0, 0)),
    "text": ("a", ("b", None)),
    "dtype": (torch.float32, (torch.float64, None)),
    "complex": (1 + 2j, (1 - 2j, 1.0)),
    "device": (torch.device("cpu"), (torch.device("meta"), "cpu")),
}


@each_runner
@pytest.mark.parametrize(("traced", "others"), LITERALS.values(), ids=LITERALS)
def test_another_plain_value_than_the_traced_one_is_refused(traced, others, runner) -> None:
    run = runner(tracejet.trace(Lambda(lambda x, options: x * 2), arg_inputs=[torch.ones(2), {"a": [traced]}]))
    assert_equal(torch.full((2,), 2.0), run(torch.ones(2), {"a": [traced]}))
    for other in others:
        with pytest.raises(tracejet.InvalidInput, match="traced with"):
            run(torch.ones(2), {"a": [other]})


@each_runner
def test_containers_with_none_and_numbers_come_and_go(runner) -> None:
    def forward(data, extra=None, items=()):
        x = data.x if data.w is None else data.x * data.w
        for item in items:
            x = x + item["v"]
        return Data(x.repeat([data.n, 1]), extra, data.n), {"rows": x.shape[0], "text": "t", "nothing": None}

    row = Input(min_shape=(1, 3), opt_shape=(4, 3), max_shape=(9, 3), shared_dims={0: "rows"})
    inputs = [Data(row, None, 2), None, [{"v": row}, {"v": row}]]
    run = runner(tracejet.trace(Lambda(forward), arg_inputs=inputs))
    for rows in (4, 1, 9):
        x, y = torch.randn(rows, 3), torch.randn(rows, 3)
        arguments = (Data(x, None, 2), None, [{"v": y}, {"v": x}])
        assert_equal(forward(*arguments), run(*arguments))


# ---- Layouts --------------------------------------------------------------------------------------------------------

LAYOUTS = {
    "contiguous": lambda t: t.clone(),
    "channels last": lambda t: t.clone(memory_format=torch.channels_last),
    "transposed": lambda t: t.transpose(2, 3).contiguous().transpose(2, 3),
    "batch last": lambda t: t.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2),
    "sliced": lambda t: torch.cat([t, t], 3)[..., : t.shape[3]],
    "with an offset": lambda t: torch.cat([t, t])[t.shape[0] :],
    "every other": lambda t: t.repeat_interleave(2, 2)[:, :, ::2],
    "expanded": lambda t: t[:1].expand(t.shape),
    "negated": lambda t: torch.complex(t, -t).conj().imag,
    "with gradients": lambda t: t.clone().requires_grad_(),
    "a parameter": lambda t: nn.Parameter(t.clone()),
}
CHANGES = {
    "reshape": lambda x: x.reshape(x.shape[0], -1) * 2,
    "flatten": lambda x: (x * 2).flatten(1),
    "view of a copy": lambda x: x.contiguous().view(x.shape[0], -1),
    "view": lambda x: x.view(x.shape[0], -1) + 1,
    "view and back": lambda x: x.view(x.shape[0], 2, -1).transpose(1, 2).flatten(1),
    "convolution": lambda x: torch.nn.functional.conv2d(x, torch.ones(2, 3, 1, 1)).flatten(1),
    "as complex": lambda x: torch.view_as_real(torch.view_as_complex(x.unflatten(3, (2, 2)).contiguous()) * 2j),
    "as bits": lambda x: x.contiguous().view(torch.int32) + 1,
    "by place": lambda x: x.as_strided((2, 3), (3, 1)) * 2,
    "by place, of a result": lambda x: (x + 1).as_strided((2, 3), (3, 1)) * 2,
    "written": lambda x: (x.mul_(2), x.reshape(x.shape[0], -1) + 1)[1],
}


#: What can't be had in another layout than the traced one. The last two are PyTorch's own words.
REFUSED = (
    "by their place in memory",
    "single memory location",
    "last dimension with stride 1",
    "negative bit set",
)


@each_runner
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_an_argument_of_any_layout_gives_what_eager_gives_or_is_refused(layout, change, runner) -> None:
    image = Input(min_shape=(1, 3, 2, 4), opt_shape=(4, 3, 2, 4), max_shape=(6, 3, 2, 4), name="x")
    program = tracejet.trace(Lambda(change), arg_inputs=[image])
    try:
        run = runner(program)
    except tracejet.UnsupportedOperator:  # complex numbers and bits, on some engines
        pytest.skip("the engine refuses the operator")
    compared = False
    for size in (4, 2, 6):
        theirs, ours = (layout(torch.arange(24.0 * size).reshape(size, 3, 2, 4)) for _ in range(2))
        with torch.no_grad():
            try:
                expected = change(theirs)
            except RuntimeError:  # a view of what can't be viewed: the program may be kinder
                continue
            try:
                result = run(ours)
            except (tracejet.InvalidInput, RuntimeError) as refusal:
                if not any(reason in str(refusal) for reason in REFUSED):
                    raise
                continue
        assert_equal(expected, result)
        assert_equal(theirs.detach(), ours.detach())
        compared = True
    if not compared:
        pytest.skip("no argument of this layout is taken")


def test_a_layout_that_the_program_counts_on_is_refused_when_called() -> None:
    program = tracejet.trace(Lambda(lambda x: x.as_strided((2, 3), (3, 1))), arg_inputs=[torch.ones(2, 3)])
    for runner in RUNNERS.values():
        run = runner(program)
        x = torch.arange(6.0)
        assert_equal(x.view(2, 3), run(x.view(2, 3)))
        with pytest.raises(tracejet.InvalidInput, match="by their place in memory"):
            run(x.view(3, 2).t())
