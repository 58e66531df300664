"""What models keep from call to call, and what a trace leaves of it: the model as it was, the writes in the program."""

from __future__ import annotations

import copy
import functools
import random
import types
import warnings
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, ClassVar

import numpy
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tracejet
from testing.compare import assert_equal, assert_same_as_eager, assert_unchanged, snapshot
from tests.support.lambda_module import Lambda, batch


def calls_agree(model: nn.Module, *arguments: tuple[Any, ...]) -> None:
    """Program and model give the same, call after call, and leave the same in their buffers."""
    eager = copy.deepcopy(model)
    before = snapshot(model)
    runner = tracejet.trace(model, arg_inputs=arguments[0]).module()
    assert_unchanged(model, before)
    for call in arguments:
        ours, theirs = ([value.clone() for value in call] for _ in range(2))
        with torch.no_grad():
            assert_equal(eager(*theirs), runner(*ours))
        assert_equal(theirs, ours)
    state = {**dict(runner.named_buffers()), **dict(runner.named_parameters())}
    for name, tensor in (*eager.named_buffers(), *eager.named_parameters()):
        torch.testing.assert_close(state[name], tensor)


def three(*shape: int) -> list[tuple[torch.Tensor]]:
    torch.manual_seed(0)
    return [(torch.randn(*shape),) for _ in range(3)]


class WithBuffer(nn.Module):
    """Runs `update(self, x)`; has a buffer `total` of three zeros, and one that isn't saved."""

    def __init__(self, update: Callable[[Any, torch.Tensor], Any]):
        super().__init__()
        self.register_buffer("total", torch.zeros(3))
        self.register_buffer("mask", torch.ones(3, dtype=torch.bool), persistent=False)
        self.update = update

    def forward(self, x: torch.Tensor) -> Any:
        return self.update(self, x)


def assign(module: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(module, name, value)


BUFFER_WRITES = {
    "in place": lambda m, x: (m.total.add_(x.sum(0)), x + m.total)[1],
    "item": lambda m, x: (m.total.__setitem__(1, x.sum()), x + m.total)[1],
    "slice": lambda m, x: (m.total[1:].copy_(x[0, 1:]), x + m.total)[1],
    "view": lambda m, x: (m.total.view(3, 1)[0].fill_(5), x + m.total)[1],
    "by data": lambda m, x: (m.total.data.add_(x.sum(0)), x + m.total)[1],
    "detached": lambda m, x: (m.total.detach().mul_(0.5).add_(x[0]), x + m.total)[1],
    "out": lambda m, x: (torch.add(m.total, x[0], out=m.total), x + m.total)[1],
    "index_put": lambda m, x: (m.total.index_put_((torch.tensor([0, 2]),), x[0, :2], accumulate=True), x + m.total)[1],
    "masked": lambda m, x: (m.mask.logical_and_(x[0] > 0), m.total.masked_fill_(m.mask, 2.0), x + m.total)[2],
    "bound": lambda m, x: (assign(m, total=m.total + x.sum(0)), x + m.total)[1],
    "bound and written": lambda m, x: (assign(m, total=m.total + x[0]), m.total.mul_(2), x + m.total)[2],
    "bound to an input": lambda m, x: (x + m.total, assign(m, total=x[0].clone()))[0],
    "bound to a constant": lambda m, x: (x + m.total, assign(m, total=torch.arange(3.0)))[0],
    "registered anew": lambda m, x: (x + m.total, m.register_buffer("total", x[1] * 2))[0],
    "written and given": lambda m, x: m.total.add_(x[0]),
    "read, then written": lambda m, x: (x + m.total, m.total.add_(1))[0],
    "copied from the other": lambda m, x: (m.total.copy_(m.mask), x * m.total)[1],
    "under no_grad": torch.no_grad()(lambda m, x: (m.total.add_(x.sum(0)), x + m.total)[1]),
    "under inference_mode": torch.inference_mode()(lambda m, x: (m.total.add_(x.sum(0)), x + m.total)[1].clone()),
}


@pytest.mark.parametrize("update", BUFFER_WRITES.values(), ids=BUFFER_WRITES)
def test_a_write_to_a_buffer_is_part_of_the_program(update: Callable[..., Any]) -> None:
    calls_agree(WithBuffer(update), *three(2, 3))


INPUT_WRITES = {
    "in place": lambda x: (x.mul_(2), x + 1)[1],
    "item": lambda x: (x.__setitem__((slice(None), 0), 5.0), x + 1)[1],
    "view": lambda x: (x.view(-1)[2:4].zero_(), x * 1)[1],
    "transposed": lambda x: (x.t()[0].add_(1), x.sum())[1],
    "given back": lambda x: x.add_(1),
    "a view given back": lambda x: x.add_(1).view(-1),
    "twice": lambda x: (x.relu_(), x.sigmoid_(), x + 1)[2],
    "by relu in place": lambda x: F.relu(x, inplace=True) + 1,
    "by out": lambda x: torch.neg(x, out=x) * 2,
    "by set": lambda x: x.set_(torch.full((2, 3), 2.0)) + 1,
    "by data": lambda x: (assign(x, data=x * 2), x + 1)[1],
    "transposed in place and back": lambda x: x.t_().mul_(2).t_() + 1,
}


@pytest.mark.parametrize("function", INPUT_WRITES.values(), ids=INPUT_WRITES)
def test_a_write_to_an_input_is_part_of_the_program(function: Callable[..., Any]) -> None:
    calls_agree(Lambda(function), *three(2, 3))


RESHAPED_INPUTS = {
    "transpose": lambda x: x.t_().sum(0),
    "unsqueeze": lambda x: x.unsqueeze_(0) + 1,
    "resize": lambda x: x.resize_(3, 2) + 1,
    "set": lambda x: x.set_(torch.ones(4)) + 1,
    "data": lambda x: (assign(x, data=torch.ones(4)), x + 1)[1],
    "dtype of data": lambda x: (assign(x, data=x.double()), x + 1)[1],
}


@pytest.mark.parametrize("function", RESHAPED_INPUTS.values(), ids=RESHAPED_INPUTS)
def test_an_input_that_gets_another_shape_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="bind a new tensor"):
        tracejet.trace(Lambda(function), arg_inputs=[torch.ones(2, 3)])


