"""Judges a random program on an engine: it gives what eager gives, at every size, or it is refused."""

from __future__ import annotations

import copy
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

import tracejet
from tests.support.outcomes import Different, Doubts, compare
from tests.support.random_programs import Axis, Program, random_program

#: What becomes of a program. "unclear": rounding decides, for eager gives something else in the other precision, or
#: gives what the engine gives where it is rounded otherwise. "excused": what differs follows from a known difference in
#: the table. "warned": the compiler said that this could happen.
VERDICTS = ("right", "refused", "unclear", "excused", "warned", "wrong", "failed", "crashed")
FAULTS = ("wrong", "failed", "crashed")
#: "split" is OpenVINO and PyTorch's kernels, with parts that are cut at random.
ENGINES = ("openvino", "aten", "onnxruntime", "split")
#: Those that take seconds for each program, and have to be named. PyTorch's kernels run what Inductor doesn't take.
SLOW_ENGINES = ("inductor",)
#: A refusal that only hands on what the engine says is a failure: nobody foresaw it.
ENGINES_WORDS = ("it says", "openvino failed", "is refused by OpenVINO when it compiles")
#: What eager says of reshape(0, -1): of an empty tensor the size that is left open can be any.
AMBIGUOUS = "because the unspecified dimension size -1 can be any value and is ambiguous"
#: What eager says of copies between views of one tensor, by their strides: a program reads values, not memory.
OVERLAP = "refer to a single memory location"
#: What eager says of a view of what an operator has copied at other sizes: where an axis is 1, `flatten` finds a view.
STRIDES = "view size is not compatible with input tensor's size and stride"
#: Which part of a program's operators OpenVINO doesn't get where it is split.
PART_REFUSED = 0.4


@dataclass
class Finding:
    seed: int
    engine: str
    verdict: str
    reason: str = ""
    text: str = ""
    operators: list[str] = field(default_factory=list)  #: of the traced program

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def program_of(seed: int, engine: str) -> Program:
    if engine in ("aten", "inductor"):
        return random_program(Random(seed), precisions=(torch.float64, torch.float32), converts=False)
    return random_program(Random(seed))


def judge(seed: int, engine: str) -> Finding:
    return judge_program(program_of(seed, engine), seed, engine)


def judge_program(program: Program, seed: int, engine: str, tries: int = 7) -> Finding:
    finding = Finding(seed, engine, "right", text=program.text)
    try:
        _judge(program, engine, tries, finding)
    except Different as different:
        finding.verdict, finding.reason = different.verdict, different.reason
    return finding


def text_of_what_runs_in_eager(seed: int, engine: str, tries: int = 7) -> str:
    """The program, once eager has made all of its calls."""
    program = program_of(seed, engine)
    for _, make in _calls(program, seed, tries):
        _outcome(program.model(), make())
    return program.text


def _judge(program: Program, engine: str, tries: int, finding: Finding) -> None:
    model, eager = program.model(), program.model()
    if engine == "onnxruntime":
        program.same = False  # nobody is there to refuse one tensor for two inputs of which one is written
    calls = _calls(program, finding.seed, tries)
    traced = _attempt("trace", lambda: tracejet.trace(model, arg_inputs=program.inputs()), program, calls)
    finding.operators = sorted({str(n.target) for n in traced.graph.nodes if n.op == "call_function"})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compiled = _attempt("compile", lambda: _compiled(traced, engine, finding.seed), program, calls)
    if failures := [str(w.message) for w in caught if w.category is tracejet.BuildWarning]:
        raise Different("failed", f"compile: {failures[0]}")
    warned = [str(w.message).splitlines()[0] for w in caught if w.category is tracejet.EngineWarning]
    asks = any("_assert_scalar" in str(node.target) for node in traced.graph.nodes)
    for sizes, make in calls:
        here = f"at {sizes}: "
        state = copy.deepcopy(dict(eager.named_buffers()))
        expected = _outcome(eager, make())
        # Nothing checks for ONNX Runtime what a program asks of sizes and data, or what it doesn't need.
        is_asked = engine == "onnxruntime" and (asks or isinstance(expected, Exception))
        got = _refusal(traced, model, make()) if is_asked else None
        if got is None:
            got = _outcome(compiled, make(), state=dict(model.named_buffers()))
        try:
            if isinstance(expected, Exception) or isinstance(got, Exception):
                _judge_errors(here, expected, got, make())
                _restore(state, eager, model)
            else:
                compare(here, expected, got, Doubts(program, traced, engine, make, state))
        except Different as different:
            if different.verdict == "wrong" and warned:
                raise Different("warned", f"{warned[0]}: {different.reason}") from None
            raise


def _refusal(
    traced: torch.export.ExportedProgram, model: nn.Module, args: tuple[torch.Tensor, ...]
) -> Exception | None:
    """What the program itself says of a call, where it refuses it. The model's buffers stay as they are."""
    state = copy.deepcopy(dict(model.named_buffers()))
    outcome = _outcome(tracejet.compile(traced, engine="aten", threads=torch.get_num_threads()), args, state)
    _restore(state, model)
    return outcome if isinstance(outcome, Exception) else None


def _is_the_engines(text: str) -> bool:
    return any(words in text for words in ENGINES_WORDS)


