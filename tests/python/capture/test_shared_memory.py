"""Tensors that share memory, within a model and among arguments: writes to one are seen in the others, or the call is
refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tests.support.runners import each_runner
from tracejet import _C, Input


class Sharing(nn.Module):
    """Runs `update(self, x)`; its buffers are what `make` gives."""

    def __init__(self, make: Callable[[], dict[str, torch.Tensor]], update: Callable[[Any, torch.Tensor], Any]):
        super().__init__()
        for name, tensor in make().items():
            if isinstance(tensor, nn.Parameter):
                self.register_parameter(name, tensor)
            else:
                self.register_buffer(name, tensor)
        self.update = update

    def forward(self, x: torch.Tensor) -> Any:
        return self.update(self, x)


def parts(shape: tuple[int, ...], **views: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], dict[str, Any]]:
    """Makes views of one tensor; what isn't among them has no name."""

    def make() -> dict[str, torch.Tensor]:
        whole = torch.arange(1.0, 1 + torch.Size(shape).numel()).view(shape)
        return {name: view(whole) for name, view in views.items()}

    return make


def parameter_and_view() -> dict[str, torch.Tensor]:
    weight = nn.Parameter(torch.arange(6.0).view(2, 3))
    return {"a": weight, "b": weight.detach()[1]}


def whole(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


LAYOUTS = {
    "a tail": parts((4,), a=whole, b=lambda t: t[2:]),
    "the view first": parts((4,), b=lambda t: t[2:], a=whole),
    "overlapping": parts((5,), a=lambda t: t[:3], b=lambda t: t[2:]),
    "overlapping rows": parts((5, 3), a=lambda t: t[:3], b=lambda t: t[2:]),
    "three in a chain": parts((7,), a=lambda t: t[:3], b=lambda t: t[2:5], c=lambda t: t[4:]),
    "transposed": parts((2, 3), a=whole, b=lambda t: t.t()),
    "flat": parts((2, 3), a=whole, b=lambda t: t.view(-1)),
    "the same": parts((4,), a=whole, b=whole),
    "the same, another tensor": parts((4,), a=whole, b=lambda t: t.view(4)),
    "columns": parts((3, 4), a=whole, b=lambda t: t[:, 1:3]),
    "every other": parts((6,), a=whole, b=lambda t: t[1::2]),
    "a block, transposed": parts((4, 5), a=whole, b=lambda t: t[1:3, 2:4].t()),
    "of rank 3": parts((2, 3, 4), a=whole, b=lambda t: t[1, :, 2:]),
    "one element": parts((2, 3), a=whole, b=lambda t: t[1, 1]),
    "one element, of rank 2": parts((2, 3), a=whole, b=lambda t: t[1:, 1:2]),
    "a diagonal": parts((3, 3), a=whole, b=lambda t: t.diagonal()),
    "of a transposed one": parts((3, 4), a=lambda t: t.t(), b=lambda t: t[1:]),
    "side by side": parts((4,), a=lambda t: t[:2], b=lambda t: t[2:]),
    "interleaved": parts((6,), a=lambda t: t[::2], b=lambda t: t[1::2]),
    "a parameter and a view": parameter_and_view,
}

UPDATES = {
    "the first": lambda m, x: (m.a.add_(1), x + m.a.sum() + m.b.sum())[1],
    "the second": lambda m, x: (m.b.mul_(2), x + m.a.sum(), m.b + 0)[1:],
    "both": lambda m, x: (m.a.add_(1), m.b.mul_(2), m.a.sub_(m.b.sum()), x + m.a.sum(), m.b + 0)[3:],
    "read, then written": lambda m, x: ((m.b + x.sum()), m.a.add_(1), x * m.b.sum()),
    "a view kept before": lambda m, x: (t := m.b.detach(), m.a.mul_(3), t + x.sum())[2],
    "within": lambda m, x: (m.a.view(-1)[-1:].fill_(7), m.b + x.sum())[1] if m.a.is_contiguous() else m.b + x.sum(),
}


@each_runner
@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
@pytest.mark.parametrize("make", LAYOUTS.values(), ids=LAYOUTS)
def test_a_write_is_seen_in_all_that_show_its_memory(make, update, runner) -> None:
    model, eager = Sharing(make, update), Sharing(make, update)
    x = Input(min_shape=(1,), opt_shape=(3,), max_shape=(5,), name="x")
    with torch.no_grad():
        try:
            run = runner(tracejet.trace(model, arg_inputs=[x]))
        except tracejet.UnsupportedOperator as refusal:
            if "as_strided" not in str(refusal):
                raise
            pytest.skip("the engine refuses as_strided")
        for size in (3, 1, 5):
            x = torch.arange(float(size))
            assert_equal(eager(x), run(x))
            assert_equal(dict(eager.state_dict()), dict(model.state_dict()))


@each_runner
def test_an_attribute_that_views_a_buffer_is_written_with_it(runner) -> None:
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("cache", torch.zeros(4))
            self.recent = self.cache[2:]

        def forward(self, x):
            self.recent.add_(x)
            return self.cache * 2, self.recent + 1

    model, eager = Model(), Model()
    run = runner(tracejet.trace(model, arg_inputs=[torch.ones(2)]))
    for _ in range(3):
        assert_equal(eager(torch.ones(2)), run(torch.ones(2)))
        assert_equal(eager.cache, model.cache)


def test_what_nobody_writes_stays_two_inputs() -> None:
    model = Sharing(LAYOUTS["columns"], lambda m, x: x + m.a.sum() + m.b.sum())
    program = tracejet.trace(model, arg_inputs=[torch.ones(2)])
    used = [node.name for node in program.graph.find_nodes(op="placeholder") if node.users]
    assert used == ["b_a", "b_b", "x"]


BOUND_ANEW = {
    "read as another": lambda m, x: (setattr(m, "a", m.a + 1), x + m.b.sum())[1],
    "not read": lambda m, x: (setattr(m, "a", m.a + 1), x)[1],
}


@pytest.mark.parametrize("update", BOUND_ANEW.values(), ids=BOUND_ANEW)
@pytest.mark.parametrize("layout", ["a tail", "the same", "transposed"])
def test_a_buffer_bound_anew_while_another_shows_its_memory_is_refused(layout, update) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="memory"):
        tracejet.trace(Sharing(LAYOUTS[layout], update), arg_inputs=[torch.ones(2)])


