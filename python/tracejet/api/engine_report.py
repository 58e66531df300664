"""`EngineReport`: which calls of a program an engine takes, and which not and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tracejet import _C
from tracejet.api.compile_report import CompileReport
from tracejet.frontend.report import Line


@dataclass(frozen=True)
class RefusedCall:
    """A call that an engine can't run."""

    operator: str  #: "aten::fft_rfft"
    reason: str  #: "computes in complex numbers"
    takes: tuple[str, ...]  #: its tensor arguments: "float32[batch, 8]"
    gives: tuple[str, ...]  #: its results
    line: Line  #: of the model


class EngineWarning(UserWarning):
    """An engine runs a call of a program otherwise than PyTorch, for data that only a run has.

    Causes and fixes: docs/errors.md#enginewarning
    """


class EngineReport:
    """Operator-support report: which calls an engine runs, which not and why.

    `str(report)` is for people, `to_json` for machines.
    """

    def __init__(
        self,
        engine: str,
        taken: Mapping[str, int],
        refused: Sequence[RefusedCall],
        text: str,
        warnings: Sequence[RefusedCall] = (),
        warnings_text: str = "",
    ):
        self._text = text
        self._warnings_text = warnings_text
        self.engine = engine
        self.taken = dict(taken)  #: how many calls the engine runs, by operator
        self.refused = tuple(refused)  #: the calls that it can't run, in the program's order
        self.warnings = tuple(warnings)  #: the calls that it runs, but otherwise for some data: the reason says which
        self.plan: CompileReport | None = None  #: how `compile` splits the program, where it does

    @property
    def ok(self) -> bool:
        """Whether the engine runs the whole program: rightly for all data, but for what `warnings` says."""
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
        warnings = [
            {"operator": call.operator, "reason": call.reason, "calls": [_plain(call)]} for call in self.warnings
        ]
        return {
            "engine": self.engine,
            "ok": self.ok,
            "taken": self.taken,
            "refused": groups,
            "warnings": warnings,
            "plan": self.plan.to_json() if self.plan else None,
        }

    def __str__(self) -> str:
        text = self._text
        if self.ok:
            text = f"{self.engine} runs the whole program: {sum(self.taken.values())} calls"
        if self.plan:
            text += f"\nSplit, as by default: {str(self.plan).splitlines()[0]}"
        return f"{text}\n{self._warnings_text}" if self.warnings else text

    def __repr__(self) -> str:
        return f"<EngineReport: {self.engine}, {len(self.refused)} calls refused>"


def report_on(graph: _C.Graph, engine: str | None) -> EngineReport:
    """Asks an engine about every call of a graph; None: the default one. Raises InvalidInput as `check` does."""
    engine = engine or _C.default_engine()
    support = _C.support(graph, engine)
    refused, warnings = (
        [RefusedCall(c.op, c.reason, tuple(c.takes), tuple(c.gives), Line.of(c.line)) for c in calls]
        for calls in (support.refused, support.warnings)
    )
    return EngineReport(engine, support.taken, refused, support.refused_text, warnings, support.warnings_text)


def _plain(call: RefusedCall) -> dict[str, Any]:
    plain = asdict(call)
    del plain["operator"], plain["reason"]  # the group's
    return {**plain, "takes": list(call.takes), "gives": list(call.gives)}
