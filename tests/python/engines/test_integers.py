"""Integers of every dtype, at the edges of what holds them: engines give what eager gives, refuse or warn."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import tracejet
from tests.support.integers import BINARY, DTYPES, Call, assert_same, edges, pairs
from tests.support.lambda_module import Lambda, batch
from tests.support.onnx_runtime import OnnxRuntime


def matrix(dtype: torch.dtype) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    values = torch.tensor(edges(dtype), dtype=dtype)
    return values[torch.randint(0, len(values), (5, 12), generator=generator)]


UNARY = [
    Call("neg", lambda a: -a),
    Call("abs", torch.abs),
    Call("sign", torch.sign),
    Call("bitwise not", torch.bitwise_not),
    Call("relu", F.relu),
    Call("square", lambda a: a**2),
    Call("cube", lambda a: a**3),
    Call("clamp", lambda a: a.clamp(-5 if a.dtype.is_signed else 5, torch.iinfo(a.dtype).max // 3)),
    Call("number - x", lambda a: 100 - a // 2),
    Call("% 7", lambda a: a % 7),
    Call("// 3", lambda a: a // 3),
    Call("< 5", lambda a: a < 5),
    Call("as bool", lambda a: a.bool()),
    Call("as float", lambda a: a.float()),
    *(Call(f"as {dtype}", lambda a, dtype=dtype: a.to(dtype)) for dtype in DTYPES),
]
OVER_AXES = [
    Call("sum", lambda a: a.sum()),
    Call("sum, dim", lambda a: a.sum(1)),
    Call("sum, keepdim", lambda a: a.sum(0, keepdim=True)),
    Call("sum, own dtype", lambda a: a.sum(1, dtype=a.dtype)),
    Call("sum of one", lambda a: a[:1].sum(0)),
    Call("cumsum", lambda a: a.cumsum(1, dtype=a.dtype)),
    Call("prod", lambda a: a[:, :3].prod(1, dtype=a.dtype)),
    Call("amax", lambda a: a.amax(1)),
    Call("amin", lambda a: a.amin((0, 1))),
    Call("max", lambda a: a.max()),
    Call("max, dim", lambda a: a.max(1).values),
    Call("min, dim", lambda a: a.min(0, keepdim=True).values),
    Call("sort", lambda a: a.sort(1).values),
    Call("topk", lambda a: a.topk(3, 1).values),
    Call("pad", lambda a: F.pad(a, (1, 2, 0, 1), value=77)),
    Call("pad, large", lambda a: F.pad(a, (1, 2, -1, 1), value=torch.iinfo(a.dtype).max // 2)),
    Call("tril", torch.tril),
    Call("triu", lambda a: torch.triu(a, 1)),
    Call("roll", lambda a: a.roll(1, 1)),
    Call("cat", lambda a: torch.cat([a, a], 1)),
    Call("gather", lambda a: a.gather(1, torch.zeros(5, 2, dtype=torch.long))),
    Call("index", lambda a: a[[0, 2]]),
    Call("masked fill", lambda a: a.masked_fill(a == 0, 9)),
    Call("scatter add", lambda a: a.scatter_add(1, torch.zeros(5, 3, dtype=torch.long), a[:, :3])),
    Call("index put", lambda a: a.index_put((torch.tensor([0, 0]),), a[1:3], accumulate=True)),
    Call("matmul", lambda a: a[:2, :3] @ a[:3, :2]),
]


def check(call: Call, inputs: tuple[torch.Tensor, ...], tmp_path) -> None:
    """Right, or refused, or warned of: never silently wrong."""
    program = tracejet.trace(Lambda(call.run), arg_inputs=inputs)
    expected = call.run(*inputs)
    assert_same(OnnxRuntime(program, str(tmp_path / "model.onnx"))(*inputs)[0], expected)
    report = tracejet.check(program)
    if not report.ok:
        assert all("has no conversion that is exact" in refused.reason for refused in report.refused), str(report)
        return
    if report.warnings:
        with pytest.warns(tracejet.EngineWarning, match="it is right from"):
            tracejet.compile(program, engine="openvino")
        return
    assert_same(tracejet.compile(program, engine="openvino")(*inputs), expected)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("call", BINARY, ids=str)
def test_two_operands(call: Call, dtype: torch.dtype, tmp_path):
    check(call, pairs(dtype, call), tmp_path)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("call", UNARY, ids=str)
def test_one_operand(call: Call, dtype: torch.dtype, tmp_path):
    check(call, (torch.tensor(edges(dtype), dtype=dtype),), tmp_path)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("call", OVER_AXES, ids=str)
def test_along_axes(call: Call, dtype: torch.dtype, tmp_path):
    check(call, (matrix(dtype),), tmp_path)


EXACT = ["floor division", "remainder", "fmod", "eq", "lt", "ge", "maximum", "right shift", "where"]


@pytest.mark.parametrize("call", [call for call in BINARY if call.name in EXACT], ids=str)
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64], ids=str)
def test_32_bits_are_exact_and_no_warning_is_due(call: Call, dtype: torch.dtype):
    a, b = pairs(dtype, call)
    program = tracejet.trace(
        Lambda(call.run), arg_inputs=[batch(dtype=dtype, high=5000), batch(dtype=dtype, high=5000)]
    )
    assert not tracejet.check(program).warnings
    assert_same(tracejet.compile(program, engine="openvino")(a, b), call.run(a, b))


@pytest.mark.parametrize("n", [0, 1, 7])
def test_sums_of_large_integers_are_exact_even_of_none(n: int):
    x = torch.full((n, 3), 100000007, dtype=torch.int32)
    program = tracejet.trace(
        Lambda(lambda x: x.sum(0, dtype=torch.int32)), arg_inputs=[batch(3, low=0, dtype=torch.int32)]
    )
    assert_same(tracejet.compile(program, engine="openvino")(x), x.sum(0, dtype=torch.int32))


def test_floats_become_bytes_as_in_pytorch():
    x = torch.tensor([0.5, 1.9, -0.5, -1.9, 127.5, 255.9, 256.5, 484.5, -129.3, 70000.1, -70000.3, 1e6])
    for dtype in (torch.uint8, torch.int8, torch.int16):
        program = tracejet.trace(Lambda(lambda x, dtype=dtype: (x * 1.0).to(dtype)), arg_inputs=[x])
        assert_same(tracejet.compile(program, engine="openvino")(x), x.to(dtype))


#: Numbers that a tensor of another dtype takes, compared with what they were and with what they are.
WRITTEN = {
    "full": lambda x: torch.full_like(x, 0.5),
    "full of a size": lambda x: torch.full((x.shape[0],), 1.9, dtype=torch.int64),
    "full of floats": lambda x: torch.full((x.shape[0],), 0.1, dtype=torch.float32),
    "a number": lambda x: torch.scalar_tensor(0.5, dtype=torch.int64),
    "a range": lambda x: torch.arange(0.5, 3.7, dtype=torch.int64),
    "a range to a size": lambda x: torch.arange(0, x.shape[0] + 0.5, dtype=torch.int64),
    "padded": lambda x: F.pad(x * 0, (1, 1), value=0.9),
    "filled": lambda x: torch.zeros_like(x).fill_(0.9),
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("number", [0, 0.1, 0.5, 1, 1.9, 3])
def test_a_number_is_what_the_dtype_makes_of_it(written, number: float):
    def compared(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        made = written(x)
        return made == number, made < number, made.double() >= number, torch.where(made > 0, 1.0, 2.0)

    axis = tracejet.Input(min_shape=(0,), opt_shape=(3,), max_shape=(8,), dtype=torch.int64)
    program = tracejet.compile(tracejet.trace(Lambda(compared), arg_inputs=[axis]))
    for size in (3, 0, 1):
        x = torch.arange(size)
        for got, expected in zip(program(x), compared(x), strict=True):
            assert_same(got, expected)


DIVISIONS = [call for call in BINARY if call.is_division]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64], ids=str)
@pytest.mark.parametrize("engine", ["aten", "openvino"])
@pytest.mark.parametrize("call", DIVISIONS, ids=str)
def test_division_by_zero_is_refused_when_it_runs(call: Call, engine: str, dtype: torch.dtype) -> None:
    x, one = batch(low=0, dtype=dtype), tracejet.Input(shape=(1,), dtype=dtype)
    compiled = tracejet.compile(Lambda(call.run), arg_inputs=[x, one], engine=engine)
    values, two, zero = (torch.tensor(each, dtype=dtype) for each in ([5, 7, 9], [2], [0]))
    assert torch.equal(compiled(values, two), call.run(values, two))
    assert torch.equal(compiled(values[:0], zero), values[:0])  # nothing is divided
    with pytest.raises(Exception, match="ZeroDivisionError|an integer is divided by 0"):
        compiled(values, zero)


def test_division_by_a_number_of_data_that_is_zero_is_refused() -> None:
    model, inputs = Lambda(lambda x: x // x.amax().item()), [batch(dtype=torch.int64)]
    compiled = tracejet.compile(model, arg_inputs=inputs, engine="openvino")
    assert torch.equal(compiled(torch.tensor([4, 9, 2])), torch.tensor([0, 1, 0]))
    with pytest.raises(tracejet.Error, match="divided by 0"):
        compiled(torch.tensor([-4, 0, -2]))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_powers_of_integers_wrap_in_onnx_as_in_eager(dtype: torch.dtype, tmp_path) -> None:
    signed = [-7, -2, -1] if dtype.is_signed else []
    bases, exponents = (
        torch.tensor([*signed, 0, 1, 2, 3, 10], dtype=dtype),
        torch.tensor([*signed, 0, 1, 2, 5, 40, 70], dtype=dtype),
    )
    function = Lambda(lambda a, b: (a[:, None] ** b, 2**b, (a * 0 - 1) ** b[:1]))
    results = OnnxRuntime(tracejet.trace(function, arg_inputs=[bases, exponents]), str(tmp_path / "model.onnx"))(
        bases, exponents
    )
    for result, expected in zip(results, function(bases, exponents), strict=True):
        assert_same(result, expected)
