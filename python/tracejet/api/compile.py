"""`compile`: makes a program ready for an engine, and the module that runs it."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import nn
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet._C import CompileSettings, ErrorCode, GraphInput, GraphOutput, InvalidInput
from tracejet.api.call_arguments import check_fit, flat_arguments
from tracejet.api.compile_report import BuildWarning, CompileReport
from tracejet.api.compile_settings import settings_of, with_settings
from tracejet.api.engine_report import EngineWarning
from tracejet.api.kernel_profile import Profile, profile_of
from tracejet.api.native_call import native_call
from tracejet.api.native_program import native
from tracejet.api.profiles import call_in_profile, chosen_profile, is_any_chosen
from tracejet.api.session_program import graph_of
from tracejet.api.torch_compile import compile_later
from tracejet.engines.profiles import declared_profiles, profiles_in
from tracejet.export.exported_program import ExportedProgram
from tracejet.export.fx_writer import Writer
from tracejet.export.runner_state import written_memory
from tracejet.export.summary import inputs_text
from tracejet.frontend.binding import either_name
from tracejet.frontend.call_spec import IN_GRAPH, CallSpec
from tracejet.frontend.log import LOG


@with_settings
def compile(
    mod: nn.Module | torch.export.ExportedProgram,
    inputs: Sequence[Any] | None = None,
    *,
    ir: str = "dynamo",
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
    settings: CompileSettings | None = None,
    enabled_precisions: Collection[torch.dtype] | None = None,
    **keywords: Any,
) -> CompiledModule:
    """Compiles a program, or a module (which is traced first), and gives a module that runs it.

    Called as Torch-TensorRT's `compile` and `dynamo.compile`. What the module gives is what eager PyTorch gives, but
    for rounding, what `precision` allows, and what docs/engines/differences.md lists.

    Where the engine that comes first can't run all of it, the program is split: `report` of what this returns says
    which engine runs what, and why.

    Args:
        mod: a program from `trace` or `torch.export`, or a module.
        inputs, arg_inputs: what a module is traced with: see `trace`. A program knows its inputs already; where they
            are passed all the same, they must fit it.
        ir: "dynamo" (also "default"), or "torch_compile": `torch.compile(mod, backend="tracejet")` with these settings,
            which compiles when it is called. It needs no inputs; one that varies makes all sizes dynamic from the
            start.
        kwarg_inputs: the same for keywords.
        dynamic_shapes: what varies, as torch.export.export takes it, instead of Inputs: see `trace`.
        settings: the settings below in one object; keywords beside it come first.
        enabled_precisions: another way to say `precision`: the narrowest of these.
        {settings}

    Returns:
        A module that takes what the model takes and gives what it gives. Its weights are those of the program: they
        are fixed from here on, except for buffers that the program itself changes.

    Warns:
        EngineWarning: lists the operators whose integers can become larger than what the engine computes in, with lines
            and the range in which each is right.
        BuildWarning: an engine failed at a part of the program, which the next one runs; the engine cache was damaged
            or couldn't be written, which costs time alone; a setting had no effect.

    Raises:
        UnsupportedOperator: a single engine was named, or require_full_compilation: lists every operator that it can't
            run, with its lines.
        VerificationError: verify is "error", and an engine gives something else than eager's kernels.
        InvalidInput: a setting is unknown or invalid, no engine can do what it asks for, or inputs don't fit.
        Error: what `trace` raises of a module; or an engine failed, and pass_through_build_failures or a single engine
            leaves its part to no other.
    """
    chosen = settings_of(keywords, settings, enabled_precisions)
    if ir == "torch_compile":
        if dynamic_shapes is not None:
            raise InvalidInput(
                'dynamic_shapes: with ir="torch_compile", calls say what varies', ErrorCode.DYNAMIC_SHAPES
            )
        # torch.compile's own module, which is called like the model.
        return cast(CompiledModule, compile_later(mod, chosen, either_name(inputs, arg_inputs)))
    if ir not in ("dynamo", "default"):
        raise InvalidInput(f'ir: expected "dynamo" or "torch_compile", got {ir!r}', ErrorCode.INVALID_SETTING)
    program = _native_program(mod, either_name(inputs, arg_inputs), kwarg_inputs, dynamic_shapes)
    return compiled_module(program, chosen)


def compiled_module(
    program: ExportedProgram, settings: CompileSettings, saved: _C.SavedCompilation | None = None
) -> CompiledModule:
    """Compiles a program that has a C++ graph. `saved`: what a file keeps of an earlier time. Warns whoever called the
    caller."""
    with declared_profiles(profiles_in(program._tracejet_call_spec)):
        begin = time.perf_counter()
        compiled = _C.ProgramRunner(graph_of(program), settings, state=_own_state(program), saved=saved)
    LOG.info("compiled in %.2f s: %s", time.perf_counter() - begin, str(compiled.report()).partition("\n")[0])
    _warn(compiled, stacklevel=4)
    return CompiledModule(compiled, program._tracejet_call_spec)


def _warn(program: _C.ProgramRunner, stacklevel: int = 3) -> None:
    for note in program.notes:
        warnings.warn(note, BuildWarning, stacklevel=stacklevel)
    if text := program.warnings():
        warnings.warn(text, EngineWarning, stacklevel=stacklevel)


def refit_module_weights(
    compiled_module: CompiledModule,
    new_weight_module: nn.Module | torch.export.ExportedProgram,
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    *,
    in_place: bool = False,
) -> CompiledModule:
    """A compiled program with other weights, faster than from scratch where its engine can. Called as Torch-TensorRT's.

    Args:
        compiled_module: what `compile` gave.
        new_weight_module: the same program with the new weights; or the model, which is traced with these inputs.
        arg_inputs, kwarg_inputs: what a model is traced with: see `trace`.
        in_place: whether `compiled_module` itself has the new weights afterwards. Calls that are on their way go on
            with the old ones.

    Returns:
        The compiled program with the new weights: another one, or `compiled_module` itself if `in_place`.

    Raises:
        InvalidInput: the programs differ in more than the content of their weights.
        Error: what `trace` raises of a model.
    """
    program = _native_program(new_weight_module, arg_inputs, kwarg_inputs)
    fitted = compiled_module._program.refitted(graph_of(program), state=_own_state(program))
    _warn(fitted)
    if not in_place:
        return CompiledModule(fitted, program._tracejet_call_spec)
    compiled_module._program = fitted
    return compiled_module


def save_onnx(
    mod: nn.Module | torch.export.ExportedProgram,
    path: str | Path,
    *,
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> None:
    """Writes a program, or a module (which is traced first), as an ONNX file for other tools.

    Its operators are those of ONNX's opset 20. The weights are in the file; beyond 1 GiB they are in a second one
    beside it, `<path>.data`.

    Args:
        mod: a program from `trace` or `torch.export`, or a module.
        path: where to write.
        arg_inputs, kwarg_inputs, dynamic_shapes: what a module is traced with: see `trace`.

    Raises:
        UnsupportedOperator: ONNX can't say what the program does: lists every operator with its lines.
        InvalidInput: inputs don't fit the program or the module.
        Error: the file can't be written; or what `trace` raises of a module.
    """
    _C.save_onnx(graph_of(_native_program(mod, arg_inputs, kwarg_inputs, dynamic_shapes)), str(path))


def _own_state(program: ExportedProgram) -> dict[int, torch.Tensor]:
    """What the compiled program keeps between calls in the place of the model's own tensors, by index of its input."""
    graph = graph_of(program)
    written = {output.target for output in graph.outputs if output.kind == GraphOutput.Kind.BUFFER_MUTATION}
    if not written:
        return {}
    indices = {given.name: i for i, given in enumerate(graph.inputs) if given.kind != GraphInput.Kind.USER}
    state = {name: graph.inputs[i].data for name, i in indices.items()}
    names = [name for name, i in indices.items() if i in written]
    own = program.runner_state.claimed(written_memory(state, names))
    return {indices[name]: tensor for name, tensor in own.items()}


