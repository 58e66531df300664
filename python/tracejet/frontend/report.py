"""`Report`: everything that a trace has assumed of sizes, what keeps them from varying as declared, and what to do."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet.frontend.binding import BoundInputs, Leaf
from tracejet.frontend.input import Input


@dataclass(frozen=True)
class Line:
    """A line of the model that asked something of a size, and the module that was running."""

    file: str
    line: int
    function: str
    text: str
    module_path: str  #: "encoder.layers.3"; empty for the model itself
    module_type: str  #: empty where no module was running

    @classmethod
    def of(cls, line: _C.ModelLine) -> Line:
        return cls(line.file, line.line, line.function, line.text, line.module_path, line.module_type)


@dataclass(frozen=True)
class Guard:
    """Something that was assumed of sizes.

    `verdict` is "proven" (it holds at every declared size), "general" (PyTorch's general way, which was traced, is
    right at sizes 0 and 1 too), "asserted" (the program checks it when it runs) or "violation".
    """

    condition: str
    verdict: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Problem:
    """What keeps sizes from varying as declared.

    `kind` is "fixed_size", "equal_sizes", "narrower_range", "relation" (only where relations aren't asserted),
    "size_branch" (the model goes another way at a size of 0 or 1), or "error" (the trace ended there).
    """

    kind: str
    condition: str  #: what the model asked for, in terms of axes: "x[1] == 12"
    axes: tuple[str, ...]  #: of the inputs: "x[1]"
    forces: str  #: what follows for the axes
    fix: str  #: the edit that fixes it
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Correction:
    """How a dynamic dimension would have to be declared."""

    min: int
    max: int
    traced: int  #: the size that was traced, at which every guard holds
    same_as: str  #: the dimension that it has to equal; its own name where there is none


class Report:
    """What a trace found out about the sizes of its inputs. `str(report)` is for people, `to_json` for machines."""

    def __init__(self, found: _C.Report, bound: BoundInputs, error: Exception | None = None):
        self.guards = [Guard(guard.condition, guard.verdict, _lines(guard.lines)) for guard in found.guards]
        self.problems = [
            Problem(p.kind, p.condition, tuple(p.axes), p.forces, p.fix, _lines(p.lines)) for p in found.problems
        ]
        self.error = error  #: what ended the trace before its time
        self._text = str(found)
        self._corrections = {
            name: Correction(now.min, now.max, now.traced, now.same_as)
            for name, now in found.suggested_dimensions.items()
        }
        self._suggested = pytree.tree_unflatten([_corrected(leaf, found) for leaf in bound.leaves], bound.in_spec)

    @property
    def ok(self) -> bool:
        """Whether the trace holds at every size that was declared."""
        return not self.problems

    def suggested_inputs(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The inputs `(arg_inputs, kwarg_inputs)` as they would have to be declared for the trace to succeed: ranges
        narrowed, axes static or joined by `shared_dims` where a problem asks for it, everything else as it was.
        """
        args, kwargs = self._suggested
        return args, kwargs

    def to_json(self) -> dict[str, Any]:
        """The report in lists, dicts, strings and numbers."""
        return {
            "ok": self.ok,
            "problems": [_plain(problem) for problem in self.problems],
            "guards": [_plain(guard) for guard in self.guards],
            "suggested_dimensions": {name: asdict(correction) for name, correction in self._corrections.items()},
        }

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<Report: {len(self.problems)} problems, {len(self.guards)} guards>"


def _corrected(leaf: Leaf, found: _C.Report) -> Any:
    if leaf.shape is None or not isinstance(leaf.value, Input):
        return leaf.value
    attributes = _C.suggested_attributes(leaf.value, leaf.shape, found)
    if attributes is None:
        return leaf.value
    corrected = copy.copy(leaf.value)
    vars(corrected).update(attributes)
    corrected._torch_tensor = _if_fits(leaf.value._torch_tensor, corrected)
    return corrected


def _lines(lines: Sequence[_C.ModelLine]) -> tuple[Line, ...]:
    return tuple(Line.of(line) for line in lines)


def _plain(entry: Guard | Problem) -> Any:
    return json.loads(json.dumps(asdict(entry)))


def _if_fits(example: Any, spec: Input) -> Any:
    """The example tensor of an Input where it still lies within its range."""
    if example is None:
        return None
    fits = all(low <= size <= high for low, size, high in zip(spec.min_shape, example.shape, spec.max_shape))
    return example if fits else None
