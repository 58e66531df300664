"""What a trace assumes of sizes: proven, asserted in the program, or a violation; and the report of it all."""

import json
import math
import operator
import random

import pytest
import torch
from torch import nn

import tracejet
from tests.support.guards import diagnose, dynamic, runners, trace


def square(name="x", low=2, opt=8, high=64):
    """An input of two dynamic axes."""
    return dynamic((low, low), (opt, opt), (high, high), name=name)


# ---- the three classes ---------------------------------------------------------------------------------------------

SPECIALISING = {
    "index method": lambda x: x * operator.index(x.shape[0]),
    "length hint": lambda x: x * operator.length_hint(x),
    "range": lambda x: sum((x[i] for i in range(x.shape[0])), start=x[0]),
    "iteration": lambda x: torch.stack([row * 2 for row in x]),
    "math": lambda x: x * math.factorial(x.shape[0]),
    "equality": lambda x: x * 2 if x.shape[0] == 8 else x,
    "index": lambda x: x * [1, 2, 3, 4, 5, 6, 7, 8, 9][x.shape[0]],
}


@pytest.mark.parametrize("name", SPECIALISING)
def test_a_size_that_becomes_a_number_is_a_violation(name):
    x = square()
    report = diagnose(SPECIALISING[name], x)
    (problem,) = report.problems
    assert problem.kind == "fixed_size" and problem.axes == ("x[0]",)
    assert problem.lines[0].file == __file__ and problem.lines[0].module_type.endswith("Function")
    args, kwargs = report.suggested_inputs()
    assert args[0].min_shape == (8, 2) and args[0].max_shape == (8, 64) and kwargs == {}
    trace(SPECIALISING[name], *args)
    with pytest.raises(tracejet.ConstraintViolation, match=r"x\[0\], declared as 2 to 64, must be 8") as error:
        trace(SPECIALISING[name], x)
    assert error.value.report.problems == report.problems


def test_equal_sizes_are_joined():
    def add(x, y):
        return x + y

    x, y = square("x"), square("y", low=4)
    report = diagnose(add, x, y)
    assert [problem.kind for problem in report.problems] == ["equal_sizes", "equal_sizes"]
    assert "shared_dims" in str(report)
    args, _ = report.suggested_inputs()
    program = trace(add, *args)
    a, b = torch.randn(5, 9), torch.randn(5, 9)
    torch.testing.assert_close(program.module()(a, b), a + b)
    assert args[0].min_shape == args[1].min_shape == (4, 4)


