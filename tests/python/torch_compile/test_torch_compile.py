"""`torch.compile(model, backend="tracejet")`: gives what eager gives, at every size, and writes what eager writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch._dynamo
import torch.nn.functional as F
from torch import nn

import tracejet
from tests.support.torch_compile import Cache, assert_same, batches, compiled_like_eager, rand
from tracejet.dynamo import Backend

# ---- sizes ---------------------------------------------------------------------------------------------------------


def test_sizes_become_dynamic_as_torchdynamo_says() -> None:
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    report = compiled_like_eager(net, batches(3, 3, 5, 7, 9))
    assert (len(report.graphs), report.recompilations) == (2, 1)  # static first, then dynamic for good
    report = compiled_like_eager(net, batches(3, 5, 7, 2), dynamic=True)
    assert (len(report.graphs), report.recompilations) == (1, 0)
    assert "in [2, 65536]" in report.graphs[0].inputs[0]
    report = compiled_like_eager(net, batches(3, 5, 7), dynamic=False)
    assert (len(report.graphs), report.recompilations) == (3, 2)


def test_the_range_of_mark_dynamic_is_that_of_the_program() -> None:
    backend, net = Backend(), nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval()
    compiled = torch.compile(net, backend=backend)
    with torch.no_grad():
        for size in (4, 2, 16):
            x = rand(size, 4)
            torch._dynamo.mark_dynamic(x, 0, min=2, max=16)
            assert_same(compiled(x), net(x))
    (graph,) = backend.report().graphs
    assert "in [2, 16]" in graph.inputs[0]


def test_sizes_that_depend_on_each_other_have_ranges_that_agree() -> None:
    def halves(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, x]) + y

    report = compiled_like_eager(halves, [(rand(n, 3), rand(2 * n, 3)) for n in (4, 6, 3)], dynamic=True)
    assert len(report.graphs) == 1


def test_sizes_beyond_what_was_compiled_are_compiled_again() -> None:
    report = compiled_like_eager(lambda x: x + 1, [(rand(3),), (rand(70_000),), (rand(80_000),)], dynamic=True)
    assert report.recompilations == 1


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.view(-1, 2, 4) * 2,
        lambda x: torch.cat([x, x]).sum(0),
        lambda x: x + 1 if x.shape[0] > 4 else x - 1,
        lambda x: (x.shape[0] * 2, x.shape, x.sum()),
        lambda x: x.split(2),
        lambda x: torch.arange(x.shape[0]) + x[:, 0],
        lambda x: x.mean(0, keepdim=True).expand(x.shape[0], 4) - x,
    ],
)
@pytest.mark.parametrize("dynamic", [None, True, False])
def test_sizes_in_a_model_are_those_of_the_call(function: Callable[..., Any], dynamic: bool | None) -> None:
    compiled_like_eager(function, batches(4, 6, 2, 8, 10), dynamic=dynamic)


def test_empty_tensors_and_sizes_of_one() -> None:
    compiled_like_eager(lambda x: (x.sum(0), x * 2), batches(0, 1, 3, 0, 5))


@pytest.mark.parametrize("engine", [None, "aten"])
def test_numbers_of_the_caller(engine: str | None) -> None:
    compiled_like_eager(lambda x, n: (x * n, n + 1), [(rand(3), n) for n in (5, 7, -1, -2, 0, 1, 9)], engine=engine)
    compiled_like_eager(lambda x, n: torch.arange(n) + x[0], [(rand(3), n) for n in (5, 7, 9, 2)], engine=engine)
    compiled_like_eager(lambda x, scale: x * scale, [(rand(3), scale) for scale in (0.5, 0.25, 0.75)], engine=engine)
    compiled_like_eager(lambda x, negate: -x if negate else x + 1, [(rand(3), True), (rand(3), False)], engine=engine)


def test_numbers_of_modules_are_constants_when_everything_is_dynamic() -> None:
    report = compiled_like_eager(nn.Sequential(nn.LayerNorm(4), nn.BatchNorm1d(4)).eval(), batches(3, 5), dynamic=True)
    assert len(report.graphs) == 1 and len(report.graphs[0].inputs) == 1


# ---- memory --------------------------------------------------------------------------------------------------------


def write_and_view(x: torch.Tensor, y: torch.Tensor) -> Any:
    x.add_(y)
    return x, x.view(-1), y[0], x.t()


@pytest.mark.parametrize(
    "function",
    [
        write_and_view,
        lambda x, y: x.mul_(y),
        lambda x, y: (x.view(-1), x[1:], x.t(), y),
        lambda x, y: x.__setitem__(0, y[1]),
        lambda x, y: F.relu(x, inplace=True) + y,
    ],
)
def test_inputs_are_written_and_shown_as_in_eager(function: Callable[..., Any]) -> None:
    compiled_like_eager(function, [(rand(size, 4), rand(size, 4)) for size in (3, 5, 7)])


def test_views_share_memory_with_what_they_show() -> None:
    def views(x: torch.Tensor) -> Any:
        hidden = x @ x.t()
        return x[1:], hidden, hidden.t(), hidden[0], *hidden.chunk(2), hidden.sum()

    for size in (4, 6, 8):
        x = rand(size, 3)
        tail, hidden, transposed, first, top, bottom, total = torch.compile(views, backend="tracejet")(x)
        assert_same(views(x), (tail, hidden, transposed, first, top, bottom, total))
        hidden.fill_(3)
        assert all((view == 3).all() for view in (transposed, first, top, bottom)) and total != 3 * size * size
        tail.fill_(5)
        assert (x[1:] == 5).all()


def test_results_lie_in_memory_as_eagers_do() -> None:
    compiled_like_eager(
        lambda x: (x.permute(1, 2, 0) * 2, (x + 1).transpose(0, 2)), [(rand(2, 3, 4),), (rand(5, 3, 4),)]
    )
    image = rand(2, 3, 8, 8).to(memory_format=torch.channels_last)
    compiled_like_eager(nn.Conv2d(3, 4, 3), [(image,)])
    compiled_like_eager(lambda x: x + 1, [(rand(4, 1).expand(4, 5),), (rand(5, 4).t(),), (rand(6, 8)[:, ::2],)])


def test_inputs_that_share_memory_with_what_is_written_are_refused() -> None:
    x = rand(4)
    with pytest.raises(tracejet.InvalidInput, match="shares memory with"):
        torch.compile(lambda a, b: (a.add_(1), b * 2), backend="tracejet")(x, x[:])


class Recurrent(nn.Module):
    """Binds an attribute to a new tensor."""

    def __init__(self, is_buffer: bool) -> None:
        super().__init__()
        self.step = nn.Linear(4, 4)
        if is_buffer:
            self.register_buffer("state", torch.zeros(4))
        else:
            self.state = torch.zeros(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.state = torch.tanh(self.step(x) + self.state)
        return self.state * 2


def test_state_of_the_model_is_written() -> None:
    report = compiled_like_eager(Cache().eval(), [(rand(1, 4), torch.tensor([i])) for i in range(4)])
    assert [graph.rebuilds for graph in report.graphs] == [0]
    compiled_like_eager(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).train(), batches(3, 5, 7), dynamic=True)


@pytest.mark.parametrize("is_buffer", [True, False])
def test_state_that_is_bound_anew_is_no_reason_to_build_each_time(is_buffer: bool) -> None:
    report = compiled_like_eager(Recurrent(is_buffer).eval(), [(rand(4),)] * 8)
    assert sum(graph.rebuilds for graph in report.graphs) <= 3
