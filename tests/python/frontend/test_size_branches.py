"""Branches on sizes: those that only 0 and 1 take, and those that make no difference."""

import warnings

import pytest
import torch
from torch import nn

import tracejet
from tests.support.guards import diagnose, dynamic, runners, trace

# ---- sizes 0 and 1 -------------------------------------------------------------------------------------------------


def small(low, opt=1, high=16):
    return dynamic((low, 4), (opt, 4), (high, 4), name="x")


def test_a_branch_that_only_size_one_takes_is_a_problem():
    def forward(x):
        return x * 3 if x.shape[0] == 1 else x * 2

    report = diagnose(forward, small(1, opt=4))
    (problem,) = report.problems
    assert problem.kind == "size_branch" and "2 to 16" in problem.fix
    args, _ = report.suggested_inputs()
    program = trace(forward, *args)
    assert torch.equal(program.module()(torch.ones(5, 4)), torch.full((5, 4), 2.0))
    with pytest.raises(tracejet.ConstraintViolation, match="another way"):
        trace(forward, small(1))
    assert trace(forward, small(2, opt=4))


def harmless(x):
    if x.shape[0] == 1:
        x = x.expand(1, 4)
    if x.shape[0] > 1:
        x = x.reshape(x.shape[0], 2, 2).flatten(1)
    return x * x.shape[0]


def refuses_empty(x):
    assert x.shape[0] > 0, "no rows"
    return x - 1


@pytest.mark.parametrize("function", [harmless, refuses_empty, lambda x: x.sum(0) / max(x.shape[0], 1) ** 2])
@pytest.mark.parametrize("low", [0, 1])
def test_a_branch_that_makes_no_difference_is_harmless(function, low):
    program = trace(function, small(low))
    for size in (0, 1, 2, 16) if low == 0 and function is not refuses_empty else (1, 2, 16):
        x = torch.randn(size, 4)
        torch.testing.assert_close(program.module()(x), function(x))


def test_branches_on_two_sizes_are_looked_at_together():
    def forward(x, y):
        return x * 3 if x.shape[0] == 1 and y.shape[0] == 1 else x * 2

    inputs = dynamic((1, 4), (4, 4), (8, 4), name="x"), dynamic((1,), (4,), (8,), name="y")
    assert [problem.kind for problem in diagnose(forward, *inputs).problems] == ["size_branch"] * 1


@pytest.mark.parametrize("opt", [1, 0])
def test_an_axis_whose_opt_is_small_stays_dynamic_and_right(opt):
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
    program = tracejet.trace(model, arg_inputs=[small(0, opt=opt)])
    for run in runners(program):
        for size in (0, 1, 2, 16):
            x = torch.randn(size, 4)
            torch.testing.assert_close(run(x), model(x), rtol=1e-4, atol=1e-5)


# ---- branches that make no difference ------------------------------------------------------------------------------


def padded(x, multiple=8):
    """Sums within blocks, over rows padded to a multiple of the block."""
    rows = x.shape[0]
    padding = (multiple - rows % multiple) % multiple
    blocks = nn.functional.pad(x, (0, 0, 0, padding)).reshape(-1, multiple, 4).cumsum(1)
    y = blocks.reshape(rows + padding, 4)
    return y[:rows] if padding > 0 else y


def padded_if_need_be(x):
    padding = -x.shape[0] % 4
    if padding:
        x = nn.functional.pad(x, (0, 0, 0, padding))
    return x * 2


def cropped(x):
    if x.shape[0] > 5:
        x = x[:5]
    return x + 1


def warned_of(x):
    if x.shape[0] == 7:
        warnings.warn("seven is unusual", stacklevel=2)
    if x.shape[0] > 9:
        warnings.warn("so is ten", stacklevel=2)
    return x + x.shape[0]


LOSSES = {
    "mse": lambda x: nn.functional.mse_loss(x[:-1], x[:1]),
    "l1": lambda x: nn.functional.l1_loss(x[:-1], torch.ones(4)),
    "huber": lambda x: nn.functional.huber_loss(x[-2:][:-1], x),
    "smooth": lambda x: nn.functional.smooth_l1_loss(x, x[-2:][:-1]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("opt", [4, 5, 8, 12])
@pytest.mark.parametrize(
    "function",
    [padded, padded_if_need_be, cropped, warned_of, *LOSSES.values()],
    ids=["padded", "padded if need be", "cropped", "warned of", *LOSSES],
)
def test_a_branch_of_which_one_way_serves_all_sizes_is_no_guard(function, opt):
    program = trace(function, small(2, opt=opt))
    assert not [node for node in program.graph.nodes if "_assert_scalar" in str(node.target)]
    for size in range(2, 17):
        x = torch.randn(size, 4)
        torch.testing.assert_close(program.module()(x), function(x))


def two_branches(x, y):
    """Each branch alone makes no difference, as long as the other isn't taken."""
    long = x.shape[0] > 5
    if y.shape[0] > 5 and long:
        return x * 2
    return x * 1


def other_remainder(x):
    return x * 2 if x.shape[0] % 3 == 1 else x[: x.shape[0] // 3 * 3]


@pytest.mark.parametrize("opt", [4, 6, 7])
@pytest.mark.parametrize("function", [two_branches, other_remainder, lambda x: padded(x) * (1 + (x.shape[0] % 8 > 0))])
def test_a_branch_that_makes_a_difference_stays_one(function, opt):
    inputs = [small(2, opt=opt), dynamic((2,), (opt,), (16,), name="y")][: function.__code__.co_argcount]
    violation = None
    try:
        program = trace(function, *inputs)
    except tracejet.ConstraintViolation as error:
        violation = str(error)
    if violation is not None:
        assert "test_size_branches.py" in violation
        return
    for size in range(2, 17):
        x = [torch.randn(size, 4), torch.randn(18 - size)][: len(inputs)]
        refusal = None
        try:
            result = program.module()(*x)
        except RuntimeError as error:
            refusal = error
        if refusal is None:
            torch.testing.assert_close(result, function(*x))
        else:
            assert "doesn't hold" in str(refusal)
