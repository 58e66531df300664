"""The inputs of a model, as the command line describes them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import click
import torch
from torch import nn

from tracejet._C import ErrorCode, InvalidInput
from tracejet.api.native_program import native
from tracejet.command_line.model_hub import own_inputs
from tracejet.command_line.outcome import working
from tracejet.command_line.shapes import InputSpec, Shape, read_dtype, read_pairs, read_shapes, read_spec
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.binding import forward_parameters
from tracejet.frontend.input import Input

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class InputOptions:
    """What the command line says of a model's inputs."""

    specs: tuple[InputSpec, ...]
    shapes: Mapping[str, Shape]
    ranges: tuple[Mapping[str, Shape], Mapping[str, Shape], Mapping[str, Shape]]
    dtypes: Mapping[str, torch.dtype]
    shared: Mapping[tuple[str, int], str]

    def inputs(self, model: nn.Module) -> dict[str, Input]:
        """The inputs of `model` by the names of forward's parameters."""
        names = [parameter.name for parameter in forward_parameters(model)]
        specs = {spec.name or _position(names, i): spec for i, spec in enumerate(self.specs)}
        low, opt, high = ({name or _position(names, 0): s for name, s in r.items()} for r in self.ranges)
        static = {name or _position(names, 0): shape for name, shape in self.shapes.items()}
        mentioned = [*specs, *static, *low, *opt, *high]
        unknown = [name for name in (*mentioned, *self.dtypes) if name not in names]
        if unknown:
            raise InvalidInput(
                f"the model has no input {unknown[0]!r}; it takes {', '.join(names)}", ErrorCode.COMMAND_LINE
            )
        found = {}
        for name in dict.fromkeys(mentioned):
            spec = specs.get(name) or InputSpec(name, _shapes(name, static.get(name), low, opt, high))
            found[name] = self._input(name, spec)
        found = found or {name: given for name, given in own_inputs(model).items() if name in names}
        if not found and names:
            raise InvalidInput(
                f"the model takes {', '.join(names)}: say their shapes, e.g. --shapes {names[0]}:1x3x224x224",
                ErrorCode.COMMAND_LINE,
            )
        return found

    def check_suit_program(self, *, may_say_sizes: bool) -> None:
        """A program has its inputs; where it is run, --shapes may say at which sizes."""
        low, opt, high = self.ranges
        options = {
            "--input": self.specs,
            "--min-shapes": low,
            "--opt-shapes": opt,
            "--max-shapes": high,
            "--dtypes": self.dtypes,
            "--shared-dims": self.shared,
            "--shapes": {} if may_say_sizes else self.shapes,
        }
        for option, given in options.items():
            if given:
                raise InvalidInput(
                    f"{option}: a program has been traced for its inputs already; trace the model anew",
                    ErrorCode.COMMAND_LINE,
                )

    def _input(self, name: str, spec: InputSpec) -> Input:
        least, usual, greatest = spec.shapes if len(spec.shapes) == 3 else spec.shapes * 3
        return Input(
            min_shape=least,
            opt_shape=usual,
            max_shape=greatest,
            dtype=spec.dtype or self.dtypes.get(name),
            format=spec.format,
            name=name,
            shared_dims={axis: dim for (of, axis), dim in self.shared.items() if of == name} or None,
        )


def input_options(command: _Command) -> _Command:
    """Gives a command the options that describe inputs: it takes them as `inputs`, an InputOptions."""

    @click.option(
        "-i", "--input", "specs", multiple=True, help="An input as torchtrtc writes it: [(1,3);(8,3);(16,3)]@f16."
    )
    @click.option("--shapes", default="", help="Static shapes as trtexec writes them: x:1x3x224x224,y:1x10.")
    @click.option("--min-shapes", "--minShapes", default="", help="The least shapes of dynamic inputs: x:1x3x224x224.")
    @click.option("--opt-shapes", "--optShapes", default="", help="Their usual shapes.")
    @click.option("--max-shapes", "--maxShapes", default="", help="Their greatest shapes.")
    @click.option("--dtypes", default="", help="Dtypes other than float32: ids:int64,mask:bool.")
    @click.option(
        "--shared-dims", "shared", multiple=True, help="Axes that always have one size: batch=x:0,y:0. May be repeated."
    )
    @functools.wraps(command)
    def with_inputs(
        *args: Any,
        specs: tuple[str, ...],
        shapes: str,
        min_shapes: str,
        opt_shapes: str,
        max_shapes: str,
        dtypes: str,
        shared: tuple[str, ...],
        **kwargs: Any,
    ) -> Any:
        low, opt, high = (read_shapes(text) if text else {} for text in (min_shapes, opt_shapes, max_shapes))
        inputs = InputOptions(
            tuple(map(read_spec, specs)),
            read_shapes(shapes) if shapes else {},
            (low, opt, high),
            {name: read_dtype(dtype) for name, dtype in read_pairs(dtypes, "ids:int64").items()} if dtypes else {},
            dict(axis for text in shared for axis in _shared_axes(text)),
        )
        return command(*args, inputs=inputs, **kwargs)

    return with_inputs  # type: ignore[return-value]


def program_of(
    model: nn.Module | torch.export.ExportedProgram, inputs: InputOptions, *, is_run: bool = False, **options: Any
) -> ExportedProgram:
    """The program of a model, traced for the inputs of the command line; a program is one already, and takes no options
    but --shapes, if it `is_run`.
    """
    from tracejet.api.trace import trace

    if isinstance(model, torch.export.ExportedProgram):
        inputs.check_suit_program(may_say_sizes=is_run)
        with working("tracing"):
            return native(model, None, None)
    args, kwargs = call_of(model, inputs)
    with working("tracing"):
        return trace(model, arg_inputs=args, kwarg_inputs=kwargs, **options)


def call_of(model: nn.Module, inputs: InputOptions) -> tuple[list[Input], dict[str, Input]]:
    """The inputs of the command line, those that forward takes by position and the others."""
    described = inputs.inputs(model)
    args = []
    for parameter in forward_parameters(model):
        if parameter.name not in described or parameter.kind is parameter.KEYWORD_ONLY:
            break
        args.append(described.pop(parameter.name))
    return args, described


def _position(names: list[str], index: int) -> str:
    if index >= len(names):
        raise InvalidInput(f"the model takes {len(names)} inputs: {', '.join(names)}", ErrorCode.COMMAND_LINE)
    return names[index]


def _shapes(
    name: str,
    static: Shape | None,
    low: Mapping[str, Shape],
    opt: Mapping[str, Shape],
    high: Mapping[str, Shape],
) -> tuple[Shape, ...]:
    given = [shapes[name] for shapes in (low, opt, high) if name in shapes]
    if static is not None and not given:
        return (static,)
    if len(given) < 3:
        raise InvalidInput(
            f"{name}: a dynamic input needs --min-shapes, --opt-shapes and --max-shapes", ErrorCode.COMMAND_LINE
        )
    return tuple(given)


def _shared_axes(text: str) -> list[tuple[tuple[str, int], str]]:
    dimension, _, axes = text.partition("=")
    pairs = read_pairs(axes, "batch=x:0,y:0") if axes else {}
    if not pairs or not dimension.isidentifier() or not all(axis.isdigit() for axis in pairs.values()):
        raise InvalidInput(f"{text!r}: expected a dimension and its axes, e.g. batch=x:0,y:0", ErrorCode.COMMAND_LINE)
    return [((name, int(axis)), dimension) for name, axis in pairs.items()]
