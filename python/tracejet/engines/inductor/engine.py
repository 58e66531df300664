"""AOTInductor as the core asks it: see src/bindings/inductor_engine.cpp."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch

from tracejet._C import CompileSettings, ErrorCode, Graph, InvalidInput, Node
from tracejet.engines.inductor import toolchain
from tracejet.engines.inductor.build import Failure, build
from tracejet.engines.inductor.code import Code
from tracejet.engines.inductor.refusals import refused_nodes
from tracejet.export.engine_view import EngineView


class Inductor:
    """The engine "inductor"."""

    name = "inductor"

    def fingerprint(self) -> str:
        return f"AOTInductor of PyTorch {torch.__version__}, {toolchain.machine()}"

    def runs_on(self, device: torch.device) -> bool:
        return device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_available())

    def check_settings(self, settings: CompileSettings) -> None:
        """Raises InvalidInput where it can't do what the settings ask for, or has nothing to compile with."""
        if settings.precision != torch.float32:
            raise InvalidInput(
                f"precision is {settings.precision}, but inductor computes float32 in float32: convert the model",
                ErrorCode.ENGINE_SETTING,
            )
        if reason := toolchain.missing():
            raise InvalidInput(f"inductor: {reason}", ErrorCode.ENGINE_SETTING)

    def view(self, graph: Graph, runtime_inputs: Collection[int]) -> EngineView:
        return EngineView(graph, runtime_inputs)

    def find_unsupported(self, view: EngineView) -> list[tuple[Node, str]]:
        """The calls that it doesn't take, each with the reason. Nothing is compiled."""
        return view.calls_of(refused_nodes(view.module.graph))

    def compile(
        self, view: EngineView, settings: CompileSettings, sizes: Mapping[int, torch.SymInt]
    ) -> Code | list[tuple[Node, str]]:
        """A program of which it takes all; or the calls that it turns out not to take. `sizes`: the symbols of the
        graph, by their ids.

        Raises UnsupportedOperator, with Inductor's reason, where it fails and nobody knows at which call.
        """
        try:
            return build(view, settings, sizes)
        except Failure as failure:
            return view.calls_of(failure.nodes)

    def load(self, view: EngineView, serialized: bytes) -> Code | None:
        """What `compile` gave, from what was kept of it; None where that isn't of this program."""
        return Code.loaded(view, serialized)