PARAMETER_WRITES = {
    "data": lambda m, x: (m.weight.data.mul_(2), x * m.weight)[1],
    "no_grad": torch.no_grad()(lambda m, x: (m.weight.mul_(2), x * m.weight)[1]),
    "data bound": lambda m, x: (assign(m.weight, data=m.weight.data * 2), x * m.weight)[1],
}


class WithParameter(nn.Module):
    """Runs `update(self, x)`; has a parameter `weight` of three ones."""

    def __init__(self, update: Callable[[Any, torch.Tensor], Any]):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.update = update

    def forward(self, x: torch.Tensor) -> Any:
        return self.update(self, x)


@pytest.mark.parametrize("update", PARAMETER_WRITES.values(), ids=PARAMETER_WRITES)
def test_a_write_to_a_parameter_is_part_of_the_program(update: Callable[..., Any]) -> None:
    calls_agree(WithParameter(update), *three(2, 3))


def test_a_parameter_bound_to_another_one_is_refused() -> None:
    model = Lambda(lambda x: (assign(model, weight=nn.Parameter(model.weight * 2)), x * model.weight)[1])
    model.weight = nn.Parameter(torch.ones(3))
    before = snapshot(model)
    with pytest.raises(tracejet.Error, match="weight"):
        tracejet.trace(model, arg_inputs=[torch.ones(2, 3)])
    assert_unchanged(model, before)


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


# ---- sharing -------------------------------------------------------------------------------------------------------


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embed.weight
        self.norm = nn.LayerNorm(4)
        self.again = self.norm
        self.register_buffer("a", torch.zeros(4))
        self.register_buffer("b", self.a)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        self.a.add_(1)
        return self.head(self.again(self.norm(self.embed(tokens)))) + self.b.sum()


def test_tied_weights_and_shared_modules_are_one() -> None:
    model, eager = Tied(), Tied()
    eager.load_state_dict(model.state_dict())
    program = tracejet.trace(model, arg_inputs=[torch.arange(5)])
    assert program.state_dict["head.weight"] is program.state_dict["embed.weight"]
    assert set(program.state_dict) == set(model.state_dict())
    runner, tokens = program.module(), torch.arange(5)
    for _ in range(3):
        with torch.no_grad():
            torch.testing.assert_close(runner(tokens), eager(tokens))


