"""Control flow on data: recorded with all its branches, exported, and run by the interpreter, as eager runs it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch._higher_order_ops import map as map_slices
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop
from torch.utils import _pytree as pytree

import tracejet
from testing.compare import assert_equal
from tracejet import Input

INPUT = Input(min_shape=(2, 4), opt_shape=(3, 4), max_shape=(8, 4), name="x")


class Model(nn.Module):
    """A parameter, a buffer, and a function of both."""

    def __init__(self, function: Callable[[Model, torch.Tensor], Any]):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("weights", torch.arange(4.0))
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self, x)


def positive(x: torch.Tensor) -> torch.Tensor:
    return x.sum() > 0


def nested(model: Model, x: torch.Tensor) -> torch.Tensor:
    def inner(y: torch.Tensor) -> torch.Tensor:
        return torch.cond(y.max() > 1, lambda z: z + x, lambda z: model.linear(z), (y,))

    return torch.cond(positive(x), inner, lambda y: y * 2, (x,))


def written_inside(model: Model, x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[:, 0] = 7  # not yet applied when the branches read it
    return torch.cond(positive(x), lambda z: z.clone().add_(y), lambda z: z * y, (x,))


def loop(model: Model, x: torch.Tensor) -> Any:
    start = torch.zeros((), dtype=torch.int64)
    return while_loop(lambda i, y: i < x.shape[0], lambda i, y: (i + 1, model.linear(y)), (start, x))


CASES: dict[str, Callable[[Model, torch.Tensor], Any]] = {
    "cond": lambda model, x: torch.cond(positive(x), lambda y: y.sin(), lambda y: y.cos() - 1, (x,)),
    "cond with what its branches close over": lambda model, x: torch.cond(
        positive(x), lambda y: model.linear(y) + x.shape[0], lambda y: y * model.weights - x.mean(), (x,)
    ),
    "cond of a dict": lambda model, x: torch.cond(
        positive(x), lambda y: {"a": y + 1, "b": (y * 2,)}, lambda y: {"a": y - 1, "b": (y * 3,)}, (x,)
    ),
    "cond with nested operands": lambda model, x: torch.cond(
        positive(x),
        lambda given, scale: given["a"] * scale + given["b"][0],
        lambda given, scale: given["a"] - given["b"][1] * scale,
        ({"a": x, "b": [x.sin(), x.cos()]}, x.abs()),
    ),
    "cond with results of different sizes": lambda model, x: torch.cond(
        positive(x), lambda y: y[:1] * 1, lambda y: y * 2, (x,)
    ).sum(0),
    "cond with a data-dependent size in a branch": lambda model, x: torch.cond(
        positive(x), lambda y: y[y > 0.5].sum(), lambda y: y.sum(), (x,)
    ),
    "cond on a size": lambda model, x: torch.cond(x.shape[0] > 4, lambda y: y + 1, lambda y: y * 2, (x,)),
    "cond in cond": nested,
    "cond that reads what was written in place": written_inside,
    "while_loop": loop,
    "scan": lambda model, x: scan(lambda sum, y: (sum * 0.5 + y, sum + y), x[0] * 0, x),
    "scan in reverse": lambda model, x: scan(lambda sum, y: (sum * 0.5 + y, sum + y), x[0] * 0, x, reverse=True),
    "scan along another axis": lambda model, x: scan(
        lambda sum, y: (sum * 0.5 + y, {"y": sum + y + x.shape[0]}), x[:, 0] * 0, x, dim=1
    ),
    "cond of integers": lambda model, x: torch.cond(positive(x), lambda y: (y + 1, 1), lambda y: (y * 2, 2), (x,)),
    "while_loop that counts": lambda model, x: while_loop(
        lambda i, y: i < 3, lambda i, y: (i + 1, y * model.weights + i), (0, x)
    ),
    "map": lambda model, x: map_slices(lambda row, y: model.linear(row) + y.sum(), x, x + 1),
    "map of a tuple": lambda model, x: map_slices(
        lambda rows: {"u": rows[0].sin(), "v": rows[1].view(2, 2) + 1}, (x, x + 1)
    ),
}


def saved_and_loaded(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    return torch.export.load(file)


@pytest.mark.parametrize("function", CASES.values(), ids=CASES)
def test_both_ways_are_right_at_every_size(function: Callable[[Model, torch.Tensor], Any]) -> None:
    model = Model(function).eval()
    program = tracejet.trace(model, arg_inputs=[INPUT])
    program._validate()
    runners = [
        program.module(),
        saved_and_loaded(program).module(),
        tracejet.compile(program, engine="aten"),
    ]
    for size in (2, 5, 8):
        for sign in (1, -1):
            x = torch.rand(size, 4) * sign
            expected = model(x)
            for runner in runners:
                assert_equal(expected, runner(x), None, f"size {size}, sign {sign}: ")


def test_a_subgraph_gets_symbolic_sizes_that_no_operand_has() -> None:
    def function(model: Model, x: torch.Tensor) -> torch.Tensor:
        size, mean = x.shape[0], x.mean(0)
        return torch.cond(positive(x), lambda y: y * size, lambda y: y / size, (mean,))

    model = Model(function)
    program = tracejet.trace(model, arg_inputs=[INPUT])
    (call,) = program.graph.find_nodes(op="call_function", target=torch.ops.higher_order.cond)
    assert len(call.args[3]) == 2
    for x in (torch.rand(7, 4), -torch.rand(5, 4)):
        torch.testing.assert_close(program.module()(x), model(x))
        torch.testing.assert_close(tracejet.compile(program, engine="aten")(x), model(x))


def test_what_a_loop_carries_may_change_its_strides() -> None:
    """TorchDynamo refuses that, so eager can't be asked."""

    def function(model: Model, x: torch.Tensor) -> Any:
        start = torch.zeros((), dtype=torch.int64)
        return while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, (y.T.contiguous() + i).T), (start, x[:, ::2]))

    program = tracejet.trace(Model(function), arg_inputs=[INPUT])
    x = torch.rand(5, 4)
    for runner in (program.module(), tracejet.compile(program, engine="aten")):
        count, result = runner(x)
        assert count == 3
        torch.testing.assert_close(result, x[:, ::2] + 3)