# ---- Arguments ------------------------------------------------------------------------------------------------------

APART = {
    "tensors of their own": lambda t: (t[:3], t[3:].clone()),
    "halves": lambda t: (t[:3], t[3:]),
    "columns": lambda t: (t.view(3, 2)[:, 0], t.view(3, 2)[:, 1]),
    "strided rows": lambda t: (t[::2], t[1::2]),
}
TOGETHER = {
    "the same": lambda t: (t[:3], t[:3]),
    "another view of the same": lambda t: (t[:3], t[:3].view(3)),
    "overlapping": lambda t: (t[:3], t[2:5]),
    "reversed order": lambda t: (t[2:5], t[:3]),
    "a row and a column": lambda t: (t.view(3, 2)[:, 0], t[:3]),
}
WRITES = {"the first": lambda x, y: (x.add_(1), y * 2)[1], "the second": lambda x, y: (y.mul_(2), x + 1)[1]}


@each_runner
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("arguments", APART.values(), ids=APART)
def test_arguments_side_by_side_are_written_like_in_eager(arguments, write, runner) -> None:
    run = runner(tracejet.trace(Lambda(write), arg_inputs=[torch.ones(3), torch.ones(3)]))
    ours, theirs = torch.arange(6.0), torch.arange(6.0)
    assert_equal(write(*arguments(theirs)), run(*arguments(ours)))
    assert_equal(theirs, ours)