def test_a_new_value_of_a_shared_weight_reaches_every_use() -> None:
    model, eager = Tied(), Tied()
    eager.load_state_dict(model.state_dict())
    runner = tracejet.trace(model, arg_inputs=[torch.arange(5)]).module()
    with torch.no_grad():
        for module in (eager, runner):
            dict(module.named_parameters())["embed.weight"].mul_(0.25)
        torch.testing.assert_close(runner(torch.arange(5)), eager(torch.arange(5)))


def test_parameters_that_are_views_of_one_another() -> None:
    base = torch.randn(2, 3)
    model = Lambda(lambda x: x * model.whole + model.row, whole=nn.Parameter(base), row=nn.Parameter(base[0]))
    assert_same_as_eager(model, [batch(2, 3)])


# ---- hooks ---------------------------------------------------------------------------------------------------------


def test_hooks_are_part_of_the_program() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    model[0].register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    model[1].register_forward_hook(lambda module, args, output: output + args[0].mean())
    model[2].register_forward_hook(lambda module, args, kwargs, output: output - 1, with_kwargs=True)
    model.register_forward_pre_hook(lambda module, args, kwargs: ((args[0] + 1,), kwargs), with_kwargs=True)
    model[2].register_full_backward_hook(lambda *_: None)
    assert_same_as_eager(model, [batch(3)])


def test_global_hooks_are_part_of_the_program() -> None:
    handles = [
        nn.modules.module.register_module_forward_pre_hook(lambda module, args: (args[0] + 1,)),
        nn.modules.module.register_module_forward_hook(lambda module, args, output: output * 2),
    ]
    model, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU()), torch.randn(2, 3)
    try:
        program = tracejet.trace(model, arg_inputs=[x])
        expected = model(x)
    finally:
        for handle in handles:
            handle.remove()
    torch.testing.assert_close(program.module()(x), expected)


def test_a_hook_that_gathers_activations_leaves_nothing_in_the_model() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    gathered: list[Any] = []
    model[0].register_forward_hook(lambda module, args, output: gathered.append(output))
    program = tracejet.trace(model, arg_inputs=[torch.ones(2, 3)])
    assert torch.equal(program.module()(torch.ones(2, 3)), model(torch.ones(2, 3)))


# ---- random numbers ------------------------------------------------------------------------------------------------

RANDOM = {
    "rand": lambda x: x + torch.rand(x.shape),
    "rand_like": lambda x: x + torch.rand_like(x),
    "randn": lambda x: x + torch.randn(x.shape[0], 3),
    "randn_like": lambda x: x * torch.randn_like(x),
    "randint": lambda x: x + torch.randint(0, 9, (x.shape[0], 3)),
    "randint_like": lambda x: x + torch.randint_like(x, 2, 9),
    "randperm": lambda x: x[:, torch.randperm(3)],
    "bernoulli": lambda x: torch.bernoulli(x.sigmoid()),
    "bernoulli of p": lambda x: torch.bernoulli(x, 0.3),
    "bernoulli in place": lambda x: torch.zeros_like(x).bernoulli_(0.4),
    "normal": lambda x: torch.normal(x, x.abs() + 1),
    "normal in place": lambda x: torch.zeros_like(x).normal_(1, 2),
    "uniform in place": lambda x: torch.zeros_like(x).uniform_(-1, 1),
    "exponential": lambda x: torch.zeros_like(x).exponential_(2.0),
    "multinomial": lambda x: torch.multinomial(x.softmax(-1), 2),
    "poisson": lambda x: torch.poisson(x.abs()),
    "dropout": lambda x: F.dropout(x, 0.4),
    "dropout in place": lambda x: F.dropout(x * 2, 0.4, inplace=True),
    "feature dropout": lambda x: F.dropout1d(x.unsqueeze(-1), 0.4),
    "alpha dropout": lambda x: F.alpha_dropout(x, 0.4, training=True),
    "rrelu": lambda x: F.rrelu(x, training=True),
    "gumbel": lambda x: F.gumbel_softmax(x),
    "unused": lambda x: (torch.rand(3), x + torch.rand(3))[1],
    "twice": lambda x: (torch.rand(3) - torch.rand(3)) + x,
}


