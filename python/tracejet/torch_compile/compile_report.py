"""What a backend has compiled: graph by graph, and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class GraphRecord:
    """One graph that TorchDynamo gave to the backend."""

    frame: int  #: which function of the user's it is of: TorchDynamo's number
    compilation: int  #: how often TorchDynamo had compiled that function before
    line: str  #: the line of the user's where the graph begins: "model.py:12 in forward"
    engine: str  #: those that run it: "openvino, aten"; "eager" where the graph couldn't be built
    inputs: tuple[str, ...]  #: what each call brings: "x: float32[s77, 8], s77 in [2, 65536]"
    weights: int  #: how many weights the program has taken in
    calls: int  #: of operators
    seconds: float  #: that the build took
    failure: str = ""  #: why the graph runs in eager
    rebuilds: int = 0  #: programs built later, for other weights
    is_recompilation: bool = False  #: whether this backend had compiled that function before

    def __str__(self) -> str:
        again = ", compiled again" if self.is_recompilation else ""
        rebuilt = f", {self.rebuilds} rebuilt for other weights" if self.rebuilds else ""
        what = f"in eager: {self.failure}" if self.failure else f"{self.calls} calls, {self.weights} weights"
        inputs = "".join(f"\n    {given}" for given in self.inputs)
        return f"[{self.frame}/{self.compilation}] {self.line}{again}\n  {self.engine}, {what}{rebuilt}{inputs}"


class BackendReport:
    """All graphs of a backend. `str(report)` is for people, `to_json` for machines."""

    def __init__(self, graphs: Sequence[GraphRecord]):
        self.graphs = tuple(graphs)

    @property
    def recompilations(self) -> int:
        """How many graphs are of functions that had been compiled before: for other sizes, dtypes, flags, …"""
        return sum(graph.is_recompilation for graph in self.graphs)

    @property
    def in_eager(self) -> int:
        """How many graphs couldn't be built, and run in eager."""
        return sum(bool(graph.failure) for graph in self.graphs)

    def to_json(self) -> dict[str, Any]:
        """The report in lists, dicts, strings and numbers."""
        return {
            "graphs": [{**asdict(graph), "inputs": list(graph.inputs)} for graph in self.graphs],
            "recompilations": self.recompilations,
            "in_eager": self.in_eager,
        }

    def __str__(self) -> str:
        head = f"{len(self.graphs)} graphs, {self.recompilations} of them compiled again, {self.in_eager} in eager"
        return "\n".join([head, *map(str, self.graphs)])

    def __repr__(self) -> str:
        return f"<BackendReport: {len(self.graphs)} graphs>"