def _attempt(stage: str, do: Callable[[], Any], program: Program, calls: list[Any]) -> Any:
    try:
        return do()
    except tracejet.Error as refusal:
        text = str(refusal)
        verdict = "failed" if _is_the_engines(text) or not text.strip() else "refused"
        raise Different(verdict, f"{stage}: {type(refusal).__name__}: {text}") from None
    except Exception as error:
        # A valid file may ask for a kernel that ONNX Runtime has for other data types only.
        if stage == "compile" and "NOT_IMPLEMENTED" in str(error):
            raise Different("refused", f"{stage}: {error}") from None
        # PyTorch's own words are for what eager refuses, too.
        if stage == "trace" and _is_refused_by_eager(program, calls):
            raise Different("refused", f"{stage}: {error}") from None
        raise Different("failed", f"{stage}: {type(error).__name__}: {error}") from None


def _is_refused_by_eager(program: Program, calls: list[Any]) -> bool:
    """At some of the sizes: a trace asks about those that no call has, too, so each axis takes all of its sizes."""
    usual = {name: axis.opt for name, axis in program.axes.items()}
    sizes = [{**usual, name: n} for name, axis in program.axes.items() for n in range(axis.low, axis.high + 1)]
    others = [lambda s=s: program.arguments(s, 0, "plain") for s in sizes]
    makers = [make for _, make in calls] + others
    return any(isinstance(_outcome(program.model(), make()), Exception) for make in makers)


def _compiled(traced: torch.export.ExportedProgram, engine: str, seed: int) -> Callable[..., Any]:
    if engine == "split":
        targets = {n.target for n in traced.graph.nodes if isinstance(n.target, torch._ops.OpOverload)}
        names = sorted(str(target) for target in targets if "sym_" not in target.name())  # sizes have no nodes of ours
        refused = [name for name in names if Random(f"{seed} {name}").random() < PART_REFUSED]
        return tracejet.compile(traced, torch_executed_ops=refused, min_block_size=1, threads=torch.get_num_threads())
    if engine == "inductor":
        return tracejet.compile(traced, engine=["inductor"], min_block_size=2, threads=torch.get_num_threads())
    if engine != "onnxruntime":
        return tracejet.compile(traced, engine=engine, threads=torch.get_num_threads())
    from tests.support.onnx_runtime import OnnxProgram

    with tempfile.TemporaryDirectory() as folder:
        run = OnnxProgram(traced, str(Path(folder) / "model.onnx"))
    return lambda *args: pytree.tree_unflatten(run(*args), traced.call_spec.out_spec)


def _calls(
    program: Program, seed: int, tries: int
) -> list[tuple[dict[str, int], Callable[[], tuple[torch.Tensor, ...]]]]:
    """Sizes, and what makes the arguments of these sizes, anew each time."""

    def call(number: int, sizes: dict[str, int]) -> Any:
        kind = program.values if number else "plain"
        same = program.same and number % 3 == 2
        return sizes, lambda: program.arguments(sizes, number, kind, laid_out=number % 2 == 1, same=same)

    sizes_to_try = _sizes_to_try(program.axes, tries, from_low=seed % 2 == 1)
    return [call(number, sizes) for number, sizes in enumerate(sizes_to_try)]


def _sizes_to_try(axes: dict[str, Axis], tries: int, from_low: bool) -> list[dict[str, int]]:
    """All axes at opt, min and max; each alone at its min; then any. `from_low`: the least sizes that aren't 0 come
    first, for engines make kernels for the first sizes that they meet."""
    rng = Random(0)
    chosen = [{name: getattr(axis, end) for name, axis in axes.items()} for end in ("opt", "low", "high")]
    if len(axes) > 1:
        chosen += [{**chosen[0], name: axis.low} for name, axis in axes.items()]
    if from_low:
        chosen.insert(0, {name: max(axis.low, 1) for name, axis in axes.items()})
    chosen += [{name: rng.randint(max(a.low, 1), a.high) for name, a in axes.items()} for _ in range(tries)]
    return chosen[:tries]


def _outcome(
    model: Callable[..., Any], args: tuple[torch.Tensor, ...], state: dict[str, torch.Tensor] | None = None
) -> Any:
    """What a call gives and what it leaves in its arguments and buffers; the exception where it refuses them."""
    try:
        with torch.no_grad():
            output = model(*args)
    except Exception as error:
        return error
    if state is None and isinstance(model, nn.Module):
        state = dict(model.named_buffers())
    return pytree.tree_map(lambda x: x.clone() if isinstance(x, torch.Tensor) else x, (output, args, state))


def _restore(state: dict[str, torch.Tensor], *modules: nn.Module) -> None:
    for module in modules:
        for name, buffer in module.named_buffers():
            buffer.copy_(state[name])


def _judge_errors(here: str, expected: Any, got: Any, args: tuple[torch.Tensor, ...]) -> None:
    if isinstance(got, Exception):
        if isinstance(expected, Exception):
            return
        is_ours = isinstance(got, tracejet.Error) and not _is_the_engines(str(got))
        raise Different("refused" if is_ours else "failed", f"{here}call: {type(got).__name__}: {got}")
    # A program knows the sizes of an empty tensor that eager can't tell, and keeps no strides of arguments.
    has_ones = any(size == 1 for arg in args for size in arg.shape)
    is_eagers_own = any(words in str(expected) for words in (AMBIGUOUS, OVERLAP, *([STRIDES] if has_ones else [])))
    if not is_eagers_own and all(arg.is_contiguous() for arg in args):
        raise Different("wrong", f"{here}eager refuses it ({expected}), the program gives {got}"[:2000])
