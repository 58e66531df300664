"""Tensors of classes with their own way with operators: unwrapped, or refused by name."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.testing._internal.two_tensor import TwoTensor

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda, batch


def two(*shape: int) -> TwoTensor:
    return TwoTensor(torch.randn(shape), torch.randn(shape))


class TwoLinear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 4)
        self.linear.weight = nn.Parameter(two(4, 8), requires_grad=False)
        self.register_buffer("scale", two(4))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = torch.relu(self.linear(x)) * self.scale
        return y.a, y.b


def test_parameters_are_the_tensors_that_they_wrap() -> None:
    model = TwoLinear()
    program = assert_same_as_eager(model, [batch(8)])
    # The names of torch.export, after run_decompositions().
    wrapped = ["linear.parametrizations.weight.original0", "linear.parametrizations.weight.original1"]
    assert sorted(program.state_dict) == sorted(
        ["linear.bias", *wrapped, "parametrizations.scale.original0", "parametrizations.scale.original1"]
    )
    assert all(type(tensor) in (nn.Parameter, torch.Tensor) for tensor in program.state_dict.values())
    assert program.state_dict[wrapped[1]].data_ptr() == model.linear.weight.b.data_ptr()


def test_programs_of_wrapped_parameters_are_compiled_and_saved() -> None:
    model, x = TwoLinear(), torch.randn(5, 8)
    program = tracejet.trace(model, arg_inputs=[batch(8)])
    for engine in ("aten", "openvino"):
        torch.testing.assert_close(tracejet.compile(program, engine=engine)(x), model(x), atol=1e-5, rtol=1e-5)
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    torch.testing.assert_close(torch.export.load(file).module()(x), model(x))


def wrapped_inside(x: torch.Tensor) -> Any:
    y = TwoTensor(x, x + 1)
    y = (y @ y.transpose(0, 1)).softmax(-1)[:, 0].sum()
    return y.a, y.b


def nested_wrappers(x: torch.Tensor) -> Any:
    y = torch.cat([TwoTensor(TwoTensor(x, x * 2), TwoTensor(x * 3, x * 4))] * 2).exp()
    return y.a.b, y.b.a


def autocast(x: torch.Tensor) -> Any:
    y = TwoTensor(x, x * 2)
    with torch.autocast("cpu", torch.bfloat16):
        y = y @ y.t()
    return y.a, y.b


def inference_mode(x: torch.Tensor) -> Any:
    with torch.inference_mode():
        y = nn.functional.linear(TwoTensor(x, x * 2), torch.ones(3, 8))
        return y.a, y.b


def masked(x: torch.Tensor) -> torch.Tensor:
    return torch.masked.masked_tensor(x, x > 0).sum(1).to_tensor(0.0)


def jagged(x: torch.Tensor) -> torch.Tensor:
    rows = torch.nested.nested_tensor_from_jagged(x, torch.tensor([0, 1, 2]))
    return (rows * 2).sum(-1).values()


@pytest.mark.filterwarnings("ignore:The PyTorch API of")
@pytest.mark.parametrize("function", [wrapped_inside, nested_wrappers, autocast, inference_mode, masked, jagged])
def test_classes_compute_inside_of_forward(function: Callable[[torch.Tensor], Any]) -> None:
    assert_same_as_eager(Lambda(function), [batch(8, low=2)])


class Doubling(torch.Tensor):
    """Has its own way with functions."""

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            result = function(*args, **(kwargs or {}))
        return result * 2 if function is torch.Tensor.mul else result


class Marked(nn.Parameter):
    """A parameter that somebody has marked."""


def test_classes_of_parameters_do_their_work_once() -> None:
    scale, x = torch.randn(8).as_subclass(Doubling), torch.randn(3, 8)
    model = Lambda(lambda x: x.mul(scale), scale=nn.Buffer(scale))
    program = tracejet.trace(model, arg_inputs=[batch(8)])
    for run in (program.module(), tracejet.compile(program, engine="aten")):
        torch.testing.assert_close(run(x), x * scale.as_subclass(torch.Tensor) * 2)


def test_parameters_of_other_classes_are_parameters() -> None:
    linear = nn.Linear(8, 4)
    linear.weight = Marked(linear.weight.detach())
    program = assert_same_as_eager(linear, [batch(8)])
    assert type(program.state_dict["weight"]) is nn.Parameter


class Opaque(torch.Tensor):
    """Says what operators do, and not what it wraps."""

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Opaque:
        self = torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)
        self.inner = inner
        return self

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function(*(arg.inner if isinstance(arg, Opaque) else arg for arg in args), **(kwargs or {}))


def holding(name: str, tensor: torch.Tensor) -> nn.Module:
    model = Lambda(lambda x: x * 2)
    model.register_buffer(name, tensor)
    return model


def test_classes_that_say_nothing_of_their_insides_may_be_constants() -> None:
    secret = Opaque(torch.randn(8))
    assert_same_as_eager(Lambda(lambda x: x + secret), [batch(8)])


STATE = {
    "a wrapper": (Opaque(torch.ones(8)), "state is a .*Opaque, a class with __torch_dispatch__ .* __tensor_flatten__"),
    "quantized storage": (
        torch.quantize_per_tensor(torch.ones(8), 0.1, 0, torch.quint8),
        "state has quantized storage .* quantize with torchao instead",
    ),
    "sparse": (torch.eye(8).to_sparse(), r"state is a tensor of layout torch.sparse_coo; .* \.to_dense\(\)"),
    "nested": (torch.nested.nested_tensor([torch.ones(2)]), r"state is a tensor of layout nested; .*to_padded_tensor"),
    "mkldnn": (torch.ones(2).to_mkldnn(), r"state is a tensor of layout torch._mkldnn; .* \.to_dense\(\)"),
}


@pytest.mark.parametrize(("tensor", "message"), STATE.values(), ids=STATE)
def test_state_that_no_program_can_hold_is_refused(tensor: torch.Tensor, message: str) -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match=message):
        tracejet.trace(holding("state", tensor), arg_inputs=[batch(8)])


INPUTS = {
    "a wrapper": (two(3, 8), "input: expected a plain tensor, got a .*TwoTensor"),
    "own functions": (torch.ones(8).as_subclass(Doubling), "input: expected a plain tensor, got a .*Doubling"),
    "quantized storage": (
        torch.quantize_per_tensor(torch.ones(8), 0.1, 0, torch.quint8),
        r"input: expected a plain tensor, got a quantized one; pass .dequantize\(\)",
    ),
    "sparse": (torch.eye(8).to_sparse(), "input: expected a dense tensor, got layout torch.sparse_coo"),
    "nested": (torch.nested.nested_tensor([torch.ones(2)]), "input: expected a dense tensor, got a nested one"),
    "mkldnn": (torch.ones(2).to_mkldnn(), "input: expected a dense tensor, got layout torch._mkldnn"),
}


@pytest.mark.parametrize(("tensor", "message"), INPUTS.values(), ids=INPUTS)
def test_inputs_that_no_program_can_take_are_refused(tensor: torch.Tensor, message: str) -> None:
    with pytest.raises(tracejet.InvalidInput, match=message):
        tracejet.trace(nn.ReLU(), arg_inputs=[tensor])


MADE_INSIDE = {
    "a wrapper is returned": (lambda x: TwoTensor(x, x), tracejet.InvalidInput, "returns a .*TwoTensor, which wraps"),
    "sparse": (lambda x: x.to_sparse().to_dense(), tracejet.UnsupportedOperator, "makes a sparse tensor"),
    "compressed": (lambda x: x.to_sparse_csr().to_dense(), tracejet.UnsupportedOperator, "makes a sparse tensor"),
    "mkldnn": (lambda x: x.to_mkldnn().to_dense(), tracejet.UnsupportedOperator, "makes an MKL-DNN tensor"),
    "nested": (
        lambda x: torch.nested.nested_tensor([x[0], x[1]]).to_padded_tensor(0.0),
        tracejet.UnsupportedOperator,
        "makes a nested tensor",
    ),
    "quantized": (
        lambda x: torch.quantize_per_tensor(x, 0.1, 3, torch.quint8).dequantize(),
        tracejet.UnsupportedOperator,
        "makes a tensor with quantized storage",
    ),
}


@pytest.mark.parametrize(("function", "kind", "message"), MADE_INSIDE.values(), ids=MADE_INSIDE)
def test_what_forward_makes_and_no_program_can_hold_is_refused(
    function: Callable[[torch.Tensor], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        tracejet.trace(Lambda(function), arg_inputs=[batch(8, low=2)])
