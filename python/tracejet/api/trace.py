"""`trace` and `diagnose`: what the user calls."""

from __future__ import annotations

import functools
import inspect
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeVar

import torch
from torch import nn

from tracejet import _C
from tracejet.api import session_program
from tracejet.api.decompositions import DecompositionTable
from tracejet.api.engine_report import report_on
from tracejet.api.relower import relowered
from tracejet.api.settings import options_of_call
from tracejet.api.start_session import start_session, verify_additional_inputs
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.binding import either_name
from tracejet.frontend.log import LOG
from tracejet.frontend.report import Report
from tracejet.frontend.session import Options, Session
from tracejet.patches.refcounted_patch import without_collections

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class _Call:
    """A call of `trace` or `diagnose`, its arguments checked."""

    model: nn.Module | torch.export.ExportedProgram
    session: Session | None  #: none for a program
    options: Options
    dynamic_shapes: Any
    validate: Literal["warn", "error"] | None
    engine: str | None

    def of_model(self) -> tuple[nn.Module, Session]:
        """What is traced, which a program isn't."""
        if self.session is None or isinstance(self.model, torch.export.ExportedProgram):
            raise _C.InvalidInput(
                "expected a torch.nn.Module, got an ExportedProgram, whose sizes are settled", _C.ErrorCode.NOT_A_MODULE
            )
        return self.model, self.session

    def refusal(self, graph: _C.Graph) -> _C.UnsupportedOperator | None:
        """What the engine has against the program, where that is an error; where it isn't, there is a warning."""
        report = None if self.validate is None else report_on(graph, self.engine)
        if report is None or report.ok:
            return None
        if self.validate == "warn":
            warnings.warn(str(report), stacklevel=4)
            return None
        error = _C.UnsupportedOperator(str(report))
        error.report = report  # type: ignore[attr-defined]
        return error


def _arguments(
    mod: nn.Module | torch.export.ExportedProgram,
    inputs: Sequence[Any] | None = None,
    *,
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
    strict: bool = False,
    device: torch.device | str | None = None,
    decompositions: str | DecompositionTable = "tensorrt",
    decompose_attention: bool = False,
    use_fp32_acc: bool = True,
    enable_experimental_decompositions: bool = False,
    prefer_deferred_runtime_asserts_over_guards: bool = True,
    validate: Literal["warn", "error"] | None = None,
    engine: str | None = None,
) -> _Call:
    """What `trace` and `diagnose` take."""
    if validate not in (None, "warn", "error"):
        raise _C.InvalidInput(
            f'validate: expected "warn", "error" or None, got {validate!r}', _C.ErrorCode.INVALID_SETTING
        )
    options = options_of_call(
        device,
        prefer_deferred_runtime_asserts_over_guards,
        decompositions,
        decompose_attention,
        use_fp32_acc,
        enable_experimental_decompositions,
    )
    if isinstance(mod, torch.export.ExportedProgram):
        if any(given is not None for given in (inputs, arg_inputs, kwarg_inputs, dynamic_shapes)) or strict:
            raise _C.InvalidInput(
                "a program knows its inputs; only a model is traced with others, or strictly",
                _C.ErrorCode.MODEL_ARGUMENTS,
            )
        return _Call(mod, None, options, dynamic_shapes, validate, engine)
    start = functools.partial(Session, mod, strict=strict, options=options)
    session = start_session(start, mod, either_name(inputs, arg_inputs), kwarg_inputs, dynamic_shapes, options.device)
    return _Call(mod, session, options, dynamic_shapes, validate, engine)