def test_associative_scan_is_a_node() -> None:
    class Scanning(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            (result,) = torch.ops.higher_order.associative_scan(lambda a, b: [a + b], [x], ())
            return result

    program = tracejet.trace(Scanning(), arg_inputs=[INPUT])
    program._validate()
    for x in (torch.rand(5, 4), torch.rand(8, 4)):
        torch.testing.assert_close(program.module()(x), x.cumsum(0))
        torch.testing.assert_close(tracejet.compile(program, engine="aten")(x), x.cumsum(0))


def test_a_known_predicate_leaves_one_branch() -> None:
    model = Model(lambda model, x: torch.cond(x.shape[0] < 100, lambda y: y + 1, lambda y: y * 2, (x,)))
    program = tracejet.trace(model, arg_inputs=[INPUT])
    assert [node.op for node in program._tracejet_graph.nodes] == ["aten::add.Tensor"]


def checked(x: torch.Tensor) -> torch.Tensor:
    torch._check(x.shape[0] > 5)
    return x.sum(0)


#: By what the branch demands of its four rows or more: the branch, and how many rows it takes.
DEMANDING: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], int]] = {
    "a view": (lambda x: x[:5].view(20).sum() + x[0], 5),
    "mirrors": (lambda x: nn.functional.pad(x.mT[None], (3, 3), mode="reflect").sum((0, 2)), 4),
    "equal sizes": (lambda x: x[:6] @ x[:4].new_ones(4, 4) + x.new_ones(6, 1), 6),
    "a check": (checked, 6),
}


@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize(("branch", "rows"), DEMANDING.values(), ids=DEMANDING)
def test_what_a_branch_demands_holds_in_that_branch_only(
    branch: Callable[[torch.Tensor], torch.Tensor], rows: int, saved: bool
) -> None:
    def otherwise(x: torch.Tensor) -> torch.Tensor:
        return branch(x.new_ones(7, 4)) * x.sum()

    model = Model(lambda model, x: torch.cond(positive(x), branch, otherwise, (x,)))
    declared = Input(min_shape=(2, 4), opt_shape=(7, 4), max_shape=(9, 4), name="x")
    program = tracejet.trace(model, arg_inputs=[declared])
    if saved:
        file = io.BytesIO()
        torch.export.save(program, file)
        file.seek(0)
        program = torch.export.load(file)
    for run in program.module(), tracejet.compile(program, engine="aten"):
        for count in 7, 2, 4, 5, 9:
            below = -torch.rand(count, 4)
            torch.testing.assert_close(run(below), otherwise(below))
            if count >= rows:
                torch.testing.assert_close(run(-below), branch(-below))
                continue
            with pytest.raises((tracejet.Error, RuntimeError), match="doesn't hold"):
                run(-below)


def test_the_parameters_of_a_branch_are_the_programs() -> None:
    program = tracejet.trace(Model(nested), arg_inputs=[INPUT])
    assert {"linear.weight", "linear.bias"} <= set(program.state_dict)
    assert not list(program.graph_module.true_graph_0.parameters())


def test_an_edited_subgraph_is_what_runs() -> None:
    program = tracejet.trace(Model(CASES["cond"]), arg_inputs=[INPUT])
    (node,) = program.graph_module.true_graph_0.graph.find_nodes(op="call_function", target=torch.ops.aten.sin.default)
    node.target = torch.ops.aten.neg.default
    assert program._tracejet_graph is None


def keep(model: Model, x: torch.Tensor) -> torch.Tensor:
    kept = []

    def branch(y: torch.Tensor) -> torch.Tensor:
        kept.append(y + 1)
        return y * 2

    result = torch.cond(positive(x), branch, lambda y: y * 3, (x,))
    return result + kept[0]


