"""Calls that can't go right, whether one engine runs the program or several do: a clear error, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import nn
from torch.fx import GraphModule, Node

import tracejet
from tests.support.lambda_module import batch
from tests.support.python_engines import Everything, registered


class Counter(nn.Module):
    """Changes a buffer and an input, so that half a run would be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        self.count += 1
        seen.add_(x.exp().sum(0))
        return (x.tanh() * 2 + self.count).sigmoid()


class Moody(Everything):
    """Takes all but exp, and raises when it is told to."""

    name = "moody"
    raises: Exception | None = None

    def find_unsupported(self, program: GraphModule) -> Mapping[Node, str]:
        return {n: "isn't taken" for n in program.graph.nodes if n.target == torch.ops.aten.exp.default}

    def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
        def run(*inputs: torch.Tensor) -> Any:
            if self.raises is not None:
                raise self.raises
            return program(*inputs)

        return run


WAYS: dict[str, dict[str, Any]] = {
    "openvino": {"engine": "openvino"},
    "aten": {"engine": "aten"},
    "split": {"torch_executed_ops": ["aten.tanh"], "min_block_size": 1},
}


def compiled_counter(**settings: Any) -> Any:
    return tracejet.compile(Counter(), arg_inputs=[batch(8), torch.zeros(8)], **settings)


def assert_goes_on(compiled: Any, calls: int) -> None:
    """The next call is right, after so many that were."""
    x, seen = torch.randn(3, 8), torch.zeros(8)
    torch.testing.assert_close(compiled(x, seen), (x.tanh() * 2 + calls + 1).sigmoid())
    torch.testing.assert_close(seen, x.exp().sum(0))


BAD_CALLS: dict[str, tuple[Callable[[], torch.Tensor], str]] = {
    "too large": (lambda: torch.ones(10, 8), r"x: axis 0 is 10.*1.*9"),
    "too small": (lambda: torch.ones(0, 8), "x: axis 0 is 0"),
    "another size": (lambda: torch.ones(3, 7), "x: axis 1 is 7"),
    "another rank": (lambda: torch.ones(3, 8, 1), "x: .*rank|x: .*dimensions|x: .*axes"),
    "another dtype": (lambda: torch.ones(3, 8, dtype=torch.float64), "x: .*(float64|Double)"),
    "another device": (lambda: torch.ones(3, 8, device="meta"), "x: .*meta"),
    "sparse": (lambda: torch.ones(3, 8).to_sparse(), "x: a dense tensor is needed"),
}


@pytest.mark.parametrize(("make", "message"), BAD_CALLS.values(), ids=BAD_CALLS)
@pytest.mark.parametrize("settings", WAYS.values(), ids=WAYS)
def test_an_input_that_does_not_fit_is_named_and_changes_nothing(
    settings: dict[str, Any], make: Callable[[], torch.Tensor], message: str
) -> None:
    compiled = compiled_counter(**settings)
    assert_goes_on(compiled, 0)
    seen = torch.zeros(8)
    with pytest.raises(tracejet.InvalidInput, match=message):
        compiled(make(), seen)
    assert not seen.any()
    assert_goes_on(compiled, 1)


def test_what_is_no_tensor_is_named() -> None:
    compiled = compiled_counter()
    with pytest.raises(tracejet.InvalidInput, match="x: a tensor is needed, .* got 1.0"):
        compiled(1.0, torch.zeros(8))
    with pytest.raises(tracejet.InvalidInput, match=r"x: this program takes one tensor, got \[\*\]"):
        compiled([1.0], torch.zeros(8))
    assert_goes_on(compiled, 0)


@pytest.mark.parametrize("error", [RuntimeError("out of beads"), KeyboardInterrupt()], ids=["failure", "the user's"])
def test_an_engine_that_raises_while_it_runs_changes_nothing(error: BaseException) -> None:
    engine = Moody()
    with registered(engine):
        compiled = compiled_counter(engine=["moody"], min_block_size=1)
    assert {part.engine for part in compiled.report.parts} == {"moody", "aten"}
    assert_goes_on(compiled, 0)
    engine.raises = error  # type: ignore[assignment]
    seen = torch.zeros(8)
    with pytest.raises(type(error)) as caught:
        compiled(torch.ones(3, 8), seen)
    assert caught.value is error
    assert not seen.any()
    engine.raises = None
    assert_goes_on(compiled, 1)


class Pairs(nn.Module):
    """Counts its calls, and takes as much memory as the two sizes make."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return (x[:, None] - y[None, :]).exp().abs().sum() + self.calls


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("several", [False, True], ids=["whole", "split"])
def test_openvino_that_fails_while_it_runs_changes_nothing(several: bool, threads: int) -> None:
    vector = {"min_shape": (1,), "opt_shape": (4,), "max_shape": (2**22,)}
    inputs = [tracejet.Input(**vector, name=name) for name in ("x", "y")]
    settings = {"torch_executed_ops": ["aten.sum"], "min_block_size": 1} if several else {"engine": "openvino"}
    compiled = tracejet.compile(Pairs(), arg_inputs=inputs, threads=threads, **settings)
    x, y, large = torch.randn(3), torch.randn(5), torch.randn(2**21)

    def expected(calls: int) -> torch.Tensor:
        return (x[:, None] - y[None, :]).exp().abs().sum() + calls

    torch.testing.assert_close(compiled(x, y), expected(1))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="allocate.* 17592186044416 bytes") as caught:
            compiled(large, large)  # 16 TiB
        assert several or "x[:, None] - y[None, :]" in str(caught.value)
    torch.testing.assert_close(compiled(x, y), expected(2))


def test_what_was_compiled_outlives_its_engine_and_a_missing_one_is_named() -> None:
    with registered(Moody()):
        compiled = compiled_counter(engine=["moody"], min_block_size=1)
    assert_goes_on(compiled, 0)
    for engine in ("moody", ["moody"], ["openvino", "moody"]):
        with pytest.raises(tracejet.InvalidInput, match='no engine "moody": choose openvino'):
            compiled_counter(engine=engine)
    with pytest.raises(tracejet.InvalidInput, match='no engine "moody"'):
        tracejet.check(Counter(), engine="moody", arg_inputs=[batch(8), torch.zeros(8)])
