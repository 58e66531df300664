"""Values to run a program on: random ones, or those of files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch.utils import _pytree as pytree

from tracejet._C import Error, ErrorCode, InvalidInput
from tracejet.api.call_arguments import flat_arguments
from tracejet.command_line.shapes import Shape
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.input import Input

#: Where the values come from; a command takes them as `load_inputs`, a tuple of texts.
load_inputs_option = click.option(
    "--load-inputs",
    multiple=True,
    help="A .npy file for each input, x.npy or name=x.npy, or one of torch.save: a tensor, a list, or a dict by name.",
)


def arguments(
    program: ExportedProgram, size: str, shapes: Mapping[str, Shape], seed: int, files: tuple[str, ...]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Values to run `program` on: those of files, or random ones in `shapes`, or else at the "min", "opt" or "max"
    sizes. Those of files must be in `shapes`, too.
    """
    spec = program._tracejet_call_spec
    names = [leaf.name for leaf in spec.inputs]
    shapes = {name or next(iter(names), ""): shape for name, shape in shapes.items()}  # "": of the first input
    unknown = [name for name in shapes if name not in names]
    if unknown:
        raise InvalidInput(
            f"the program has no input {unknown[0]!r}; it takes {', '.join(names)}", ErrorCode.COMMAND_LINE
        )
    if files:
        args, kwargs = _of_files(files)
        if shapes:
            _check_shapes(names, flat_arguments(spec, args, kwargs), shapes)
        return args, kwargs
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        leaves = [_value(leaf.value, size, shapes.get(leaf.name)) for leaf in spec.inputs]
    args, kwargs = pytree.tree_unflatten(leaves, spec.in_spec)
    return args, kwargs


def _check_shapes(names: list[str], values: list[Any], shapes: Mapping[str, Shape]) -> None:
    for name, value in zip(names, values, strict=True):
        if isinstance(value, torch.Tensor) and value.shape != shapes.get(name, value.shape):
            raise InvalidInput(
                f"--shapes says that {name} is {list(shapes[name])}, but what --load-inputs has for it is "
                f"{list(value.shape)}; leave out one of them",
                ErrorCode.COMMAND_LINE,
            )


def _value(value: Any, size: str, shape: Shape | None) -> Any:
    if not isinstance(value, Input):
        return value
    if shape is not None:
        value = Input(shape, dtype=value.dtype, tensor_domain=value.tensor_domain, device=value.device)
    return value.example_tensor(size)


def _of_files(files: tuple[str, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for text in files:
        name, _, file = text.rpartition("=")
        if not file.endswith(".npy"):
            if len(files) > 1:
                raise InvalidInput(f"{text}: expected one file of torch.save, or .npy files", ErrorCode.COMMAND_LINE)
            return _as_call(_read(text, lambda path: torch.load(path, weights_only=True)), text)
        array = _read(file, lambda path: torch.from_numpy(np.load(path, allow_pickle=False)))
        if name in kwargs:
            raise InvalidInput(f"{text}: there are two files for {name}", ErrorCode.COMMAND_LINE)
        if name:
            kwargs[name] = array
        else:
            args.append(array)
    return tuple(args), kwargs


def _read(file: str, read: Callable[[Path], Any]) -> Any:
    path = Path(file)
    if not path.is_file():
        raise InvalidInput(f"there is no file {file}", ErrorCode.COMMAND_LINE)
    try:
        return read(path)
    except Exception as error:  # whatever NumPy and pickle say of files that are none of theirs
        what = str(error).partition("\n")[0]
        raise Error(
            f"can't load {file}: it holds no tensors ({type(error).__name__}: {what})", ErrorCode.UNREADABLE_FILE
        ) from error


def _as_call(found: Any, file: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(found, torch.Tensor):
        return (found,), {}
    if isinstance(found, dict) and all(isinstance(name, str) for name in found):
        return (), found
    if isinstance(found, (list, tuple)):
        return tuple(found), {}
    raise InvalidInput(
        f"{file} holds a {type(found).__name__}; expected a tensor, a list, or a dict by name", ErrorCode.COMMAND_LINE
    )
