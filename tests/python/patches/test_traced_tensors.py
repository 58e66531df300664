"""What Python may do with a tensor while it is traced, and after: as eager does it, or an error. Never garbage."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda, batch

# ---- reads ---------------------------------------------------------------------------------------------------------

READS = {
    "numpy": lambda x: torch.from_numpy(x.numpy()),
    "numpy by force": lambda x: torch.from_numpy(x.numpy(force=True)),
    "asarray": lambda x: torch.from_numpy(numpy.asarray(x)),
    "array protocol": lambda x: torch.from_numpy(numpy.add(x, 1)),
    "dlpack": lambda x: torch.from_dlpack(torch.utils.dlpack.to_dlpack(x)),
    "data_ptr": lambda x: x + x.data_ptr(),
    "untyped_storage": lambda x: x + x.untyped_storage()[0],
    "storage": lambda x: x + x.storage()[0],
    "storage as bytes": lambda x: x + len(bytes(x.untyped_storage())),
    "storage as list": lambda x: x + len(x.untyped_storage().tolist()),
    "bool": lambda x: x if x[0] else -x,
    "format": lambda x: x + len(f"{x[0]:.3f}"),
    "index": lambda x: x + [1.0, 2.0][x[0].long()],
    "range": lambda x: sum(range(x[0].long())) + x,
    "in": lambda x: x + 1 if 3.0 in x else x,
    "equal": lambda x: x + 1 if torch.equal(x, x * 2) else x,
    "allclose": lambda x: x + 1 if torch.allclose(x, x * 2) else x,
    "max of Python": lambda x: max(x[0], x[1]),
    "sorted": lambda x: sorted([x[0], x[1]])[0],
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "save": lambda x: torch.save(x, io.BytesIO()) or x,
    "share memory": lambda x: x.share_memory_() + 1,
    "is_pinned": lambda x: x + x.is_pinned(),
}


@pytest.mark.parametrize("made", [lambda x: x, lambda x: (x * 2).view(-1)[1:]], ids=["input", "view"])
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_read_of_data_that_is_not_there_raises(read: Callable[..., Any], made: Callable[..., Any]) -> None:
    with pytest.raises(tracejet.Error):
        tracejet.trace(Lambda(lambda x: read(made(x))), arg_inputs=[torch.ones(3)])


READ_NUMBERS = {
    "tolist": lambda x: x.tolist()[0],
    "item": lambda x: x[0].item(),
    "float": lambda x: float(x[0]),
    "int": lambda x: int(x[0]),
}


@pytest.mark.parametrize("made", [lambda x: x, lambda x: (x * 2).view(-1)[1:]], ids=["input", "view"])
@pytest.mark.parametrize("read", READ_NUMBERS.values(), ids=READ_NUMBERS)
def test_numbers_that_are_read_are_those_of_the_call(read: Callable[..., Any], made: Callable[..., Any]) -> None:
    model = Lambda(lambda x: x + read(made(x)))
    program = tracejet.trace(model, arg_inputs=[torch.ones(3)])
    x = torch.tensor([1.75, -2.5, 3.0])
    assert torch.equal(program.module()(x), model(x))


class Reads(nn.Module):
    def __init__(self, read: Callable[..., Any], kind: str) -> None:
        super().__init__()
        self.read = read
        if kind == "parameter":
            self.weight = nn.Parameter(torch.ones(3))
        else:
            self.register_buffer("weight", torch.ones(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.read(self.weight)


STATE_READS = {
    "numpy": lambda w: float(w.detach().numpy()[0]),
    "numpy of a buffer": lambda w: float(w.data.numpy()[0]),
}


@pytest.mark.parametrize("kind", ["parameter", "buffer"])
@pytest.mark.parametrize("read", STATE_READS.values(), ids=STATE_READS)
def test_values_of_parameters_and_buffers_never_become_constants(read: Callable[..., Any], kind: str) -> None:
    with pytest.raises(tracejet.DataDependent):
        tracejet.trace(Reads(read, kind), arg_inputs=[torch.ones(3)])


@pytest.mark.parametrize("kind", ["parameter", "buffer"])
@pytest.mark.parametrize("read", READ_NUMBERS.values(), ids=READ_NUMBERS)
def test_numbers_of_parameters_and_buffers_are_read_when_the_program_runs(read: Callable[..., Any], kind: str) -> None:
    model = Reads(read, kind)
    run = tracejet.trace(model, arg_inputs=[torch.ones(3)]).module()
    model.weight.data.mul_(-2.5)
    assert torch.equal(run(torch.ones(3)), torch.full((3,), float(read(model.weight))))


PLAIN_SIZES = {
    "resize": lambda x: (x * 2).resize_(2, 2),
}


@pytest.mark.parametrize("function", PLAIN_SIZES.values(), ids=PLAIN_SIZES)
def test_what_takes_sizes_as_plain_numbers_is_refused_with_its_line(function: Callable[..., Any]) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match=r"sizes.*\n.*test_traced_tensors\.py:\d+"):
        tracejet.trace(Lambda(function), arg_inputs=[batch(3)])


# ---- text ----------------------------------------------------------------------------------------------------------


def test_a_traced_tensor_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        y = x.half() + 1
        print(x, [y])
        return y

    tracejet.trace(Lambda(forward), arg_inputs=[batch(3)])
    text = capsys.readouterr().out
    assert "size=(4, 3), dtype=torch.float32" in text
    assert "dtype=torch.float16" in text
    assert repr(torch.ones(1)) == "tensor([1.])"


def test_a_size_can_be_printed() -> None:
    texts = []

    def forward(x: torch.Tensor) -> torch.Tensor:
        texts.append(f"{x.shape[0]} {x.shape[0] * 2} {x.shape}")
        return x + 1

    assert_same_as_eager(Lambda(forward), [batch(3)])
    assert texts[0].startswith("4 8 ")  # as in eager, of the size that is traced


# ---- copies --------------------------------------------------------------------------------------------------------


def write_to_copy(copied: Callable[..., Any]) -> Callable[..., Any]:
    def forward(x: torch.Tensor) -> Any:
        y = x * 2
        z = copied(y)
        z.add_(1)
        return y, z

    return forward


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda y: copy.deepcopy([y, y])[0], lambda y: copy.deepcopy({"k": y})["k"]],
    ids=["copy", "deepcopy", "in a list", "in a dict"],
)
def test_copies(copied: Callable[..., Any]) -> None:
    assert_same_as_eager(Lambda(write_to_copy(copied)), [batch(3)])


def test_a_deep_copy_keeps_tensors_that_are_one() -> None:
    def forward(x: torch.Tensor) -> Any:
        y = x + 1
        a, b = copy.deepcopy([y, y])
        a.mul_(2)
        return b, y

    assert_same_as_eager(Lambda(forward), [batch(3)])


class CopiesALayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.linear = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        norm, linear = copy.deepcopy(self.norm), copy.copy(self.linear)
        return norm(x) + linear(x)


@pytest.mark.parametrize("training", [False, True])
def test_a_copy_of_a_layer_still_has_the_models_weights(training: bool) -> None:
    model = CopiesALayer().train(training)
    program = assert_same_as_eager(model, [batch(3, low=2)])
    assert set(program.state_dict) == set(model.state_dict())
    assert not any(spec.kind.name == "CONSTANT_TENSOR" for spec in program.graph_signature.input_specs)


# ---- tensors from numbers ------------------------------------------------------------------------------------------

FROM_NUMBERS = {
    "tensor of a size": lambda x: torch.tensor(x.shape[0]),
    "tensor of sizes": lambda x: torch.tensor([x.shape[0], 7, x.shape[1]]),
    "tensor of nested sizes": lambda x: torch.tensor([[x.shape[0], 1], [2, x.shape[0] * 3]]),
    "tensor of sizes and floats": lambda x: torch.tensor([x.shape[0], 0.5]),
    "tensor of a quotient": lambda x: torch.tensor(x.shape[0] / 3),
    "tensor of a size as float": lambda x: torch.tensor([x.shape[0]], dtype=torch.float16),
    "tensor of a shape": lambda x: torch.tensor(x.shape),
    "as_tensor of a size": lambda x: torch.as_tensor(x.shape[0]),
    "as_tensor of sizes": lambda x: torch.as_tensor([x.shape[0], 2], dtype=torch.int32),
    "tensor of a comparison": lambda x: torch.tensor([x.shape[0] * 2, True]),
    "tensor of tensors": lambda x: torch.tensor([x.sum(), x.mean(), 2.0]),
    "tensor of a tensor": lambda x: torch.tensor(x),
    "tensor of integers and tensors": lambda x: torch.tensor([3, x.long().sum()]),
    "asarray of sizes": lambda x: torch.asarray([x.shape[0], 2]),
    "new_tensor": lambda x: x.new_tensor([1, 2, 3]) + x,
    "new_tensor of sizes": lambda x: x.new_tensor([x.shape[0], 2], dtype=torch.int32),
    "new_tensor of a tensor": lambda x: x.long().new_tensor(x),
    "new of sizes": lambda x: x.new(2, 3).fill_(1),
    "new of a shape": lambda x: x.new(x.shape).zero_(),
    "new of numbers": lambda x: x.new([x.shape[0], 2]),
    "full": lambda x: torch.full((2,), x.shape[0]),
    "full of floats": lambda x: torch.full((2, 2), x.shape[0] * 0.5),
    "full_like": lambda x: torch.full_like(x, x.shape[0] / 2),
    "new_full": lambda x: x.new_full((3,), x.shape[0]),
    "scalar_tensor": lambda x: torch.scalar_tensor(x.shape[0]),
    "arange": lambda x: torch.arange(0, x.shape[0] * 2, 2),
    "linspace": lambda x: torch.linspace(0, 1, 4) * x.shape[0],
    "times": lambda x: x * x.shape[0],
    "over": lambda x: x / x.shape[0],
    "floor over": lambda x: (x * 10) // x.shape[0],
    "remainder": lambda x: (x * 10) % x.shape[0],
    "root": lambda x: x * x.shape[0] ** 0.5,
    "reciprocal root": lambda x: x * x.shape[0] ** -0.5,
    "square": lambda x: x * x.shape[0] ** 2,
    "power": lambda x: x ** (x.shape[0] / 4),
    "base": lambda x: x.shape[0] ** x,
    "rounded": lambda x: x * round(x.shape[0] / 3),
    "least": lambda x: x * torch.sym_min(x.shape[0], 5) + torch.sym_max(x.shape[0], 3),
    "in place": lambda x: (x + 1).mul_(x.shape[0]).add_(1, alpha=x.shape[0]),
    "item assignment": lambda x: torch.zeros(3).index_fill(0, torch.tensor([1]), x.shape[0]),
    "where": lambda x: torch.where(x > 1, x.shape[0], x),
    "clamp": lambda x: x.clamp(0, x.shape[0] / 9),
    "masked_fill": lambda x: x.masked_fill(x > 1, x.shape[0]),
}


@pytest.mark.parametrize("function", FROM_NUMBERS.values(), ids=FROM_NUMBERS)
def test_a_number_that_comes_from_a_size_keeps_its_value(function: Callable[..., Any]) -> None:
    assert_same_as_eager(Lambda(function), [batch(3)])


def test_torch_tensor_makes_a_new_tensor() -> None:
    def forward(x: torch.Tensor) -> Any:
        y = torch.tensor([x.shape[0], 1.0])
        y[0] = 5.0
        return y, torch.as_tensor(x) is x

    assert_same_as_eager(Lambda(forward), [batch(3)])


# ---- after the trace -----------------------------------------------------------------------------------------------

USES = {
    "add": lambda x: x + 1,
    "view": lambda x: x.view(-1),
    "in place": lambda x: x.add_(1),
    "with a real tensor": lambda x: torch.ones(3) + x,
    "item": lambda x: x.sum().item(),
    "bool": lambda x: bool(x[0] > 0),
    "tolist": lambda x: x.tolist(),
    "numpy": lambda x: x.numpy(),
    "data_ptr": lambda x: x.data_ptr(),
    "storage": lambda x: x.untyped_storage()[0],
    "repr": lambda x: repr(x),
    "deepcopy": lambda x: copy.deepcopy(x),
    "pickle": lambda x: pickle.dumps(x),
    "into a module": lambda x: nn.Linear(3, 3)(x),
}


@pytest.mark.parametrize("made", [lambda x: x, lambda x: x + 1, lambda x: (x + 1).view(1, -1)[0]])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_tensor_that_outlives_its_trace_can_not_be_used(use: Callable[..., Any], made: Callable[..., Any]) -> None:
    leaked = []
    tracejet.trace(Lambda(lambda x: leaked.append(made(x)) or x * 1), arg_inputs=[torch.ones(3)])
    with pytest.raises(RuntimeError, match="trace|storage|data"):
        use(leaked[0])


def test_a_tensor_that_outlives_its_trace_is_refused_in_the_next_one_with_the_operator() -> None:
    leaked = []
    tracejet.trace(Lambda(lambda x: leaked.append(x + 1) or x), arg_inputs=[torch.ones(3)])
    with pytest.raises(tracejet.Error, match=r"\[aten::add.Tensor\].*another trace.*\n.*test_traced_tensors\.py:\d+"):
        tracejet.trace(Lambda(lambda x: x + leaked[0]), arg_inputs=[torch.ones(3)])
    with pytest.raises(tracejet.Error, match="another trace"):
        tracejet.trace(Lambda(lambda x: leaked[0]), arg_inputs=[torch.ones(3)])


def test_what_a_trace_lends_to_tensors_is_gone_after_it() -> None:
    names = (
        "tolist",
        "data",
        "new_tensor",
        "numpy",
        "__repr__",
        "__copy__",
        "__deepcopy__",
        "__reduce_ex__",
        "device",
        "is_cuda",
    )
    before = {name: getattr(torch.Tensor, name, None) for name in names}
    functions = torch.tensor, torch.as_tensor, torch.manual_seed, nn.BatchNorm2d.forward
    tracejet.trace(Lambda(lambda x: x + 1), arg_inputs=[torch.ones(3)], device="cuda")
    assert {name: getattr(torch.Tensor, name, None) for name in names} == before
    assert (torch.tensor, torch.as_tensor, torch.manual_seed, nn.BatchNorm2d.forward) == functions
