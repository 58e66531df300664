"""`CompileReport`: which engine runs what of a compiled program, and why not the one that comes first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tracejet import _C


class BuildWarning(UserWarning):
    """An engine failed at a part of a program, which the next one runs; the engine cache lost something; or a setting
    had no effect.

    Causes and fixes: docs/errors.md#buildwarning
    """


@dataclass(frozen=True)
class Part:
    """A part of a compiled program, as one engine runs it."""

    engine: str
    nodes: int
    inputs: tuple[str, ...]  #: what it takes from the caller and from other parts: "x: float32[batch, 8]"
    outputs: tuple[str, ...]  #: "%7: float32[batch, 4]"
    weight_bytes: int
    is_cached: bool = False  #: it was compiled before, and came from the engine cache
    measured: str = ""  #: what engines were held against each other: "inductor 1.250 ms, openvino 2.500 ms"
    inside: str = ""  #: the call of control flow that runs it, with its line; empty for parts of the program itself


@dataclass(frozen=True)
class Fallback:
    """A call that doesn't run on the engine that comes first."""

    operator: str  #: "aten::fft_rfft"
    engine: str  #: where it runs
    reason: str  #: "computes in complex numbers"
    where: str  #: the line of the model and its module
    file: str
    line: int


class CompileReport:
    """Which engine runs what of a program. `str(report)` is for people, `to_json` for machines."""

    def __init__(self, report: _C.CompileReport):
        self._text = str(report)
        self.preferred: str = report.preferred  #: the engine that comes first
        self.engines = tuple(report.engines.split(", "))  #: those that run parts
        #: In the order in which they run.
        self.parts = tuple(
            Part(
                p.engine, p.nodes, tuple(p.inputs), tuple(p.outputs), p.weight_bytes, p.is_cached, p.measured, p.inside
            )
            for p in report.parts
        )
        #: The calls that don't run on the engine that comes first, in the program's order.
        self.fallbacks = tuple(
            Fallback(call.op, call.engine, call.reason, call.where, call.file, call.line) for call in report.fallbacks
        )
        self.notes = tuple(report.notes)  #: engines that failed, settings that had no effect
        self.nodes: int = report.nodes
        self.nodes_on_preferred: int = report.nodes_on_preferred

    @property
    def coverage(self) -> float:
        """Which part of the nodes runs on the engine that comes first."""
        return self.nodes_on_preferred / self.nodes if self.nodes else 1.0

    def to_json(self) -> dict[str, Any]:
        """The same in lists, dicts, strings and numbers."""
        return {
            "preferred": self.preferred,
            "engines": list(self.engines),
            "nodes": self.nodes,
            "nodes_on_preferred": self.nodes_on_preferred,
            "coverage": self.coverage,
            "parts": [{**asdict(p), "inputs": list(p.inputs), "outputs": list(p.outputs)} for p in self.parts],
            "fallbacks": [asdict(call) for call in self.fallbacks],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<CompileReport: {len(self.parts)} parts on {', '.join(self.engines)}>"