@pytest.mark.parametrize("function", RANDOM.values(), ids=RANDOM)
def test_random_numbers_are_those_of_eager_from_the_same_seed(function: Callable[..., Any]) -> None:
    state = torch.get_rng_state()
    assert_same_as_eager(Lambda(function), [torch.randn(4, 3)])
    assert_same_as_eager(Lambda(function), [batch(3)])
    torch.set_rng_state(state)


def test_a_trace_draws_no_random_numbers() -> None:
    before = torch.get_rng_state()
    program = tracejet.trace(Lambda(lambda x: F.dropout(x + torch.rand(3), 0.5)), arg_inputs=[batch(3)])
    assert program.graph_module is not None
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("training", [False, True])
def test_dropout_follows_self_training(training: bool) -> None:
    model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Dropout1d(0.2)).train(training)
    assert_same_as_eager(model, [torch.randn(4, 3)])


def draw_apart() -> torch.Tensor:
    with torch.random.fork_rng(devices=[]):
        return torch.rand(3)


SEEDS = {
    "manual_seed": lambda: torch.manual_seed(3),
    "random.manual_seed": lambda: torch.random.manual_seed(3),
    "seed": lambda: torch.seed(),
    "set_rng_state": lambda: torch.set_rng_state(torch.get_rng_state()),
    "fork_rng": lambda: draw_apart(),
    "generator": lambda: torch.rand(3, generator=torch.Generator()),
    "cuda.manual_seed": lambda: torch.cuda.manual_seed(1),
}


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
def test_seeding_in_forward_is_refused(seed: Callable[[], Any]) -> None:
    before = torch.get_rng_state()
    try:
        with pytest.raises(tracejet.UnsupportedOperator, match="can't be part of a program"):
            tracejet.trace(Lambda(lambda x: (seed(), x + torch.rand(3))[1]), arg_inputs=[torch.ones(3)])
        assert torch.equal(torch.get_rng_state(), before)
    finally:
        torch.set_rng_state(before)


DRAWS = {
    "random": lambda x: x * random.random(),
    "numpy.random": lambda x: x * float(numpy.random.rand()),
    "random and numpy.random": lambda x: x * random.random() * float(numpy.random.rand()),
}


@pytest.mark.parametrize("place", DRAWS)
def test_random_numbers_of_others_are_warned_of(place: str) -> None:
    with pytest.warns(UserWarning, match=f"forward draws from {place}, and the program keeps"):
        tracejet.trace(Lambda(DRAWS[place]), arg_inputs=[torch.ones(3)])


# ---- globals -------------------------------------------------------------------------------------------------------

TABLE = torch.arange(3.0)


def test_global_tensors_are_constants() -> None:
    program = assert_same_as_eager(Lambda(lambda x: x + TABLE + torch.ones(3)), [batch(3)])
    kinds = [spec.kind.name for spec in program.graph_signature.input_specs]
    assert kinds.count("CONSTANT_TENSOR") == 1


def test_a_write_to_a_global_tensor_is_refused() -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="no buffer of it, in place"):
        tracejet.trace(Lambda(lambda x: TABLE.add_(1) + x), arg_inputs=[torch.ones(3)])
    assert torch.equal(TABLE, torch.arange(3.0))


# ---- modules that read their data ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.LazyLinear(4),
        lambda: nn.LazyConv2d(4, 3),
        lambda: nn.LazyBatchNorm1d(),
        lambda: nn.Sequential(nn.Identity(), nn.LazyLinear(2)),
    ],
)
def test_a_lazy_module_is_refused_before_anything_runs(make: Callable[[], nn.Module]) -> None:
    with pytest.raises(tracejet.InvalidInput, match=r"(weight|1\.weight) has no shape yet.*call the model once"):
        tracejet.trace(make(), arg_inputs=[torch.randn(2, 3, 8, 8)])


def test_a_lazy_module_that_has_been_called_is_like_any_other() -> None:
    model = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d())
    model(torch.randn(2, 3))
    assert_same_as_eager(model.eval(), [batch(3)])


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dims", [1, 2])
def test_batch_norm_that_averages_over_all_batches(training: bool, dims: int) -> None:
    norm = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}[dims](3, momentum=None).train(training)
    size = {1: (3,), 2: (3, 5, 4)}[dims]
    calls_agree(norm, *three(4, *size))
    assert_same_as_eager(norm, [batch(*size, low=2)])


