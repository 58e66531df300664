"""Integers of every dtype, at the edges of what holds them: engines give what eager gives, refuse or warn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F

import tracejet
from tests.support.lambda_module import Lambda, batch
from tests.support.onnx_runtime import OnnxRuntime

DTYPES = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_EDGES = (0, 1, 2, 3, 7, 100, 127, 128, 200, 255, 256, 300, 32767, 32768, 46341, 65535, 65536, 100003)
_FLOAT_EDGES = (2**24 - 1, 2**24, 2**24 + 1, 2**24 + 3, 33554435, 100000007, 2**30 + 1, 2**31 - 2, 2**31 - 1)


def edges(dtype: torch.dtype) -> list[int]:
    """Values of the dtype that 32 bits hold; of int64, without the end that has no negative."""
    info = torch.iinfo(dtype)
    low, high = max(info.min, -(2**31) + (dtype == torch.int64)), min(info.max, 2**31 - 1)
    both = {sign * value for value in (*_EDGES, *_FLOAT_EDGES) for sign in (1, -1)} | {low, low + 1, high}
    return sorted(value for value in both if low <= value <= high)


@dataclass(frozen=True)
class Call:
    name: str
    run: Callable[..., torch.Tensor]
    is_division: bool = False  #: whose divisor can't be 0

    def __str__(self) -> str:
        return self.name


def pairs(dtype: torch.dtype, call: Call) -> tuple[torch.Tensor, torch.Tensor]:
    """All pairs of edges whose result 32 bits hold, where the dtype has more."""
    values = torch.tensor(edges(dtype), dtype=dtype)
    a, b = (side.reshape(-1) for side in torch.meshgrid(values, values, indexing="ij"))
    if call.is_division:
        kept = (b != 0) & ~((b == -1) & (a == torch.iinfo(torch.int32).min)) if dtype.is_signed else b != 0
        a, b = a[kept], b[kept]
    result = call.run(a, b)
    if dtype == torch.int64:
        kept = (result > -(2**31)) & (result < 2**31)
        a, b = a[kept], b[kept]
    return a.contiguous(), b.contiguous()


def matrix(dtype: torch.dtype) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    values = torch.tensor(edges(dtype), dtype=dtype)
    return values[torch.randint(0, len(values), (5, 12), generator=generator)]


BINARY = [
    Call("add", lambda a, b: a + b),
    Call("sub", lambda a, b: a - b),
    Call("sub, alpha", lambda a, b: torch.sub(a, b, alpha=3)),
    Call("mul", lambda a, b: a * b),
    Call("floor division", lambda a, b: a // b, is_division=True),
    Call("truncated division", lambda a, b: torch.div(a, b, rounding_mode="trunc"), is_division=True),
    Call("remainder", lambda a, b: a % b, is_division=True),
    Call("fmod", torch.fmod, is_division=True),
    Call("maximum", torch.maximum),
    Call("minimum", torch.minimum),
    *(Call(op, getattr(torch, op)) for op in ("eq", "ne", "lt", "le", "gt", "ge")),
    *(Call(op, getattr(torch, op)) for op in ("bitwise_and", "bitwise_or", "bitwise_xor")),
    Call("left shift", lambda a, b: a << (b % 40)),
    Call("right shift", lambda a, b: a >> (b % 70)),
    Call("where", lambda a, b: torch.where(a > b, a, b)),
    Call("chain", lambda a, b: ((a - b) * 3 + a).float() / 3),
    Call("as int16", lambda a, b: (a - b).to(torch.int16) * 2),
    Call("as uint8", lambda a, b: (a - b).to(torch.uint8).float()),
]

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


def assert_same(got: object, expected: torch.Tensor) -> None:
    torch.testing.assert_close(torch.as_tensor(got), expected, rtol=1e-6, atol=1e-6)


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


def test_int64_that_certainly_leaves_32_bits_is_refused():
    x = torch.tensor([1, 255], dtype=torch.uint8)
    program = tracejet.trace(Lambda(lambda x: x.long() * 3_000_000_000), arg_inputs=[x])
    with pytest.raises(tracejet.UnsupportedOperator, match=r"aten::mul.*0 to 765000000000(.|\n)*test_integers.py"):
        tracejet.compile(program, engine="openvino")


BEYOND_32_BITS = {
    "added": lambda x: x + 2**40,
    "subtracted from": lambda x: 2**40 - x,
    "multiplied": lambda x: x * 2654435761 % 1024,
    "bits set": lambda x: x | 2**33,
    "bits turned": lambda x: x ^ 2**33,
    "a bound": lambda x: torch.maximum(x, torch.tensor(2**40)),
}


@pytest.mark.parametrize("function", BEYOND_32_BITS.values(), ids=BEYOND_32_BITS)
def test_numbers_beyond_32_bits_in_arithmetic_are_refused(function):
    program = tracejet.trace(Lambda(function), arg_inputs=[torch.tensor([1, 255])])
    with pytest.raises(tracejet.UnsupportedOperator, match=r"no conversion that is exact(.|\n)*test_integers.py"):
        tracejet.compile(program, engine="openvino")
    assert_same(tracejet.compile(program, engine="aten")(torch.tensor([3, 7])), function(torch.tensor([3, 7])))


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


def test_int64_that_may_leave_32_bits_is_a_warning_with_operator_line_and_range():
    x = torch.tensor([1, 255])
    program = tracejet.trace(Lambda(lambda x, y: x * y), arg_inputs=[x, x])
    expected = r"aten::mul(.|\n)*right from -2147483648 to 2147483647(.|\n)*test_integers.py"
    with pytest.warns(tracejet.EngineWarning, match=expected):
        compiled = tracejet.compile(program, engine="openvino")
    assert_same(compiled(x, x), x * x)
    report = tracejet.check(program)
    assert report.ok
    assert [call.operator for call in report.warnings] == ["aten::mul.Tensor"]
    assert report.to_json()["warnings"]
    assert "right from" in str(report)


def test_inputs_beyond_32_bits_are_refused_by_name():
    program = tracejet.trace(Lambda(lambda x: x + 1), arg_inputs=[torch.tensor([1, 2])])
    compiled = tracejet.compile(program, engine="openvino")
    with pytest.raises(tracejet.InvalidInput, match="holds 4294967296, but openvino computes int64 in 32 bits"):
        compiled(torch.tensor([1, 2**32]))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.long(),
        lambda x: x.to(torch.int64) * 0,
        lambda x: x.sum(0, dtype=torch.int64),
        lambda x: x.cumsum(0, dtype=torch.int64),
        lambda x: torch.zeros(3, dtype=torch.int64).copy_(x),
        lambda x: x.new_zeros(3).long() + int(x.abs().amax().item()),
    ],
)
def test_floats_beyond_32_bits_arent_cut_in_silence(function) -> None:
    program = tracejet.trace(Lambda(function), arg_inputs=[torch.ones(3)])
    compiled = tracejet.compile(program, engine="openvino")
    assert_same(compiled(torch.tensor([-2147483520.0, 7.9, 5.0])), function(torch.tensor([-2147483520.0, 7.9, 5.0])))
    for number in (2147483648.0, 1e10, -3e18):
        with pytest.raises(tracejet.Error, match=r"2147483648 or more is cast to int64(.|\n)*test_integers.py"):
            compiled(torch.tensor([1.0, number, 2.0]))
    compiled(torch.tensor([1.0, float("nan"), 1e30]))  # int64 holds neither: undefined in PyTorch


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x.sigmoid() * 1000).long(),
        lambda x: x.clamp(-5, 5).long(),
        lambda x: torch.arange(9.0)[(x * 3).long()],
        lambda x: (x.half() * 2).long(),
    ],
)
def test_floats_that_32_bits_hold_become_integers(function) -> None:
    model = Lambda(function)
    program = tracejet.trace(model, arg_inputs=[torch.ones(3)])
    x = torch.tensor([0.5, 1.5, 2.5])
    assert_same(tracejet.compile(program, engine="openvino")(x), model(x))


SAFE = {
    "ids of an embedding": lambda ids: F.embedding(ids * 1 + 2, torch.ones(50, 4)),
    "positions of a mask": lambda ids: (ids != 1).long().cumsum(1) * (ids != 1).long() + 1,
    "a mask's sum": lambda ids: (ids != 1).long().sum(1) - 1,
    "a counter": lambda ids: ids + 1,
    "an argmax": lambda ids: ids.eq(3).int().argmax(-1) * 100,
    "relative positions": lambda ids: (
        (torch.arange(ids.shape[1])[None] - torch.arange(ids.shape[1])[:, None]) * 1000 + 7
    ),
    "ids compared and filled": lambda ids: ids.masked_fill(ids == -100, 0).clamp(max=7),
}


@pytest.mark.filterwarnings("error::tracejet.EngineWarning")
@pytest.mark.parametrize("name", SAFE)
def test_what_the_trace_knows_proves_that_no_warning_is_due(name: str):
    ids = torch.tensor([[1, 5, 3], [3, 1, 1]])
    program = tracejet.trace(Lambda(SAFE[name]), arg_inputs=[batch(3, dtype=torch.int64)])
    assert_same(tracejet.compile(program, engine="openvino")(ids), SAFE[name](ids))


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