@pytest.mark.parametrize(
    ("condition", "low", "high"),
    [
        (lambda s: 2 * s + 3 <= 40, 2, 18),
        (lambda s: s // 2 >= 4, 8, 64),
        (lambda s: s**0.5 < 5, 2, 24),
        (lambda s: s > 4 and 3 * s < 100, 5, 33),
        (lambda s: max(s, 6) == s, 6, 64),
    ],
)
def test_a_narrower_range_is_said_as_such(condition, low, high):
    def forward(x):
        return x * 2 if condition(x.shape[0]) else x * 3

    report = diagnose(forward, square())
    (problem,) = report.problems
    assert problem.kind == "narrower_range" and f"{low} to {high}" in problem.fix
    args, _ = report.suggested_inputs()
    assert (args[0].min_shape[0], args[0].max_shape[0]) == (low, high)
    program = trace(forward, *args)
    for size in (low, high):
        x = torch.randn(size, 3)
        assert torch.equal(program.module()(x), forward(x))


RELATIONS = {
    "divisible": (lambda x, y: x.view(-1, 4, x.shape[1]).sum(1), (12, 5), (13, 5)),
    "not divisible": (lambda x, y: x * 2 if x.shape[0] % 3 else x, (7, 5), (9, 5)),
    "less": (lambda x, y: x * 2 if x.shape[0] <= y.shape[0] else x, (7, 5), (9, 5)),
    "twice": (
        lambda x, y: x.view(-1, 2, y.shape[1]) + y.unsqueeze(1)[:1] if x.shape[1] == y.shape[1] * 2 else x,
        (8, 10),
        (8, 11),
    ),
}


@pytest.mark.parametrize("name", RELATIONS)
def test_a_relation_is_asserted_and_checked_by_every_runner(name):
    function, right, wrong = RELATIONS[name]
    x, y = square("x"), dynamic((2, 2), (8, 4), (64, 64), name="y")
    program = trace(function, x, y)
    assert any("_assert_scalar" in str(node.target) for node in program.graph.nodes)
    other = torch.randn(8, 5)
    for run in runners(program):
        torch.testing.assert_close(run(torch.ones(right), other), function(torch.ones(right), other))
        with pytest.raises(RuntimeError, match="relies on|to be of the form|takes 10 here"):
            run(torch.ones(wrong), other)


@pytest.mark.parametrize("name", RELATIONS)
def test_a_relation_is_a_violation_on_request(name):
    function, *_ = RELATIONS[name]
    x, y = square("x"), dynamic((2, 2), (8, 4), (64, 64), name="y")
    options = {"prefer_deferred_runtime_asserts_over_guards": False}
    with pytest.raises(tracejet.ConstraintViolation, match="must hold"):
        trace(function, x, y, **options)
    args, _ = diagnose(function, x, y, **options).suggested_inputs()
    trace(function, *args, **options)


@pytest.mark.parametrize("name", RELATIONS)
def test_a_program_with_assertions_goes_where_others_go(name, tmp_path):
    function, right, wrong = RELATIONS[name]
    program = trace(function, square("x"), dynamic((2, 2), (8, 4), (64, 64), name="y"))
    torch.export.save(program, tmp_path / "program.pt2")
    x, y = torch.randn(right), torch.randn(8, 5)
    for other in (torch.export.load(tmp_path / "program.pt2"), program.run_decompositions()):
        torch.testing.assert_close(other.module()(x, y), function(x, y))
        with pytest.raises(RuntimeError):
            other.module()(torch.ones(wrong), y)


def test_all_problems_are_found_in_one_run():
    class Inner(nn.Module):
        def forward(self, x):
            return x * operator.index(x.shape[0])

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def forward(self, x, y, z):
            rows = x.shape[0]
            scaled = self.inner(x)
            if z.shape[0] > 10:
                z = z * 2
            if z.shape[0] < 50:
                z = z * 2
            return scaled.sum() + (y + z).view(-1, 2).sum() + operator.index(rows)

    inputs = [dynamic((2,), (8,), (64,), name="x"), *(dynamic((2,), (16,), (64,), name=name) for name in "yz")]
    report = tracejet.diagnose(Model(), arg_inputs=inputs)
    kinds = [problem.kind for problem in report.problems]
    assert kinds == ["fixed_size", "narrower_range", "equal_sizes"]
    fixed, narrower, _ = report.problems
    assert [line.module_path for line in fixed.lines] == ["inner", ""]
    assert "11 to 49" in narrower.fix and len(narrower.lines) == 2
    assert {guard.verdict for guard in report.guards} >= {"asserted", "violation"}
    assert json.loads(json.dumps(report.to_json()))["problems"][1]["kind"] == "narrower_range"
    args, _ = report.suggested_inputs()
    assert tracejet.diagnose(Model(), arg_inputs=args).ok
    assert tracejet.trace(Model(), arg_inputs=args)


def test_a_report_without_problems_is_ok():
    report = diagnose(lambda x: torch.relu(x), square())
    assert report.ok and str(report) == "every size can vary as declared"
    x = square()
    args, _ = diagnose(lambda x: x * 2, x).suggested_inputs()
    assert args[0] is x


def test_an_error_that_ends_the_trace_is_reported_with_what_was_found_before():
    def forward(x):
        y = x * int(x.shape[0])
        if x.sum() > 0:
            return y
        return x

    report = diagnose(forward, square())
    assert [problem.kind for problem in report.problems] == ["fixed_size", "error"]
    assert isinstance(report.error, tracejet.DataDependent)


def test_suggestions_keep_the_structure_of_the_inputs():
    class Model(nn.Module):
        def forward(self, pair, *, options):
            x, (y, flag) = pair
            return x + y * options["scale"] if flag else x

    x, y = (dynamic((2,), (4,), (9,)) for _ in "xy")
    report = tracejet.diagnose(
        Model(), arg_inputs=[(x, [y, True])], kwarg_inputs={"options": {"scale": torch.ones(1), "name": "s"}}
    )
    args, kwargs = report.suggested_inputs()
    assert args[0][1][1] is True and kwargs["options"]["name"] == "s"
    program = tracejet.trace(Model(), arg_inputs=args, kwarg_inputs=kwargs)
    out = program.module()((torch.ones(3), [torch.ones(3), True]), options={"scale": torch.ones(1), "name": "s"})
    assert torch.equal(out, torch.full((3,), 2.0))


QUESTIONS = [
    lambda x, y: int(x.shape[0]),
    lambda x, y: len(y) + x.shape[1],
    lambda x, y: y.shape[1] <= 40,
    lambda x, y: 2 * x.shape[1] + 3 <= 60,
    lambda x, y: x.shape[0] == y.shape[0],
    lambda x, y: x.shape[1] == 2 * y.shape[1],
    lambda x, y: y.shape[0] % 4 == 0,
    lambda x, y: x.shape[0] == 1,
    lambda x, y: y.shape[1] > 1,
    lambda x, y: x.shape[0] * y.shape[1] > 30,
    lambda x, y: x.shape[0] > y.shape[1],
    lambda x, y: x.shape[1] // 3 == 5,
    lambda x, y: len(range(y.shape[1] // 4)),
    lambda x, y: y.shape[1] != 7,
]


@pytest.mark.parametrize("asserts", [True, False])
@pytest.mark.parametrize("seed", range(40))
def test_a_trace_with_the_suggested_inputs_succeeds_and_is_right(seed, asserts):
    choose = random.Random(seed)
    questions = choose.sample(QUESTIONS, choose.randint(1, 5))

    def forward(x, y):
        for factor, question in enumerate(questions, start=2):
            answer = question(x, y)
            if answer:
                x = x * factor
        return x.sum() + y.sum()

    sizes = [choose.choice([1, 2, 4, 8, 16]) for _ in range(4)]
    inputs = [
        dynamic((choose.choice([1, 2]), 1), tuple(pair), (64, 32), name=name)
        for name, pair in (("x", (max(2, sizes[0]), sizes[1])), ("y", (max(2, sizes[2]), sizes[3])))
    ]
    options = {"prefer_deferred_runtime_asserts_over_guards": asserts}
    args, _ = diagnose(forward, *inputs, **options).suggested_inputs()
    run = trace(forward, *args, **options).module()
    for mode in ("min", "opt", "max"):
        tensors = [spec.example_tensor(mode) for spec in args]
        try:
            out = run(*tensors)
        except (RuntimeError, AssertionError):  # PyTorch's own check of a range raises AssertionError
            assert asserts, "nothing is left to be checked"
        else:
            torch.testing.assert_close(out, forward(*tensors))
