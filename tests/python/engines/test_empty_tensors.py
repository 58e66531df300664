"""Programs whose axes may be 0 compute at 0, and elsewhere, what eager computes: on every engine."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils import _pytree as pytree

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tests.support.onnx_runtime import OnnxRuntime
from tracejet import Input

#: Either axis may be 0, and both.
SIZES = [(3, 4), (0, 4), (3, 0), (0, 0), (1, 2), (6, 6)]


def declared() -> Input:
    return Input(min_shape=(0, 0, 2), opt_shape=(3, 4, 2), max_shape=(6, 6, 2), shared_dims={0: "n", 1: "m"})


@pytest.mark.parametrize("runtime", ["aten", "openvino", "onnxruntime"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.view(x.shape[0], x.shape[1] * 2) + 1,
        lambda x: x.view(x.shape[0] * x.shape[1], 2) + 1,
        lambda x: x.view(x.shape[0] * x.shape[1], 2).view(x.shape[0], x.shape[1], 2) * 2,
        lambda x: x.unsqueeze(0).reshape(1, x.shape[0] * x.shape[1] * 2).exp(),
        lambda x: F.pad(x, (1, 0))[:, None].view(x.shape[0], x.shape[1], 3) * 2,
        lambda x: x.reshape(-1, 2).sum(0),
        lambda x: x.diagonal() + 1,
        lambda x: torch.kron(x[..., 0], x[..., 1]),
        lambda x: F.group_norm(x.transpose(1, 2), 2),
        lambda x: F.group_norm(x.transpose(1, 2), 1, torch.ones(2) * 2, torch.ones(2)),
        lambda x: torch.arange(6)[(x.argmax(2) % max(x.shape[0], 1))],
        lambda x: (x.argmax(2) + 7) % x.shape[0] + (x.argmax(2) + 9) // x.shape[1],
        lambda x: torch.fmod(x.argmax(2) + 5, x.shape[1]),
        lambda x: x.topk(x.shape[0] // 2, 0),
        lambda x: x.topk(x.shape[1] // 4, 1).values,
        lambda x: x.repeat(1, x.shape[1] - 1, 1),
        lambda x: x.tile(x.shape[0] - 1, 1, 1),
    ],
)
def test_empty_tensors(function: Callable[..., Any], runtime: str, tmp_path):
    model = Lambda(function)
    program = tracejet.trace(model, arg_inputs=[declared()])
    if runtime == "onnxruntime":
        session = OnnxRuntime(program, str(tmp_path / "model.onnx"))
        run: Callable[..., Any] = lambda x: pytree.tree_unflatten(session(x), program.call_spec.out_spec)  # noqa: E731
    else:
        run = tracejet.compile(program, engine=runtime)
    for n, m in SIZES:
        x = torch.randn(n, m, 2, generator=torch.Generator().manual_seed(n * 7 + m))
        assert_equal(model(x), run(x), 1e-5, f"at {n}, {m}: ", least_scale=1.0)


#: What asks for a negative size where n is small, which eager refuses.
NEGATIVE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "zeros": lambda x: x.new_zeros(x.shape[0] - 1, 2) + x.sum(),
    "full": lambda x: torch.full((x.shape[0] - 3,), 2.0) + x.sum(),
    "expand": lambda x: x.sum().expand(x.shape[0] - 1),
    "split": lambda x: torch.split(x, [x.shape[0] - 1, 1])[0],
    "repeat": lambda x: x.repeat(x.shape[0] - 2, 1, 1),
    "pad": lambda x: F.pad(x, (0, 0, 0, 0, 0, x.shape[0] - 3)).sum(0),
    "a size of it": lambda x: x * x.new_zeros(x.shape[0] - 1).shape[0],
    "nothing of it": lambda x: [x.new_zeros(x.shape[0] - 1), x * 2][1],
    "a size of a part": lambda x: x * torch.split(x, [x.shape[0] - 1, 1])[0].shape[0],
}


NEGATIVE_HERE = r"\[aten::.*negative here(.|\n)*test_empty_tensors"


@pytest.mark.parametrize("engine", ["aten", "openvino"])
@pytest.mark.parametrize("name", NEGATIVE)
def test_a_negative_size_is_refused_with_its_operator_and_line(name: str, engine: str):
    model = Lambda(NEGATIVE[name])
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[declared()]), engine=engine)
    refused = 0
    for n, m in SIZES:
        x = torch.randn(n, m, 2)
        try:
            expected = model(x)
        except RuntimeError:
            refused += 1
            with pytest.raises(tracejet.InvalidInput, match=NEGATIVE_HERE) as raised:
                compiled(x)
            assert raised.value.code == tracejet.ErrorCode.RUNTIME_ASSERTION
        else:
            assert_equal(expected, compiled(x), 1e-5, f"at {n}, {m}: ")
    assert refused


#: What divides integers by a size, which eager refuses where it is 0 and there is something to divide.
DIVIDED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "remainder": lambda x: x.int() % (x.shape[0] - 1),
    "floor": lambda x: x.int() // (x.shape[0] - 3) + 1,
    "fmod": lambda x: torch.fmod(x.int(), x.shape[0]) + 1,
    "a size of it": lambda x: x * (x.int() % (x.shape[0] - 1)).shape[1],
    "nothing of it": lambda x: [x.int() // (x.shape[0] - 1), x * 2][1],
    "nothing of it, rounded to zero": lambda x: [torch.div(x.int(), x.shape[0] - 3, rounding_mode="trunc"), x * 2][1],
}


@pytest.mark.parametrize("engine", ["aten", "openvino"])
@pytest.mark.parametrize("name", DIVIDED)
def test_an_integer_that_is_divided_by_a_size_of_0_is_refused(name: str, engine: str):
    model = Lambda(DIVIDED[name])
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[declared()]), engine=engine)
    refused = 0
    for n, m in SIZES:
        x = torch.randn(n, m, 2)
        try:
            expected = model(x)
        except RuntimeError:
            refused += 1
            with pytest.raises(tracejet.InvalidInput, match=r"\[aten::.*is 0 here(.|\n)*test_empty_tensors") as raised:
                compiled(x)
            assert raised.value.code == tracejet.ErrorCode.RUNTIME_ASSERTION
        else:
            assert_equal(expected, compiled(x), 1e-5, f"at {n}, {m}: ")
    assert refused or "fmod" in name


@pytest.mark.parametrize("runtime", ["aten", "openvino", "onnxruntime"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, i: x.gather(0, i),
        lambda x, i: x.gather(1, i.mT % 2),
        lambda x, i: x.scatter(0, i, 3.0),
        lambda x, i: x.scatter(0, i, torch.cat([x, x], 1) * 2),
        lambda x, i: x.scatter_add(0, i, torch.cat([x, x], 1)),
        lambda x, i: x.scatter_add(0, i, x),
        lambda x, i: x.scatter_reduce(0, i, x, "amax") + x.gather(0, i).sum(),
        lambda x, i: x.int().scatter_add(0, i, x.int()),
    ],
)
def test_an_empty_index_may_be_larger_than_what_it_walks_through(function: Callable[..., Any], runtime: str, tmp_path):
    model = Lambda(function)
    square = Input(min_shape=(0, 0), opt_shape=(3, 3), max_shape=(6, 6), shared_dims={0: "m", 1: "m"})
    index = Input(min_shape=(0, 2), opt_shape=(2, 2), max_shape=(6, 2), dtype=torch.int64, shared_dims={0: "n"})
    program = tracejet.trace(model, arg_inputs=[square, index])
    if runtime == "onnxruntime":
        session = OnnxRuntime(program, str(tmp_path / "model.onnx"))
        run: Callable[..., Any] = lambda *args: session(*args)[0]  # noqa: E731
    else:
        run = tracejet.compile(program, engine=runtime)
    for m, n in [(3, 2), (1, 0), (0, 0), (2, 1), (6, 6), (1, 0), (6, 0)]:
        x, i = torch.randn(m, m), torch.randint(0, max(m, 1), (n, 2))
        if n <= m:
            i = i if m < 2 or n < 2 else torch.stack([torch.randperm(m)[:n], torch.randperm(m)[:n]], 1)
        assert_equal(model(x, i), run(x, i), 1e-5, f"at {m}, {n}: ", least_scale=1.0)


@pytest.mark.parametrize("tracked", [False, True])
@pytest.mark.parametrize("runtime", ["aten", "openvino"])
def test_batch_normalization_in_training_of_an_empty_batch(runtime: str, tracked: bool):
    """Nothing is normalized, and running averages stay as they are."""
    model = nn.BatchNorm1d(3, track_running_stats=tracked).train()
    eager = copy.deepcopy(model)
    batch = Input(min_shape=(0, 3, 2), opt_shape=(4, 3, 2), max_shape=(8, 3, 2))
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=[batch]), engine=runtime)
    for size in (4, 0, 1, 8, 0):
        x = torch.randn(size, 3, 2)
        assert_equal(eager(x), compiled(x), 1e-5, f"at {size}: ", least_scale=1.0)
        for name, buffer in eager.named_buffers():
            assert_equal(buffer, dict(model.named_buffers())[name], 1e-5, f"{name} at {size}: ", least_scale=1.0)


def test_normalization_of_groups_takes_any_layout():
    """As eager does, whose kernel is called behind contiguous()."""
    model = Lambda(lambda x: F.group_norm(x, 2) + F.instance_norm(x))
    inputs = [Input(min_shape=(2, 4, 2, 2), opt_shape=(2, 4, 5, 3), max_shape=(3, 4, 9, 4))]
    compiled = tracejet.compile(tracejet.trace(model, arg_inputs=inputs), engine="aten")
    x = torch.randn(2, 4, 7, 3)
    turned = x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
    for laid_out in (x, turned, x.contiguous(memory_format=torch.channels_last), torch.stack([x, x], -1)[..., 0]):
        assert_equal(model(x), compiled(laid_out), 1e-5, "", least_scale=1.0)
