"""`Engine`: what an engine in Python is, and how it becomes one like all others."""

from __future__ import annotations

import abc
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch.fx import GraphModule
from torch.fx import Node as FxNode

from tracejet import _C
from tracejet._C import CompileSettings, ErrorCode, Graph, InvalidInput, Node
from tracejet.export.engine_view import EngineView


class Engine(abc.ABC):
    """An engine that is written in Python. `register_engine` makes it one that `compile`, `check` and `verify` know.

    A program comes as a `torch.fx.GraphModule` in Core ATen. Its placeholders are the tensors that exist when the
    program runs, in order: the buffers that the program itself changes, then the user's inputs. Weights are its
    attributes. Each node has its FakeTensor in `meta["val"]`, with symbols for dynamic sizes, and the line of the model
    in `meta["stack_trace"]`. It may be kept and changed.

    Methods are called on any thread, and on several at once. What they raise comes out of `compile` or `check` as it
    is; `InvalidInput` and `UnsupportedOperator` are for what a user can do something about.
    """

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """What users write: `compile(program, engine=name)`. Always the same."""

    @property
    def fingerprint(self) -> str:
        """The versions and the device that it compiles for; empty where it can't say."""
        return ""

    @abc.abstractmethod
    def runs_on(self, device: torch.device) -> bool:
        """Whether it takes programs whose tensors are there."""

    def check_settings(self, settings: CompileSettings) -> None:
        """Raises InvalidInput where it can't do what the settings ask for: by default, where they ask for another
        precision than float32 or a number of threads."""
        if settings.precision != torch.float32:
            raise InvalidInput(
                f"precision is {settings.precision}, but {self.name} computes float32 in float32",
                ErrorCode.ENGINE_SETTING,
            )
        if settings.threads != 0:
            raise InvalidInput(
                f"threads is {settings.threads}, but {self.name} takes no number", ErrorCode.ENGINE_SETTING
            )

    @abc.abstractmethod
    def find_unsupported(self, program: GraphModule) -> Mapping[FxNode, str]:
        """The nodes of `program.graph` that it can't run, each with the reason: "computes in complex numbers"."""

    @abc.abstractmethod
    def compile(self, program: GraphModule, settings: CompileSettings) -> Callable[..., Any]:
        """A function of the placeholders' tensors that gives a tuple of what the graph returns.

        It is only asked for a program of which it takes every call. Sizes are checked already when the function is
        called, and gradients are off. What it gives is checked: number, dtypes, devices and shapes.
        """

    def load(self, program: GraphModule, serialized: bytes, settings: CompileSettings) -> Callable[..., Any]:
        """The same function that `compile` gave, from what the function's own `serialize()` gave: bytes, or None where
        there is nothing to keep. The program is the same, and so are its weights and the settings.

        An engine that has this method can keep what it compiled: in the engine cache, in files. What can't be loaded
        raises, and is compiled again.
        """
        raise InvalidInput(f"{self.name} keeps nothing of what it compiles", ErrorCode.ENGINE_DEFINITION)


def register_engine(engine: Engine) -> None:
    """Adds an engine to those that `compile`, `check`, `trace(validate=...)` and `verify` know by name.

    Raises:
        InvalidInput: there is an engine of this name already, or it is no `Engine`.
    """
    if not isinstance(engine, Engine):
        raise InvalidInput(
            f"register_engine: expected an object of a subclass of tracejet.Engine, got {engine!r}",
            ErrorCode.ENGINE_DEFINITION,
        )
    _C.register_engine(Adapter(engine))


def unregister_engine(name: str) -> None:
    """Takes out an engine that was registered. What it compiled goes on working.

    Raises:
        InvalidInput: there is none of this name, or it comes with tracejet.
    """
    _C.unregister_engine(name)


def engines() -> dict[str, str]:
    """The engines that `compile` takes, the default first: their names, each with the versions and the device that it
    compiles for."""
    return dict(_C.engines())


class Adapter:
    """An engine in Python as the core asks it: see src/bindings/python_engine.cpp."""

    def __init__(self, engine: Engine):
        if not isinstance(engine.name, str):
            raise InvalidInput(
                f"register_engine: the name of an engine is a string, got {engine.name!r}", ErrorCode.ENGINE_DEFINITION
            )
        self._engine = engine
        self.name = engine.name

    def fingerprint(self) -> str:
        return str(self._engine.fingerprint)

    def runs_on(self, device: torch.device) -> bool:
        return bool(self._engine.runs_on(device))

    def check_settings(self, settings: CompileSettings) -> None:
        self._engine.check_settings(settings)

    def view(self, graph: Graph, runtime_inputs: Collection[int]) -> EngineView:
        return EngineView(graph, runtime_inputs)

    def find_unsupported(self, view: EngineView) -> list[tuple[Node, str]]:
        return view.calls_of(self._engine.find_unsupported(view.module))

    def compile(self, view: EngineView, settings: CompileSettings) -> Callable[..., Any]:
        return self._checked("compile", self._engine.compile(view.module, settings))

    def can_load(self) -> bool:
        return type(self._engine).load is not Engine.load

    def load(self, view: EngineView, serialized: bytes, settings: CompileSettings) -> Callable[..., Any]:
        return self._checked("load", self._engine.load(view.module, serialized, settings))

    def _checked(self, method: str, run: Any) -> Callable[..., Any]:
        if not callable(run):
            raise InvalidInput(
                f"{self.name}: {method} has to give a function, got {run!r}", ErrorCode.ENGINE_DEFINITION
            )
        return run