def _takes_these(
    arguments: Callable[_Parameters, Any],
) -> Callable[[Callable[..., _Result]], Callable[_Parameters, _Result]]:
    """Gives a function the parameters of another, for callers, type checkers and `help`."""

    def named(function: Callable[..., _Result]) -> Callable[_Parameters, _Result]:
        returned = inspect.signature(function).return_annotation
        signature = inspect.signature(arguments).replace(return_annotation=returned)

        @functools.wraps(function)
        def called(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{function.__name__}() {error}") from None
            # Collections would walk through the model and all that is made, again and again.
            with without_collections.held():
                return function(*args, **kwargs)

        called.__signature__ = signature  # type: ignore[attr-defined]
        return called

    return named


@_takes_these(_arguments)
def trace(*args: Any, **kwargs: Any) -> ExportedProgram:
    """Traces `mod` once and gives its program in Core ATen, the operators that engines lack already decomposed.

    Called as Torch-TensorRT's `dynamo.trace`; what the program means is what torch.export.export and
    `run_decompositions` make of the model.

    Args:
        mod: the model. Its weights are shared with the program, not copied; it is unchanged afterwards, also when
            the trace fails. Or a program (of `trace`, of `load`, of torch.export in any IR), which is lowered anew, for
            the inputs that it has.
        inputs, arg_inputs: what forward takes by position (two names of one argument): any pytree of Tensor (static),
            `Input` (its axes may be dynamic), numbers, strings, booleans and None.
        kwarg_inputs: what forward takes by keyword.
        dynamic_shapes: what varies, as torch.export.export takes it, instead of Inputs: by the names of forward's
            parameters, or in their order, or a ShapesCollection, or AdditionalInputs. The tensors' own sizes are the
            usual ones. The model decides the ranges of `Dim.AUTO` and `Dim.DYNAMIC`, of which the latter stay dynamic.
        strict: TorchDynamo captures the model first, and refuses Python code that it doesn't understand; it needs
            example data and takes far longer. What it captured is then traced as without `strict`.
        device: where the program is to run, by default where the model is. Parameters, buffers and inputs count as
            being there, whatever they are in fact; the device needn't exist here, and isn't touched where it does.
        decompositions: what is done with each operator while tracing: "tensorrt", "core_aten", "none", or a
            `DecompositionTable` that starts from one of these.
        decompose_attention: scaled_dot_product_attention and its backends are expanded, whatever `decompositions` says.
        use_fp32_acc: attention that is expanded computes 16-bit floats in float32 and rounds its result once, as
            PyTorch's kernels do. If not, it computes in the dtype of its inputs, which is Torch-TensorRT's default.
        enable_experimental_decompositions: Torch-TensorRT's name for `decompositions="core_aten"`.
        prefer_deferred_runtime_asserts_over_guards: what the trace relies on that ranges can't say (a size is a
            multiple of 8, or twice another) is checked when the program runs. If not, it is a ConstraintViolation.
        validate: what happens where `engine` can't run the whole program: "warn" warns of it, "error" raises
            UnsupportedOperator, whose `report` is what `check` gives. By default nobody asks the engine.
        engine: the one to validate for: see `check`.

    Returns:
        A `torch.export.ExportedProgram`. Its Python side (`graph_module`, `graph_signature`, ...) is made when
        somebody looks at it.

    Raises:
        InvalidInput: an argument doesn't fit forward, or an Input contradicts itself.
        ConstraintViolation: the model can't take every size that was declared. The message lists all problems with
            their lines and fixes; the exception's `report` is what `diagnose` gives.
        UnsupportedOperator, ShapeError, DataDependent: what the model does can't be captured; the message names the
            operator and the model's line.
    """
    call = _arguments(*args, **kwargs)
    if isinstance(call.model, torch.export.ExportedProgram):
        return _relowered(call.model, call)
    model, session = call.of_model()
    begin = time.perf_counter()
    session_program.run(session)
    refusal = call.refusal(session.graph)
    if refusal is not None:
        raise refusal
    milliseconds = (time.perf_counter() - begin) * 1e3
    LOG.info("traced %s in %.0f ms: %d nodes", type(model).__name__, milliseconds, len(session.graph))
    for operator, count in session.slow_calls.items():
        LOG.info("%s: %d calls were left to PyTorch's functions in Python, which are slow", operator, count)
    program = session_program.program_of(session, model)
    if isinstance(call.dynamic_shapes, torch.export.AdditionalInputs):
        verify_additional_inputs(call.dynamic_shapes, program)
    return program


def _relowered(program: torch.export.ExportedProgram, call: _Call) -> ExportedProgram:
    lowered = relowered(program, call.options)
    refusal = call.refusal(session_program.graph_of(lowered))
    if refusal is not None:
        raise refusal
    return lowered


@_takes_these(_arguments)
def diagnose(*args: Any, **kwargs: Any) -> Report:
    """Traces `mod` and reports everything that keeps the sizes of its inputs from varying as declared.

    Takes what `trace` takes, and raises only where that call itself is wrong. What ends the trace, and with
    `validate="error"` what the engine can't run, is a problem of the report like others; `report.suggested_inputs()`
    are inputs with which a trace succeeds.

    Returns:
        A `Report`: the problems, each with its axes, lines and fix, and every guard with what became of it.

    Raises:
        InvalidInput: `mod` isn't a model, an argument doesn't fit forward, or an Input contradicts itself.
    """
    call = _arguments(*args, **kwargs)
    _, session = call.of_model()
    try:
        session.run()
        is_violated = session.is_violated()
        report = session.report()
    except Exception as error:
        return session.report(error)
    refusal = None if is_violated else call.refusal(session.graph)
    return report if refusal is None else session.report(refusal)
