"""`for i in range(n):` and `[… for i in range(n)]` over a dynamic size: one run of the body, recorded as scan or map.

The body runs once, for an index that is a symbol. What a run leaves for the next are tensors in variables that the body
binds and lists that it appends to, one tensor in each run; a body that does anything else isn't taken. After the loop,
such a list can be stacked, joined and indexed; more isn't known of it.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import CellType
from typing import Any

import torch
from torch import nn

from tracejet import _C
from tracejet.frontend.model_state import ModelState

#: A trace at one size is to be compared with one for all: it takes the same loops, however often they run.
_records_known_counts: ContextVar[bool] = ContextVar("tracejet_records_known_counts", default=False)
_state_of_model: ContextVar[ModelState | None] = ContextVar("tracejet_state_of_model", default=None)


@contextmanager
def loops_of_a_trace(state: ModelState, *, records_known_counts: bool) -> Iterator[None]:
    """Loops are recorded for a model whose state before the trace was this."""
    tokens = _records_known_counts.set(records_known_counts), _state_of_model.set(state)
    try:
        yield
    finally:
        _records_known_counts.reset(tokens[0])
        _state_of_model.reset(tokens[1])


def _changes_of_model() -> list[tuple[str, int]]:
    state = _state_of_model.get()
    return [] if state is None else [(change.place, id(change.now)) for change in state.changes()]


def loop(
    body: Callable[[Any], None], bound: Sequence[str], only_appended: Sequence[str], target: str, *limits: Any
) -> None:
    """Runs `body` for each index; it binds the variables `bound`, the index being `target`, and does nothing with the
    variables `only_appended` but append to them."""
    counted = _counted(limits)
    if counted is None:
        for index in builtins.range(*limits):
            body(index)
        return
    start, count = counted
    variables = _Variables(body, bound, only_appended, target)
    carried = variables.carried()

    def run(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        *state, index = tensors
        number = start + _known_index(index, count)
        variables.begin(dict(zip(carried, state, strict=True)))
        body(number)
        appended = variables.take_appended()
        variables.check_the_rest()
        return [*variables.values(carried), *appended]

    before = _changes_of_model()
    init = variables.values(carried)
    results = _recorded(run, init, count)
    _refuse_if(_changes_of_model() != before, "changes attributes of the model")
    variables.finish(carried, results, start + count - 1)


def list_of(element: Callable[[Any], torch.Tensor], *limits: Any) -> list[Any]:
    """`[element(i) for i in range(*limits)]`."""
    counted = _counted(limits)
    if counted is None:
        return [element(index) for index in builtins.range(*limits)]
    start, count = counted
    variables = _Variables(element, (), (), "")

    def run(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        number = start + _known_index(tensors[0], count)
        result = element(number)
        _refuse_if(not isinstance(result, torch.Tensor), f"gives a {type(result).__name__}")
        variables.check_the_rest()
        return [result]

    before = _changes_of_model()
    [stacked] = _recorded(run, [], count)
    _refuse_if(_changes_of_model() != before, "changes attributes of the model")
    return SymbolicList(stacked)


def _counted(limits: Sequence[Any]) -> tuple[Any, Any] | None:
    """Where it starts and how often it runs, where that is to be recorded."""
    if not _C.is_tracing() or (len(limits) > 2 and (not isinstance(limits[2], int) or limits[2] != 1)):
        return None
    start, stop = (0, *limits) if len(limits) == 1 else limits[:2]
    count = stop - start
    is_symbolic = isinstance(count, torch.SymInt) or _records_known_counts.get()
    return (start, count) if is_symbolic and count >= 1 else None


def _known_index(index: torch.Tensor, count: Any) -> Any:
    number = index.item()
    tracer = _C.Tracer.current()
    assert tracer is not None
    tracer.know_index(number, count)
    return number


def _recorded(run: Callable[..., list[torch.Tensor]], init: list[torch.Tensor], count: Any) -> list[torch.Tensor]:
    tracer = _C.Tracer.current()
    assert tracer is not None
    indices = torch.arange(count)
    if init:
        return _C.control_flow.scan(tracer, run, init, [indices])
    return _C.control_flow.map(tracer, run, [indices], [])


def _refuse_if(condition: bool, what: str) -> None:
    if condition:
        raise _C.UnsupportedOperator(
            f"the body of a loop over a dynamic size {what}, which isn't recorded", _C.ErrorCode.SIZE_LOOP
        )


_UNBOUND: Any = type("Unbound", (), {})()


def _content(cell: CellType) -> Any:
    try:
        content = cell.cell_contents
    except ValueError:
        return _UNBOUND
    return _UNBOUND if type(content) is _Unknown else content


class _Variables:
    """The variables of a function that the body of a loop in it sees."""

    def __init__(self, body: Callable[..., Any], bound: Sequence[str], only_appended: Sequence[str], target: str):
        self._cells = dict(zip(body.__code__.co_freevars, body.__closure__ or (), strict=True))
        self._bound = [name for name in bound if name != target]
        self._lists = [name for name in only_appended if _is_own_empty_list(self._cells[name])]
        self._target = target
        self._before = {name: _content(cell) for name, cell in self._cells.items()}
        holder = nn.Module()
        holder.variables = dict(self._before)
        self._objects = ModelState(holder)
        self._appended: list[str] = []

    def carried(self) -> list[str]:
        return [name for name in self._bound if isinstance(self._before[name], torch.Tensor)]

    def begin(self, values: dict[str, Any]) -> None:
        """Before a run, variables are what they were before the loop, but for those that are carried."""
        for name in self._bound:
            if self._before[name] is not _UNBOUND:
                self._cells[name].cell_contents = self._before[name]
        self.bind(values)
        for name in self._lists:
            self._cells[name].cell_contents = _Filling()

    def bind(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            self._cells[name].cell_contents = value

    def values(self, names: Iterable[str]) -> list[torch.Tensor]:
        values = [_content(self._cells[name]) for name in names]
        _refuse_if(not all(isinstance(value, torch.Tensor) for value in values), "puts something else for a tensor")
        return values

    def take_appended(self) -> list[torch.Tensor]:
        """What a run has appended to lists, which then are empty again."""
        appended = {name: self._cells[name].cell_contents.appended for name in self._lists}
        for name in self._lists:
            self._cells[name].cell_contents = self._before[name]
        _refuse_if(any(len(each) > 1 for each in appended.values()), "appends more than one tensor to a list")
        self._appended = [name for name, each in appended.items() if each]
        each_one = [appended[name][0] for name in self._appended]
        _refuse_if(not all(isinstance(each, torch.Tensor) for each in each_one), "appends what is no tensor to a list")
        return each_one

    def check_the_rest(self) -> None:
        _refuse_if(self._objects.has_changed(), "changes an object other than by appending one tensor to an empty list")
        for name in self._bound:
            now, before = _content(self._cells[name]), self._before[name]
            is_new = before is _UNBOUND or isinstance(before, torch.Tensor)
            _refuse_if(not is_new and now is not before, f"changes `{name}`, which is no tensor")

    def finish(self, carried: list[str], results: list[torch.Tensor], last_index: Any) -> None:
        """Sets all variables to what they are after the last run."""
        for name in self._bound:
            if self._before[name] is _UNBOUND:
                self._cells[name].cell_contents = _Unknown(name)
        self.bind(dict(zip(carried, results)))
        if self._target:
            self._cells[self._target].cell_contents = last_index
        for name, stacked in zip(self._appended, results[len(carried) :], strict=True):
            self._cells[name].cell_contents = SymbolicList(stacked)


def _is_own_empty_list(cell: CellType) -> bool:
    """Whether nobody else holds it, who might look into it."""
    content = _content(cell)
    return type(content) is list and not content and sys.getrefcount(content) <= 3  # the cell, `content`, the argument


class _Unknown:
    """A variable that only the body binds, after the loop."""

    def __init__(self, name: str):
        self._name = name

    #: It isn't None, nor anything else that code might ask for.
    __class__ = property(lambda self: torch.Tensor)

    def __bool__(self) -> bool:
        raise _C.UnsupportedOperator(
            f"`{self._name}` is read after a loop over a dynamic size, in which it was bound", _C.ErrorCode.SIZE_LOOP
        )


class _Every:
    """In the place of all elements of a list that has as many as a size says."""

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        joined = {torch.stack: False, torch.cat: True, torch.concat: True, torch.concatenate: True}.get(function)
        arguments = dict(zip(("tensors", "dim"), args), **(kwargs or {}))
        tensors, dim = arguments.pop("tensors", None), arguments.pop("dim", 0)
        if joined is None or arguments or not isinstance(tensors, SymbolicList):
            raise _C.UnsupportedOperator(_NO_LIST, _C.ErrorCode.SIZE_LOOP)
        return tensors.joined(dim) if joined else tensors.stacked(dim)


_NO_LIST = (
    "a list that a loop over a dynamic size has filled can be stacked (torch.stack), joined (torch.cat) and indexed, "
    "nothing else"
)


class _Unreadable(list):
    """A list of which nobody knows how long it is."""

    def __init__(self) -> None:
        super().__init__([_Every()])


class SymbolicList(_Unreadable):
    """A list of `stacked.shape[0]` tensors of the same shape."""

    def __init__(self, stacked: torch.Tensor):
        super().__init__()
        self._stacked = stacked

    def stacked(self, dim: int) -> torch.Tensor:
        return self._stacked.movedim(0, dim)

    def joined(self, dim: int) -> torch.Tensor:
        axis = dim if dim >= 0 else dim + self._stacked.dim() - 1
        return self._stacked.movedim(0, axis).flatten(axis, axis + 1)

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, (int, torch.SymInt)):
            raise _C.UnsupportedOperator(_NO_LIST, _C.ErrorCode.SIZE_LOOP)
        return self._stacked[index]


class _Filling(_Unreadable):
    """In the place of a list while a body runs that appends to it: functions may see the variable, too."""

    def __init__(self) -> None:
        super().__init__()
        self.appended: list[Any] = []

    def append(self, value: Any) -> None:
        self.appended.append(value)


def _refused(self: _Unreadable, *_: Any, **__: Any) -> Any:
    raise _C.UnsupportedOperator(_NO_LIST, _C.ErrorCode.SIZE_LOOP)


for _name in (
    *("__len__", "__iter__", "__add__", "__radd__", "__iadd__", "__mul__", "__rmul__", "__imul__", "__contains__"),
    *("__reversed__", "__setitem__", "__delitem__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"),
    *("append", "extend", "insert", "pop", "remove", "clear", "copy", "count", "index", "reverse", "sort", "__bool__"),
    "__getitem__",
):
    setattr(_Unreadable, _name, _refused)