class CompiledModule(nn.Module):
    """A compiled program as a module. Calls may come from several threads at once."""

    def __init__(self, program: _C.ProgramRunner, call_spec: CallSpec):
        super().__init__()
        self._program = program
        self._spec = call_spec
        self._tensor_leaves = [leaf.shape is not None for leaf in call_spec.inputs]

    @property
    def settings(self) -> CompileSettings:
        """What it was compiled with."""
        return self._program.settings

    @property
    def report(self) -> CompileReport:
        """Which engine runs what, and why not the one that comes first."""
        return CompileReport(self._program.report())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the program as a `.pt2` file, with what the engines made of it beside it: `tracejet.load` gives this
        module back without compiling, and `torch.export.load` finds the program in it. Buffers are written as they are
        now, weights once.

        Raises:
            UnsupportedOperator: the program has what such a file can't hold.
            Error: the file can't be written. What was there before is left alone.
        """
        self._program.save(native_call(self._spec), Writer.source_line, os.fspath(path))

    def module(self) -> CompiledModule:
        """Itself: what `torch_tensorrt.load` gives is called by way of this."""
        return self

    def profile(self, *args: Any, calls: int = 20, **kwargs: Any) -> Profile:
        """Calls the program on these arguments, and says how long its kernels take: those of OpenVINO and of PyTorch on
        the CPU, the others don't say. Buffers that the program writes are written by each call.

        Args:
            calls: how many are measured. OpenVINO compiles its parts a second time for the first profile.

        Raises InvalidInput as a call does.
        """
        leaves = flat_arguments(self._spec, args, kwargs)
        return profile_of(self._program, self._tensors(leaves), lambda: self._outputs(leaves), calls)

    def __copy__(self) -> CompiledModule:
        """Another module over the same program and state."""
        other = CompiledModule(self._program, self._spec)
        other.__dict__.update(self.__dict__)
        return other

    def __repr__(self) -> str:
        return f"<CompiledModule: {inputs_text(self._spec.inputs)}; {str(self.report).partition(chr(10))[0]}>"

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Takes what the traced model takes, by position or keyword, and gives what it gives. Arrays of NumPy, and all
        that has `__dlpack__`, are taken for tensors of the same memory; those that can't be written to are copied.

        Raises InvalidInput, naming the input, where an argument isn't what the program was traced for.
        """
        leaves = flat_arguments(self._spec, args, kwargs)
        if is_any_chosen():
            with call_in_profile(self, self._spec, leaves):
                return self._outputs(leaves)
        return self._outputs(leaves)

    def _tensors(self, leaves: list[Any]) -> list[torch.Tensor]:
        return [leaf for leaf, is_tensor in zip(leaves, self._tensor_leaves, strict=True) if is_tensor]

    def _outputs(self, leaves: list[Any]) -> Any:
        results = self._program.run(self._tensors(leaves))
        outputs = [
            result if spec is IN_GRAPH else spec for result, spec in zip(results, self._spec.outputs, strict=True)
        ]
        return pytree.tree_unflatten(outputs, self._spec.out_spec)


def optimization_profile(module: CompiledModule, profile: int | Literal["auto"]) -> AbstractContextManager[None]:
    """A context in which calls of `module` belong to one of the profiles of its Inputs, by index.

    As with Torch-TensorRT's `runtime.optimization_profile`, engines that tune by profile run what they have tuned for
    it. For all others it is a promise that is held: an input outside of the profile is refused. With "auto", as without
    this, all sizes that were traced are taken, and such engines choose the first profile that fits.

    Raises InvalidInput where the program has no such profile.
    """
    if not isinstance(module, CompiledModule):
        raise InvalidInput(
            f"optimization_profile: expected what tracejet.compile gives, got {type(module).__name__}",
            ErrorCode.OTHER_PROGRAM,
        )
    return chosen_profile(module, module._spec, profile)


def _native_program(
    mod: nn.Module | torch.export.ExportedProgram,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    dynamic_shapes: Any = None,
) -> ExportedProgram:
    """A program with a C++ graph behind it, which the inputs fit."""
    program = native(mod, args, kwargs, dynamic_shapes)
    if isinstance(mod, torch.export.ExportedProgram) and (args is not None or kwargs is not None):
        check_fit(program._tracejet_call_spec, tuple(args or ()), dict(kwargs or {}))
    return program
