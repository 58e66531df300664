"""torch.compile: graphs of a model, the weights that they read, and gradients, which they have none of."""

from __future__ import annotations

import runpy
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch._dynamo
import torch.nn.functional as F
from torch import nn

import tracejet
from tests.support.torch_compile import ROOT, Cache, Scaled, assert_same, batches, compiled_like_eager, rand
from tracejet.dynamo import Backend


def test_weights_that_change_are_seen() -> None:
    backend, model = Backend(), Scaled().eval()
    compiled, x = torch.compile(model, backend=backend), rand(2, 4)

    def check() -> None:
        assert_same(compiled(x), model(x))

    with torch.no_grad():
        check()
        check()
        assert backend.report().graphs[0].rebuilds == 0
        model.linear.weight.mul_(2)
        check()
        model.load_state_dict(Scaled().state_dict())
        check()
        model.linear.weight.data = rand(4, 4)
        check()
        model.linear.weight = nn.Parameter(rand(4, 4))
        check()
        for _ in range(8):  # from some time on they come with each call
            model.scale.add_(1)
            check()
    assert sum(graph.rebuilds for graph in backend.report().graphs) <= 8


def test_modules_that_share_code_have_programs_of_their_own() -> None:
    backend, layers = Backend(), [Scaled().eval() for _ in range(4)]
    compiled = [torch.compile(layer, backend=backend) for layer in layers]
    x = rand(2, 4)
    with torch.no_grad():
        for _ in range(2):
            ours = theirs = x
            for layer, expected in zip(compiled, layers, strict=True):
                ours, theirs = layer(ours), expected(theirs)
            assert_same(ours, theirs)
    report = backend.report()
    assert len(report.graphs) + sum(graph.rebuilds for graph in report.graphs) == 4


# ---- graphs --------------------------------------------------------------------------------------------------------


def test_a_graph_break_makes_several_graphs() -> None:
    def branching(x: torch.Tensor) -> torch.Tensor:
        y = x + 1
        return y * 2 if y.sum() > 0 else y * 3

    report = compiled_like_eager(branching, [(rand(3).abs(),), (-rand(3).abs() - 5,)])
    assert (len(report.graphs), report.recompilations, report.in_eager) == (3, 0, 0)
    assert "in branching" in str(report) and len(report.to_json()["graphs"]) == 3


@pytest.mark.parametrize(
    ("function", "call"),
    [
        (lambda x: (x + 1, None, 3, "text", True, 2.5), (rand(3),)),
        (lambda x: x, (rand(3),)),
        (lambda x: torch.ones(3), (rand(3),)),
        (lambda x, d: {"a": x + d["k"], "b": [x * 1, (x - 1,)]}, (rand(3), {"k": rand(3)})),
        (
            lambda a, b, c, d: (a + 1, b + 1, ~c, d * 2, a.half()),
            (rand(3), torch.arange(3), rand(3) > 0, rand(3).half()),
        ),
        (lambda x, i: x[i], (rand(5, 2), torch.tensor([3, 0]))),
    ],
)
def test_results_of_every_kind(function: Callable[..., Any], call: tuple[Any, ...]) -> None:
    compiled_like_eager(function, [call])


def test_sizes_that_depend_on_data_stay_in_the_graph() -> None:
    flags = {"capture_dynamic_output_shape_ops": True, "capture_scalar_outputs": True}
    with torch._dynamo.config.patch(**flags):
        report = compiled_like_eager(lambda x: (x[x > 0] * 2, x.nonzero().sum()), [(rand(9),), (rand(9),)])
    assert len(report.graphs) == 1


def test_a_model_called_by_several_threads_while_its_weights_change() -> None:
    model = Scaled().eval()
    compiled, x = torch.compile(model, backend="tracejet"), rand(2, 4)
    with torch.no_grad():
        compiled(x)
    wrong: list[Any] = []

    def call() -> None:
        with torch.no_grad():
            for _ in range(5):
                if compiled(x).shape != (2, 4):
                    wrong.append(x)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    with torch.no_grad():
        for _ in range(5):
            model.scale.mul_(1.5)
            compiled(x)
    for thread in threads:
        thread.join()
    with torch.no_grad():
        assert not wrong
        assert_same(compiled(x), model(x))


def test_what_only_pytorch_computes() -> None:
    compiled_like_eager(lambda x: x * 2, [(rand(3).double(),), (rand(3, dtype=torch.complex64),)], engine="aten")
    compiled_like_eager(
        lambda x: torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,)),
        [(rand(3).abs(),), (-rand(3).abs(),)],
        engine="aten",
    )
    compiled = torch.compile(lambda x: F.dropout(x, 0.5, True), backend="tracejet", options={"engine": "aten"})
    torch.manual_seed(0)
    got = compiled(torch.ones(32))
    torch.manual_seed(0)
    assert_same(got, F.dropout(torch.ones(32), 0.5, True))


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_fast_paths_of_torch_nn_are_taken_apart(norm_first: bool, activation: str) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first, activation=activation).eval()
    report = compiled_like_eager(layer, [(rand(2, 7, 8),), (rand(3, 9, 8),)], dynamic=True)
    assert len(report.graphs) == 1
    causal = nn.Transformer.generate_square_subsequent_mask(7)
    padding = torch.tensor([[False] * 5 + [True] * 2, [False] * 7])
    compiled_like_eager(layer, [(rand(2, 7, 8), causal), (rand(2, 7, 8), None, padding)])
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = rand(2, 7, 8)
    compiled_like_eager(attention, [(x, x, x), (x, x, x, padding)])


def test_autocast_and_inference_mode() -> None:
    def inside(x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return x @ x

    compiled_like_eager(inside, [(rand(4, 4),)], tolerance=3e-2)
    model = Scaled().eval()
    compiled = torch.compile(model, backend="tracejet")
    with torch.inference_mode():
        for size in (2, 5, 7):
            x = rand(size, 4)
            assert_same(compiled(x), model(x))
        ours = Scaled().eval()  # its memory has no versions
        compiled = torch.compile(ours, backend="tracejet")
        assert_same(compiled(x), ours(x))
        ours.linear.weight.mul_(2)
        assert_same(compiled(x), ours(x))


def test_the_example_shows_two_graphs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples/torch_compile.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "2 graphs, 0 of them compiled again, 0 in eager" in shown and "1 rebuilt for other weights" in shown


# ---- training ------------------------------------------------------------------------------------------------------


def test_training_is_refused_with_what_to_do() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout()).train()
    with pytest.raises(Exception, match=r"compiles for inference.*torch\.no_grad\(\).*model\.eval\(\)"):
        torch.compile(model, backend="tracejet")(rand(2, 4))
    compiled = torch.compile(nn.Sequential(nn.Linear(4, 4)).train(), backend="tracejet")
    with torch.no_grad():
        compiled(rand(2, 4))


def test_results_say_that_they_need_a_gradient_and_have_none() -> None:
    model = Scaled().eval()
    compiled_like_eager(model, batches(2, 3), grad=True)
    result = torch.compile(model, backend="tracejet")(rand(2, 4))
    with pytest.raises(tracejet.UnsupportedOperator, match="has no gradients, and one was asked for"):
        result.sum().backward()


def test_state_that_would_need_a_gradient_is_refused() -> None:
    call = (rand(1, 4), torch.tensor([0]))
    with pytest.raises(Exception, match=r"needs a gradient to .*keys.*torch\.no_grad"):
        torch.compile(Cache().eval(), backend="tracejet")(*call)
    with torch.no_grad():
        torch.compile(Cache().eval(), backend="tracejet")(*call)
