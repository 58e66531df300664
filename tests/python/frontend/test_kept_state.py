"""What models keep from call to call in attributes and caches, and what a trace leaves of it: nothing."""

from __future__ import annotations

import functools
import types
import warnings
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda, batch
from tests.support.model_state import assign
from tests.support.runners import each_runner

# ---- attributes ----------------------------------------------------------------------------------------------------


class Holder:
    """An object of the model's own making, as a cache is."""

    def __init__(self) -> None:
        self.tensor = None
        self.by_key: dict[Any, Any] = {}


class KeepsEverything(nn.Module):
    """Has an attribute of every kind that can hold a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.plain: Any = None
        self.list: list[Any] = []
        self.dict: dict[str, Any] = {"before": [1, {"deep": 2}]}
        self.ordered: OrderedDict[str, Any] = OrderedDict(a=1)
        self.default: defaultdict[str, list[Any]] = defaultdict(list)
        self.deque: deque[Any] = deque(maxlen=3)
        self.set = {1}
        self.pair: tuple[list[Any], int] = ([], 1)
        self.object = Holder()
        self.namespace = types.SimpleNamespace(x=None)
        self.unregistered = [nn.Linear(3, 3)]
        self.norm = nn.BatchNorm1d(3)


KEPT = {
    "plain": lambda m, x: assign(m, plain=x),
    "list": lambda m, x: m.list.append(x),
    "dict": lambda m, x: m.dict.update(x=x),
    "deep in a dict": lambda m, x: m.dict["before"][1].update(deep=x),
    "ordered": lambda m, x: m.ordered.update(a=x, b=x),
    "default": lambda m, x: m.default["x"].append(x),
    "deque": lambda m, x: m.deque.append(x),
    "set": lambda m, x: m.set.add(2),
    "tuple": lambda m, x: m.pair[0].append(x),
    "object": lambda m, x: assign(m.object, tensor=x),
    "dict of an object": lambda m, x: m.object.by_key.update(x=x),
    "new attribute of an object": lambda m, x: assign(m.object, other=x),
    "namespace": lambda m, x: assign(m.namespace, x=x),
    "new attribute": lambda m, x: assign(m, fresh=x),
    "new buffer": lambda m, x: m.register_buffer("fresh", x * 2),
    "new parameter": lambda m, x: m.register_parameter("fresh", nn.Parameter(torch.zeros(3))),
    "new module": lambda m, x: m.add_module("fresh", nn.Identity()),
    "new hook": lambda m, x: m.norm.register_forward_hook(lambda *_: None),
    "attribute of a part": lambda m, x: assign(m.norm, seen=x),
    "unregistered module": lambda m, x: assign(m.unregistered[0], seen=x),
    "deleted": lambda m, x: delattr(m, "list"),
    "cleared": lambda m, x: m.dict.clear(),
    "training": lambda m, x: m.eval(),
    "requires_grad": lambda m, x: m.norm.weight.requires_grad_(False),
    "attribute of a parameter": lambda m, x: assign(m.norm.weight, note=x),
}


def all_of(model: nn.Module) -> Any:
    """Everything that can be reached from a model, as text that tells objects apart."""

    def described(value: Any, depth: int = 0) -> Any:
        if isinstance(value, nn.Parameter):
            return id(value), value._version, value.requires_grad, sorted(vars(value))
        if isinstance(value, torch.Tensor):
            return id(value), value._version
        if isinstance(value, dict):
            return type(value), [(key, described(item)) for key, item in value.items()]
        if isinstance(value, (list, tuple, deque)):
            return type(value), [described(item) for item in value]
        if isinstance(value, (nn.Module, Holder, types.SimpleNamespace)):
            return id(value), described(vars(value))
        return repr(value)

    return described(model)


@pytest.mark.parametrize("fails", [False, True], ids=["succeeds", "fails"])
@pytest.mark.parametrize("keep", KEPT.values(), ids=KEPT)
def test_whatever_forward_keeps_is_gone_after_the_trace(keep: Callable[..., Any], fails: bool) -> None:
    class Keeps(KeepsEverything):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.norm(x) + 1
            keep(self, y)
            if fails:
                raise ValueError("the model gives up")
            return y

    model = Keeps()
    before = all_of(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if fails:
            with pytest.raises(ValueError, match="gives up"):
                tracejet.trace(model, arg_inputs=[torch.randn(2, 3)])
        else:
            tracejet.trace(model, arg_inputs=[torch.randn(2, 3)])
    assert all_of(model) == before


MASKS: dict[Any, torch.Tensor] = {"kept": torch.ones(1)}


@functools.lru_cache
def positions(length: int) -> torch.Tensor:
    return torch.arange(length) * 0.5


class CachesBeside(nn.Module):
    """Keeps tensors in its class, in its file, and in a cached function."""

    table: ClassVar[dict[int, torch.Tensor]] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        length = x.shape[1]
        if length not in self.table:
            self.table[length] = torch.arange(length) * 2.0
        MASKS.setdefault(length, torch.ones(length))
        return x + self.table[length] * MASKS[length] + positions(length)


@pytest.mark.parametrize("fails", [False, True], ids=["succeeds", "fails"])
def test_caches_in_classes_files_and_functions_keep_no_traced_tensors(fails: bool) -> None:
    model, x = CachesBeside(), torch.randn(2, 3)
    if fails:
        hook = model.register_forward_hook(lambda *_: float("not a number"))
        with pytest.raises(ValueError, match="not a number"):
            tracejet.trace(model, arg_inputs=[x])
        hook.remove()
    else:
        runner = tracejet.trace(model, arg_inputs=[batch(3)]).module()
        torch.testing.assert_close(runner(x), x + torch.arange(3) * 2.5)
    assert CachesBeside.table == {}
    assert list(MASKS) == ["kept"]
    assert torch.equal(positions(3), torch.arange(3) * 0.5)
    torch.testing.assert_close(model(x), x + torch.arange(3) * 2.5)
    CachesBeside.table.clear()
    MASKS.pop(3)


CACHES = {
    "rotary": lambda m, x: (
        assign(m, cache=torch.arange(x.shape[1]) * 0.5) if m.cache is None else None,
        x + m.cache,
    )[1],
    "by size": lambda m, x: (m.by_size.setdefault(x.shape[1], torch.arange(x.shape[1]) * 0.5), x + m.by_size[3])[1],
    "of a parameter": lambda m, x: (
        m.by_size.setdefault("w", m.weight[torch.tensor([2, 1, 0])]),
        x + m.by_size["w"],
    )[1],
    "converted": lambda m, x: (assign(m, table=m.table.to(x.device, torch.float32)), x + m.table)[1],
}


@pytest.mark.parametrize("forward", CACHES.values(), ids=CACHES)
def test_a_cache_that_is_the_same_in_every_call_is_no_state(forward: Callable[..., Any]) -> None:
    model = Lambda(lambda x: forward(model, x), cache=None, by_size={}, table=torch.arange(3).double())
    model.weight = nn.Parameter(torch.randn(3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calls_agree_without_copy(model)


def calls_agree_without_copy(model: nn.Module) -> None:
    runner = tracejet.trace(model, arg_inputs=[batch(3)]).module()
    for size in (1, 4, 9):
        x = torch.randn(size, 3)
        assert_equal(model(x), runner(x))


LEFT_BEHIND = {
    "last": (lambda m, x: (assign(m, last=x * 2), x + 1)[1], "last"),
    "in a dict": (lambda m, x: (m.kept.update(x=x * 2), x + 1)[1], r"kept\['x'\]"),
    "noise": (lambda m, x: (assign(m, last=torch.rand(3)), x + 1)[1], "last"),
    "counter": (lambda m, x: (assign(m, calls=m.calls + 1), x * m.calls)[1], r"calls \(0, then 1\)"),
    "switch": (lambda m, x: (assign(m, ready=True), x + 1)[1], r"ready \(False, then True\)"),
}


@pytest.mark.parametrize(("forward", "place"), LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_what_a_later_call_might_read_is_warned_of(forward: Callable[..., Any], place: str) -> None:
    model = Lambda(lambda x: forward(model, x), last=None, kept={}, calls=0, ready=False)
    with pytest.warns(UserWarning, match=f"forward leaves {place} behind.*hold it in a buffer"):
        tracejet.trace(model, arg_inputs=[torch.ones(3)])


CARRIED = {
    "sum": lambda m, x: (assign(m, total=m.total + x), x + m.total)[1],
    "previous": lambda m, x: (x + m.total, assign(m, total=x * 1))[0],
    "counted": lambda m, x: (assign(m, total=m.total + 1), x + m.total)[1],
    "in a dict": lambda m, x: (m.kept.update(total=m.kept["total"] * x), x + m.kept["total"])[1],
    "grown buffer": lambda m, x: (assign(m, keys=torch.cat([m.keys, x])), m.keys.sum(0))[1],
}


@pytest.mark.parametrize("forward", CARRIED.values(), ids=CARRIED)
def test_state_that_is_no_buffer_is_refused(forward: Callable[..., Any]) -> None:
    model = Lambda(lambda x: forward(model, x), total=torch.zeros(3), kept={"total": torch.ones(3)})
    model.register_buffer("keys", torch.zeros(2))
    with pytest.raises(tracejet.UnsupportedOperator, match=r"reads (total|kept\['total'\]|keys) and binds.*a buffer"):
        tracejet.trace(model, arg_inputs=[torch.ones(3)])


def swap(m: Any, x: torch.Tensor) -> torch.Tensor:
    m.a, m.b = m.b, m.a
    return x + m.a


def rotate(m: Any, x: torch.Tensor) -> torch.Tensor:
    m.a, m.b, m.c = m.b, m.c, m.a
    return x + m.a * m.c


def write_and_swap(m: Any, x: torch.Tensor) -> torch.Tensor:
    m.b.add_(x)
    m.a, m.b = m.b, m.a
    m.b.mul_(2)
    return x + m.a


def shift(m: Any, x: torch.Tensor) -> torch.Tensor:
    m.c, m.b, m.a = m.b, m.a, x * 2
    return x + m.c


def old_content(m: Any, x: torch.Tensor) -> Any:
    old, m.a = m.a, x * 3
    return old, old + m.a


def view_of_old_content(m: Any, x: torch.Tensor) -> Any:
    old, m.a = m.a[1:], x * 3
    return old, old + 1


def swap_by_a_view(m: Any, x: torch.Tensor) -> torch.Tensor:
    result = m.b + x
    m.b, m.a = m.a.view(3), x * 2
    return result


CHANGING_PLACES = {
    "a view given back": view_of_old_content,
    "bound to a view": swap_by_a_view,
    "given back": old_content,
    "swapped": swap,
    "rotated": rotate,
    "swapped and written": write_and_swap,
    "shifted": shift,
}


def three_buffers(forward: Callable[..., Any]) -> nn.Module:
    model = Lambda(lambda x: forward(model, x))
    for name, value in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
        model.register_buffer(name, torch.full((3,), value))
    return model


@each_runner
@pytest.mark.parametrize("forward", CHANGING_PLACES.values(), ids=CHANGING_PLACES)
def test_buffers_may_change_places(forward: Callable[..., Any], runner: Callable[[Any], Any]) -> None:
    run = runner(tracejet.trace(three_buffers(forward), arg_inputs=[torch.ones(3)]))
    eager = three_buffers(forward)
    for step in range(4):
        x = torch.full((3,), float(step))
        assert_equal(run(x), eager(x))


class ReadsTheOldMemory(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("a", torch.zeros(4))
        self.register_buffer("tail", self.a[2:])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.a = self.a + x
        return self.a.sum() + self.tail


class BindsBoth(ReadsTheOldMemory):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.a, self.tail = x * 2, self.tail + 1
        return x


@pytest.mark.parametrize("kind", [ReadsTheOldMemory, BindsBoth])
def test_a_buffer_whose_memory_another_one_shows_cannot_be_bound_anew(kind: type[nn.Module]) -> None:
    line = r"test_kept_state.py:\d+ in forward: self\.a.* = "
    with pytest.raises(tracejet.UnsupportedOperator, match=r"(?s)binds a to another.*while tail shows.*" + line):
        tracejet.trace(kind(), arg_inputs=[torch.ones(4)])


def test_two_buffers_cannot_become_one() -> None:
    class BindsToAnother(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("now", torch.zeros(3))
            self.register_buffer("before", torch.ones(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.now.add_(x)
            result = x + self.before
            self.before = self.now
            return result

    with pytest.raises(tracejet.UnsupportedOperator, match=r"(?s)binds before to the memory of now.* forward: self\."):
        tracejet.trace(BindsToAnother(), arg_inputs=[torch.ones(3)])