@each_runner
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("arguments", TOGETHER.values(), ids=TOGETHER)
def test_arguments_that_share_what_is_written_are_refused(arguments, write, runner) -> None:
    run = runner(tracejet.trace(Lambda(write), arg_inputs=[torch.ones(3), torch.ones(3)]))
    data = torch.arange(6.0)
    with pytest.raises(tracejet.InvalidInput, match="shares memory with"):
        run(*arguments(data))
    assert_equal(torch.arange(6.0), data)


@each_runner
def test_one_tensor_may_be_two_arguments_where_nothing_is_written(runner) -> None:
    run = runner(tracejet.trace(Lambda(lambda x, y: x + y), arg_inputs=[torch.ones(3), torch.ones(3)]))
    assert_equal(torch.full((3,), 4.0), run(*(torch.full((3,), 2.0),) * 2))


@each_runner
def test_an_argument_that_shows_written_state_is_refused(runner) -> None:
    model = Sharing(parts((4,), a=whole), lambda m, x: (m.a.add_(1), x * 2)[1])
    run = runner(tracejet.trace(model, arg_inputs=[torch.ones(4)]))
    with pytest.raises(tracejet.InvalidInput, match="shares memory with a"):
        run(model.a)
    assert_equal(torch.full((4,), 2.0), run(torch.ones(4)))


@each_runner
def test_a_written_argument_that_shows_a_weight_is_refused(runner) -> None:
    linear = nn.Linear(3, 3)
    run = runner(tracejet.trace(Lambda(lambda x: (x.add_(1), linear(x))[1], linear=linear), arg_inputs=[torch.ones(3)]))
    with pytest.raises(tracejet.InvalidInput, match="shares memory with"):
        run(linear.weight.detach()[0])


@each_runner
def test_results_keep_their_values_when_state_and_arguments_change(runner) -> None:
    model = Sharing(parts((4,), a=whole), lambda m, x: (m.a.add_(x), m.a * 1, x + 0))
    run = runner(tracejet.trace(model, arg_inputs=[torch.ones(4)]))
    x = torch.ones(4)
    first = run(x)
    kept = [copy.deepcopy(tensor) for tensor in first[1:]]
    x.zero_()
    run(torch.full((4,), 5.0))
    assert_equal(kept, list(first[1:]))


# ---- Runners side by side -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [LAYOUTS["a tail"], LAYOUTS["overlapping"], LAYOUTS["a parameter and a view"]])
def test_each_runner_of_a_program_has_its_own_state(make) -> None:
    update = UPDATES["both"]
    model = Sharing(make, update)
    program = tracejet.trace(model, arg_inputs=[torch.ones(3)])
    with torch.no_grad():
        first = program.module()
        first(torch.ones(3))
        others = [program.module(), *(tracejet.compile(program, engine=engine) for engine in ("aten", "openvino"))]
        for run in others:
            eager = Sharing(make, update)
            for _ in range(3):
                assert_equal(eager(torch.ones(3)), run(torch.ones(3)))
        eager = Sharing(make, update)
        eager(torch.ones(3))
    assert_equal(dict(eager.state_dict()), dict(model.state_dict()))


def test_overlap_is_exact() -> None:
    """Against the places themselves."""
    generator = torch.Generator().manual_seed(0)

    def draw(limit: int) -> int:
        return int(torch.randint(limit, (), generator=generator))

    places = torch.arange(4000)
    for _ in range(500):
        views = []
        for _ in range(2):
            sizes = [1 + draw(4) for _ in range(1 + draw(3))]
            views.append(places.as_strided(sizes, [draw(30) for _ in sizes], draw(40)))
        a, b = views
        expected = bool(set(a.reshape(-1).tolist()) & set(b.reshape(-1).tolist()))
        assert _C.memory_overlaps(a, b) == expected
