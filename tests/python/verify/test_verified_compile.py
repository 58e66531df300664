"""`compile(verify=...)`: what engines get wrong is named, refused or left to PyTorch, before anybody uses it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.fx import GraphModule

import tracejet
from tests.support.lambda_module import Lambda, batch
from tests.support.python_engines import Everything, registered
from tests.support.small_models import Counter


class Faulty(Everything):
    """Takes every call and runs it as PyTorch does, except for what a test makes of aten.exp."""

    name = "faulty"

    def __init__(self, exp: Callable[[torch.Tensor], torch.Tensor] = torch.exp):
        self.exp = exp

    def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
        for node in program.graph.find_nodes(op="call_function", target=torch.ops.aten.exp.default):
            node.target = self.exp
        program.recompile()
        return program


class Mixed(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.tanh() + x
        z = y.exp() * 2
        return z.sigmoid() + y


def build(
    exp: Callable[[torch.Tensor], torch.Tensor], verify: str, model: nn.Module | None = None, **settings: Any
) -> Any:
    settings = {"engine": ["faulty"], "min_block_size": 1, **settings}
    with registered(Faulty(exp)):
        return tracejet.compile(model or Mixed(), arg_inputs=[batch(8)], verify=verify, **settings)


def assert_as_eager(compiled: Any, model: nn.Module) -> None:
    for rows in (1, 3, 9):
        x = torch.randn(rows, 8)
        torch.testing.assert_close(compiled(x), model(x))


def at_large_sizes(x: torch.Tensor) -> torch.Tensor:
    return x.exp() + (x.shape[0] > 4)


def raising(x: torch.Tensor) -> torch.Tensor:
    raise RuntimeError("out of beads")


def crashing(x: torch.Tensor) -> torch.Tensor:
    os.kill(os.getpid(), signal.SIGKILL)
    return x


def within_tolerance(x: torch.Tensor) -> torch.Tensor:
    return x.exp() * (1 + 2e-6)


WRONG = {"everywhere": torch.sin, "at large sizes": at_large_sizes, "it raises": raising}


@pytest.mark.parametrize("exp", WRONG.values(), ids=WRONG)
def test_repair_leaves_the_call_at_fault_to_pytorch(exp: Callable[[torch.Tensor], torch.Tensor]) -> None:
    with pytest.warns(tracejet.BuildWarning, match="verify: faulty, at ") as warned:
        compiled = build(exp, "repair")
    text = str(warned[0].message)
    assert "first in aten::exp" in text and "z = y.exp() * 2" in text and "The next engine runs 1 call instead" in text
    (call,) = compiled.report.fallbacks
    assert (call.operator, call.engine, call.line > 0) == ("aten::exp", "aten", True)
    assert text in compiled.report.notes
    assert [part.engine for part in compiled.report.parts] == ["faulty", "aten", "faulty"]
    assert_as_eager(compiled, Mixed())


@pytest.mark.parametrize("exp", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("engine", ["faulty", ["faulty"]])
def test_error_names_the_call_at_fault(exp: Callable[[torch.Tensor], torch.Tensor], engine: str | list[str]) -> None:
    with pytest.raises(tracejet.VerificationError, match="first in aten::exp") as caught:
        build(exp, "error", engine=engine)
    assert "z = y.exp() * 2" in str(caught.value)


def test_warn_says_so_and_changes_nothing() -> None:
    with pytest.warns(tracejet.BuildWarning, match=r"(?s)something else than eager's kernels.*first in aten::exp.*got"):
        compiled = build(torch.sin, "warn")
    assert [part.engine for part in compiled.report.parts] == ["faulty"]
    x = torch.ones(2, 8)
    assert not torch.allclose(compiled(x), Mixed()(x))


def test_a_size_at_which_it_is_right_is_not_named() -> None:
    def at_the_largest(x: torch.Tensor) -> torch.Tensor:
        return x.exp() + (x.shape[0] > 8)

    with pytest.raises(tracejet.VerificationError, match=r"faulty, at max \(") as caught:
        build(at_the_largest, "error")
    assert "expected" in str(caught.value)


def test_rounding_is_none() -> None:
    compiled = build(within_tolerance, "error")
    assert [part.engine for part in compiled.report.parts] == ["faulty"]
    assert not compiled.report.notes
    build(torch.exp, "error", engine="faulty")


def test_nothing_is_tried_by_default() -> None:
    with pytest.raises(RuntimeError, match="out of beads"):
        build(raising, "off")(torch.ones(2, 8))


def test_all_calls_at_fault_are_left_at_once() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        for _ in range(6):
            x = (x.exp() * 0.1).tanh()
        return x

    with registered(Faulty(torch.sin)), pytest.warns(tracejet.BuildWarning, match="runs 6 calls instead"):
        compiled = tracejet.compile(
            Lambda(forward), arg_inputs=[batch(8)], engine=["faulty"], verify="repair", min_block_size=1
        )
    assert len(compiled.report.fallbacks) == 6
    assert_as_eager(compiled, Lambda(forward))


def test_a_part_takes_what_eager_gives_and_is_not_blamed_for_another() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        return (x.exp().cos() + x).exp()

    with pytest.warns(tracejet.BuildWarning) as warned:
        compiled = build(torch.sin, "repair", Lambda(forward), torch_executed_ops=["aten.cos"])
    assert len([w for w in warned if "verify:" in str(w.message)]) == 2  # a finding for each part
    assert {call.operator for call in compiled.report.fallbacks} == {"aten::exp", "aten::cos"}
    assert_as_eager(compiled, Lambda(forward))


def test_a_crash_is_found_in_a_child_process() -> None:
    with pytest.warns(tracejet.BuildWarning, match="crashed with signal 9") as warned:
        compiled = build(crashing, "repair", verify_in_child_process=True)
    assert "first in aten::exp" in str(warned[0].message)
    assert [call.operator for call in compiled.report.fallbacks] == ["aten::exp"]
    assert_as_eager(compiled, Mixed())
    for engine in ("faulty", ["faulty"]):
        with pytest.raises(tracejet.VerificationError, match="crashed with signal 9"):
            build(crashing, "error", engine=engine, verify_in_child_process=True)
    with pytest.raises(tracejet.VerificationError, match="crashed with signal 9"):
        build(crashing, "warn", engine="faulty", verify_in_child_process=True)


def test_an_engine_that_ends_the_process_is_found_too() -> None:
    def leave(x: torch.Tensor) -> torch.Tensor:
        os._exit(3)

    with pytest.warns(tracejet.BuildWarning, match="ended the process with status 3"):
        compiled = build(leave, "repair", verify_in_child_process=True)
    assert_as_eager(compiled, Mixed())


def test_a_child_process_finds_nothing_where_nothing_is_wrong() -> None:
    compiled = build(torch.exp, "error", verify_in_child_process=True)
    assert not compiled.report.notes
    assert_as_eager(compiled, Mixed())


def test_buffers_and_random_numbers_are_as_before() -> None:
    class Exponential(Counter):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).exp()

    torch.manual_seed(3)
    before = torch.get_rng_state()
    with pytest.warns(tracejet.BuildWarning, match="first in aten::exp"):
        compiled = build(torch.sin, "repair", Exponential())
    assert torch.equal(torch.get_rng_state(), before)
    x = torch.zeros(2, 8)
    assert [float(compiled(x)[0, 0].log()) for _ in range(3)] == pytest.approx([1, 2, 3])


def test_programs_with_random_numbers_control_flow_and_sizes_of_data_are_right() -> None:
    def forward(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        chosen = torch.cond(x.sum() > 0, lambda x: x.tanh(), lambda x: x * x.shape[0], (x,))
        kept = x[x > 0]
        return chosen.cos(), kept * 2 + 1, torch.rand_like(x) * x.sin(), x.sum().item()

    for settings in ({}, {"torch_executed_ops": ["aten.cos", "aten.sin"]}):
        compiled = build(torch.exp, "error", Lambda(forward), **settings)
        assert not compiled.report.notes


@pytest.mark.parametrize("child", [False, True])
def test_the_engines_that_come_with_it_are_right(child: bool) -> None:
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 4), nn.Softmax(-1)).eval()
    compiled = tracejet.compile(model, arg_inputs=[batch(8)], verify="error", verify_in_child_process=child)
    assert compiled.report.engines == ("openvino",) and not compiled.report.notes
    assert compiled.settings.verify == "error"


def test_what_no_random_inputs_suit_is_said() -> None:
    class Refusing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            torch._assert_async((x > 1e6).all(), "too small")
            return x.exp()

    with pytest.warns(tracejet.BuildWarning, match="nothing was tried at min: no random inputs were found"):
        build(torch.exp, "error", Refusing())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"verify": "always"}, 'verify is "always"; choose "off", "warn", "error" or "repair"'),
        ({"verify": "repair", "engine": "openvino"}, r'write \["openvino"\] to split it'),
        ({"verify_in_child_process": True}, 'nothing is tried while verify is "off"'),
        ({"verify": "warn", "verify_in_child_process": 1}, "expected True or False"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(tracejet.InvalidInput, match=message):
        tracejet.compile(Mixed(), arg_inputs=[batch(8)], **settings)


def test_a_dry_run_says_that_it_tries_nothing() -> None:
    with pytest.warns(tracejet.BuildWarning, match="a dry run compiles nothing that could be verified"):
        build(torch.sin, "error", dryrun=True)


def test_torch_compile_takes_it_as_an_option() -> None:
    with registered(Faulty(torch.sin)):
        compiled = torch.compile(
            Mixed(), backend="tracejet", options={"engine": ["faulty"], "verify": "repair", "min_block_size": 1}
        )
        x = torch.randn(3, 8)
        with torch.no_grad(), pytest.warns(tracejet.BuildWarning, match="first in aten::exp"):
            torch.testing.assert_close(compiled(x), Mixed()(x))