def transformer_call(encoder: nn.Module, *, causal: bool) -> nn.Module:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
            if causal:
                mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
            return self.encoder(x, mask)

    return Masked().eval()


def encoder() -> nn.Module:
    torch.manual_seed(0)
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()


def test_a_transformer_encoder_with_a_mask_of_the_users() -> None:
    model = transformer_call(encoder(), causal=False)
    causal = nn.Transformer.generate_square_subsequent_mask(5)
    program = tracejet.trace(model, arg_inputs=[batch(5, 8), causal])
    for mask in (causal, torch.zeros(5, 5), causal.t().contiguous()):
        x = torch.randn(3, 5, 8)
        torch.testing.assert_close(program.module()(x, mask), model(x, mask))


def test_a_transformer_encoder_with_a_causal_mask_of_its_own() -> None:
    model = transformer_call(encoder(), causal=True)
    assert_same_as_eager(model, [batch(5, 8)])
    sequence = tracejet.Input(min_shape=(1, 2, 8), opt_shape=(2, 5, 8), max_shape=(4, 9, 8))
    assert_same_as_eager(model, [sequence])


def test_a_transformer_with_masks() -> None:
    torch.manual_seed(0)
    model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True).eval()
    masks = {
        "src_mask": torch.zeros(5, 5),
        "tgt_mask": nn.Transformer.generate_square_subsequent_mask(4),
        "src_key_padding_mask": torch.zeros(2, 5, dtype=torch.bool),
    }
    program = tracejet.trace(model, arg_inputs=[torch.randn(2, 5, 8), torch.randn(2, 4, 8)], kwarg_inputs=masks)
    masks["src_key_padding_mask"] = torch.tensor([[False] * 5, [False, False, True, True, True]])
    masks["src_mask"] = torch.randn(5, 5)
    source, target = torch.randn(2, 5, 8), torch.randn(2, 4, 8)
    torch.testing.assert_close(program.module()(source, target, **masks), model(source, target, **masks))


# ---- modules that are wrapped --------------------------------------------------------------------------------------


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.ReLU())


WRAPPED = {
    "compiled": lambda: torch.compile(network()),
    "a compiled part": lambda: nn.Sequential(torch.compile(network()), nn.Tanh()),
    "scripted": lambda: torch.jit.script(network().eval()),
    "a scripted part": lambda: nn.Sequential(torch.jit.script(network()), nn.Tanh()),
    "traced by torch.jit": lambda: torch.jit.trace(network().eval(), torch.randn(2, 3)),
    "weight norm": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)),
    "spectral norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3)),
    "fx": lambda: torch.fx.symbolic_trace(network()),
    "exported": lambda: torch.export.export(network().eval(), (torch.randn(2, 3),)).module(),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
@pytest.mark.parametrize("make", WRAPPED.values(), ids=WRAPPED)
def test_wrapped_modules_are_followed(make: Callable[[], nn.Module]) -> None:
    model, eager = make(), make()
    eager.load_state_dict(model.state_dict())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    runner = tracejet.trace(model, arg_inputs=[torch.randn(2, 3)]).module()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    for _ in range(2):
        x = torch.randn(2, 3)
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            torch.testing.assert_close(runner(x), eager(x))


def test_data_parallel_is_the_module_that_it_wraps() -> None:
    """Also where there are GPUs to spread over."""
    model = nn.DataParallel(network().eval())  # on a GPU where there is one
    x = torch.randn(2, 3, device=next(model.parameters()).device)
    with torch.no_grad():
        torch.testing.assert_close(tracejet.trace(model, arg_inputs=[x]).module()(x), model.module(x))


def test_marks_for_a_profiler_leave_no_nodes() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        with torch.profiler.record_function("block"):
            return x.relu() + 1

    program = assert_same_as_eager(Lambda(forward), [batch(3)])
    assert {node.target for node in program.graph.nodes if node.op == "call_function"} == {
        torch.ops.aten.relu.default,
        torch.ops.aten.add.Tensor,
    }