def counted_runs(model: Model, x: torch.Tensor) -> Any:
    runs: list[int] = []

    def body(y: torch.Tensor) -> tuple[torch.Tensor]:
        runs.append(1)
        return (y * 2 + len(runs),)

    return while_loop(lambda y: y.sum() < 9, body, (x,))


def moving_limit(model: Model, x: torch.Tensor) -> Any:
    limits = [9]

    def condition(y: torch.Tensor) -> torch.Tensor:
        limits.append(limits[-1] + 1)
        return y.sum() < limits[-1]

    return while_loop(condition, lambda y: (y * 2,), (x,))


def counted_slices(model: Model, x: torch.Tensor) -> Any:
    runs: list[int] = []

    def combine(carried: torch.Tensor, row: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        runs.append(1)
        return carried + row * len(runs), row.clone()

    return scan(combine, x[0] * 0, x)


REFUSED: dict[str, tuple[Callable[[Model, torch.Tensor], Any], type[Exception], str]] = {
    "writes to an operand": (
        lambda model, x: torch.cond(positive(x), lambda y: y.add_(1), lambda y: y * 2, (x,)),
        tracejet.UnsupportedOperator,
        "writes in place",
    ),
    "writes to a buffer": (
        lambda model, x: torch.cond(positive(x), lambda y: y + model.weights.add_(1), lambda y: y * 2, (x,)),
        tracejet.UnsupportedOperator,
        "writes in place",
    ),
    "keeps a tensor": (keep, tracejet.UnsupportedOperator, "inside of a branch"),
    "dtypes differ": (
        lambda model, x: torch.cond(positive(x), lambda y: y.double(), lambda y: y * 2, (x,)),
        tracejet.ShapeError,
        "must be alike",
    ),
    "numbers of results differ": (
        lambda model, x: torch.cond(positive(x), lambda y: (y + 1, y + 2), lambda y: (y * 2,), (x,)),
        tracejet.ShapeError,
        "gives 2 tensors, and the other 1",
    ),
    "trees of results differ": (
        lambda model, x: torch.cond(positive(x), lambda y: {"a": y + 1}, lambda y: {"b": y * 2}, (x,)),
        tracejet.InvalidInput,
        "must be alike",
    ),
    "the predicate has many elements": (
        lambda model, x: torch.ops.higher_order.cond((x > 0)[0], lambda y: y + 1, lambda y: y * 2, (x,)),
        tracejet.ShapeError,
        "boolean tensor of one element",
    ),
    "a loop grows": (
        lambda model, x: while_loop(lambda y: y.sum() < 9, lambda y: (torch.cat([y, y]),), (x,)),
        tracejet.ShapeError,
        "must be alike",
    ),
    "a loop counts its runs": (counted_runs, tracejet.UnsupportedOperator, "outlives a run"),
    "a condition changes itself": (moving_limit, tracejet.UnsupportedOperator, "outlives a run"),
    "a scan counts its slices": (counted_slices, tracejet.UnsupportedOperator, "outlives a run"),
    "another operator": (
        lambda model, x: torch.ops.higher_order.strict_mode(lambda y: y, (x,)),
        tracejet.UnsupportedOperator,
        "strict_mode",
    ),
}


@pytest.mark.parametrize(("function", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_right_is_refused(
    function: Callable[[Model, torch.Tensor], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        tracejet.trace(Model(function), arg_inputs=[INPUT])


def test_a_loop_may_leave_behind_what_nobody_reads() -> None:
    seen: list[torch.Size] = []

    def forward(model: Model, x: torch.Tensor) -> Any:
        def body(y: torch.Tensor) -> tuple[torch.Tensor]:
            seen.append(y.shape)
            return (y * 2,)

        return while_loop(lambda y: y.abs().sum() < 9, body, (x,))

    compiled = tracejet.compile(tracejet.trace(Model(forward), arg_inputs=[INPUT]), engine="aten")
    x = torch.full((5, 4), 0.1)
    assert_equal((x * 8,), compiled(x))
    assert seen


def test_openvino_says_that_it_has_no_control_flow() -> None:
    program = tracejet.trace(Model(CASES["cond"]), arg_inputs=[INPUT])
    with pytest.raises(tracejet.UnsupportedOperator, match="higher_order::cond"):
        tracejet.compile(program, engine="openvino")


def test_a_strict_trace_takes_the_branches_that_dynamo_captured() -> None:
    model = Model(CASES["cond with what its branches close over"])
    program = tracejet.trace(model, arg_inputs=[torch.rand(3, 4)], strict=True)
    for x in (torch.rand(3, 4), -torch.rand(3, 4)):
        assert_equal(model(x), program.module()(x), None, "")
    assert pytree.tree_leaves(program.graph_signature.user_inputs) == ["x"]
