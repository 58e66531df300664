"""`EngineReport`: which calls of a program an engine takes, and which not and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tracejet import _C
from tracejet._report import Line


@dataclass(frozen=True)
class RefusedCall:
    """A call that an engine can't run."""

    operator: str  #: "aten::fft_rfft"
    reason: str  #: "computes in complex numbers"
    takes: tuple[str, ...]  #: its tensor arguments: "float32[batch, 8]"
    gives: tuple[str, ...]  #: its results
    line: Line  #: of the model


class EngineReport:
    """What an engine makes of a program. `str(report)` is for people, `to_json` for machines."""

    def __init__(self, engine: str, taken: Mapping[str, int], refused: Sequence[RefusedCall], text: str):
        self._text = text
        self.engine = engine
        self.taken = dict(taken)  #: how many calls the engine runs, by operator
        self.refused = tuple(refused)  #: the calls that it can't run, in the program's order

    @property
    def ok(self) -> bool:
        """Whether the engine runs the whole program."""
        return not self.refused

    def groups(self) -> dict[tuple[str, str], list[RefusedCall]]:
        """The refused calls by (operator, reason), the most frequent first."""
        groups: dict[tuple[str, str], list[RefusedCall]] = {}
        for call in self.refused:
            groups.setdefault((call.operator, call.reason), []).append(call)
        return dict(sorted(groups.items(), key=lambda group: -len(group[1])))

    def to_json(self) -> dict[str, Any]:
        """The report in lists, dicts, strings and numbers."""
        groups = [
            {"operator": operator, "reason": reason, "calls": [_plain(call) for call in calls]}
            for (operator, reason), calls in self.groups().items()
        ]
        return {"engine": self.engine, "ok": self.ok, "taken": self.taken, "refused": groups}

    def __str__(self) -> str:
        if self.ok:
            return f"{self.engine} runs the whole program: {sum(self.taken.values())} calls"
        return self._text

    def __repr__(self) -> str:
        return f"<EngineReport: {self.engine}, {len(self.refused)} calls refused>"


def report_on(graph: _C.Graph, engine: str) -> EngineReport:
    """Asks an engine about every call of a graph. Raises InvalidInput as `check` does."""
    taken, refused, text = _C.support(graph, engine)
    calls = [RefusedCall(c.op, c.reason, tuple(c.takes), tuple(c.gives), Line.of(c.line)) for c in refused]
    return EngineReport(engine, taken, calls, text)


def _plain(call: RefusedCall) -> dict[str, Any]:
    plain = asdict(call)
    del plain["operator"], plain["reason"]  # the group's
    return {**plain, "takes": list(call.takes), "gives": list(call.gives)}
