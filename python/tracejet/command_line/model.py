"""Finds the model that a command is about: `module:callable`, `file.py:callable`, `timm:name`, `hf:folder`, or a `.pt2`
file."""

from __future__ import annotations

import importlib
import importlib.util
import operator
import os
import sys
from pathlib import Path
from typing import Any, cast

import click
import torch
from torch import nn

from tracejet._C import UnsupportedOperator
from tracejet.api.compile import CompiledModule
from tracejet.api.files import load as load_file
from tracejet.api.native_program import native
from tracejet.command_line.model_hub import of_timm, of_transformers
from tracejet.export.exported_program import ExportedProgram

model_argument = click.argument("model", metavar="MODEL")

_HUBS = {"timm": of_timm, "hf": of_transformers}


def load(text: str) -> nn.Module | torch.export.ExportedProgram:
    """The model or program that `text` names. Raises click.UsageError where there is none."""
    if text.endswith(".pt2"):
        if not Path(text).is_file():
            raise click.UsageError(f"there is no file {text}")
        return _load_program(text)
    hub, _, named = text.partition(":")
    if named and hub in _HUBS:
        return _HUBS[hub](named)
    place, _, name = text.rpartition(":")
    if not place or not name:
        raise click.UsageError(
            f"{text!r} names no model: expected module:callable, file.py:callable, timm:name, hf:folder or a "
            ".pt2 file, e.g. torchvision.models:resnet18"
        )
    return _as_model(text, _attribute(_module(place), name, text))


def _load_program(file: str) -> torch.export.ExportedProgram:
    try:
        return cast("torch.export.ExportedProgram", load_file(file, compiled=False))
    except UnsupportedOperator:  # programs that write in place, which are traced once torch.export has read them
        return torch.export.load(file)


def _module(place: str) -> Any:
    if place.endswith(".py"):
        path = Path(place)
        if not path.is_file():
            raise click.UsageError(f"there is no file {place}")
        sys.path.insert(0, str(path.parent.resolve()))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return module
    sys.path.insert(0, os.getcwd())  # as `python -m` has it
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise  # the module is there, and something that it needs isn't
        raise click.UsageError(f"there is no module {place!r}") from error


def _attribute(module: Any, name: str, text: str) -> Any:
    try:
        return operator.attrgetter(name)(module)
    except AttributeError:
        raise click.UsageError(f"{text!r}: the module has no {name!r}") from None


def _as_model(text: str, found: Any) -> nn.Module | torch.export.ExportedProgram:
    if not isinstance(found, nn.Module) and callable(found):
        found = found()
    if isinstance(found, nn.Module):
        return found.eval()
    if isinstance(found, torch.export.ExportedProgram):
        return found
    raise click.UsageError(f"{text!r} gives a {type(found).__name__}; expected a torch.nn.Module, or what makes one")


def saved_compiled(model: str) -> tuple[ExportedProgram, CompiledModule] | None:
    """What is in the file of a compiled program."""
    if not model.endswith(".pt2") or not Path(model).is_file():
        return None
    compiled = load_file(model)
    if not isinstance(compiled, CompiledModule):
        return None
    program = load_file(model, compiled=False)
    assert not isinstance(program, CompiledModule)
    return native(program, None, None), compiled
