"""What is exact in PyTorch is exact on OpenVINO where somebody looks at the last bit (docs/engines/openvino.md)."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda, batch

WHOLE = torch.arange(1.0, 4097)


class Frames(nn.Module):
    """How many frames a convolution leaves of so many samples, and a mask of them."""

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        frames = (lengths / 7).ceil().long()
        return torch.arange(x.shape[1])[None] < frames[:, None], frames


def on_openvino(function: Callable[..., object], *inputs: tracejet.Input | torch.Tensor):
    return tracejet.compile(tracejet.trace(Lambda(function), arg_inputs=list(inputs)), engine="openvino")


@pytest.mark.parametrize("engine", ["auto", "openvino"])
def test_lengths_are_divided_exactly(engine: str) -> None:
    samples = tracejet.Input(min_shape=(1, 8), opt_shape=(2, 64), max_shape=(4, 500), shared_dims={0: "b"})
    lengths = tracejet.Input(min_shape=(1,), opt_shape=(2,), max_shape=(4,), dtype=torch.int64, shared_dims={0: "b"})
    compiled = tracejet.compile(tracejet.trace(Frames(), arg_inputs=[samples, lengths]), engine=engine)
    args = torch.zeros(3, 64), torch.tensor([21, 42, 50])
    assert_equal(Frames()(*args), compiled(*args))


@pytest.mark.parametrize("divisor", [3.0, 7.0, 28.0, 41.0, 60.0, 255.0, 0.1])
@pytest.mark.parametrize("is_dynamic", [True, False])
def test_quotients_of_multiples_are_whole(divisor: float, is_dynamic: bool) -> None:
    def quotients(x: torch.Tensor) -> object:
        y = x / divisor
        return y.floor(), y.ceil(), y.long(), y.view(-1, 2).clamp(0, 99).round(), (y - 1).int(), y == y.trunc()

    multiples = (WHOLE * divisor)[:2048].view(-1, 8)
    compiled = on_openvino(quotients, batch(8, high=256) if is_dynamic else multiples)
    assert_equal(quotients(multiples), compiled(multiples))


@pytest.mark.parametrize("ceil_engine", ["aten", "openvino"])
def test_quotients_that_are_given_are_exact(ceil_engine: str) -> None:
    """To the user, or to another part, which may look at their last bits."""

    def quotients(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (x / 7).ceil(), x / 7, (x / 7).view(-1, 2), (x / 3).abs() - 1

    multiples = (WHOLE * 21)[:2048].view(-1, 8)
    program = tracejet.trace(Lambda(quotients), arg_inputs=[batch(8, high=256)])
    elsewhere = {"torch.ops.aten.ceil.default"} if ceil_engine == "aten" else set()
    compiled = tracejet.compile(program, torch_executed_ops=elsewhere, min_block_size=1)
    assert compiled.report.engines == (("openvino", "aten") if elsewhere else ("openvino",))
    for got, expected in zip(compiled(multiples), quotients(multiples), strict=True):
        assert torch.equal(got, expected)


@pytest.mark.parametrize("engine", ["aten", "openvino"])
def test_factors_of_three_operands_come_first(engine: str) -> None:
    """As in the kernels of CPUs: what is infinite on the way stays so."""

    def forward(x: torch.Tensor, y: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, ...]:
        data = value.item()
        return (
            torch.addcmul(x, x, y, value=2),
            torch.addcdiv(x, x, 1 / y, value=-3),
            torch.addcmul(x, x, y),
            torch.addcdiv(x, y, x, value=data),
        )

    x, y = torch.tensor([3e38, -3e38, 1e30, 2.0]), torch.tensor([0.0, 1e-10, 1e10, 3.0])
    inputs = [x, y, torch.tensor(4.0)]
    compiled = tracejet.compile(Lambda(forward), arg_inputs=inputs, engine=engine)
    assert_equal(forward(*inputs), compiled(*inputs))


def test_a_number_divided_by_itself_is_one() -> None:
    def ones(x: torch.Tensor, y: torch.Tensor) -> object:
        return x / y == 1, (x / y).max().ceil(), torch.cat([x / y, x]).topk(3).values.floor(), (7 / x).floor()

    compiled = on_openvino(ones, WHOLE, WHOLE)
    assert_equal(ones(WHOLE, WHOLE), compiled(WHOLE, WHOLE))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x + 12582912.0) - 12582912.0,  # rounds to a whole number
        lambda x: ((x * 20 + 12582912.0) - 12582912.0) / 20,
        lambda x: ((x + 1e8) - 1e8) - x,
        lambda x: (x + torch.tensor([1e8])) - torch.tensor([1e8]),
        lambda x: 1e8 - (1e8 - x),
        lambda x: (x + 12582912.0) - 12582912.0 + 0.123,
        lambda x: ((x - 1.6) + 1e-7).log2(),
        lambda x: 1e-7 + (1.6 - x),
        lambda x: x * 2.0**64 * 2.0**64 * 2.0**-100,
        lambda x: x * 1e-25 * 1e-25 * 1e25 * 1e25,
        lambda x: (x * 1e-35) / 1e-30 / 1e-30,
    ],
)
def test_constants_that_cancel_arent_put_together(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    x = torch.tensor([0.4, 1.6, -2.5, 1e-9, 0.0])
    assert_equal(function(x), on_openvino(function, x)(x), 1e-5)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x % 0.1,
        lambda x: x // 0.1,
        lambda x: torch.fmod(x, 0.1),
        lambda x: torch.div(x, 0.1, rounding_mode="floor"),
        lambda x: x % (x * 0 + 0.1),
        lambda x: x.bfloat16().float(),
        lambda x: x - x.half().float(),
    ],
)
def test_what_openvino_rounds_otherwise_runs_elsewhere_or_is_warned_of(function: Callable[..., torch.Tensor]) -> None:
    x = torch.tensor([1.0, 3.0, 41.0, 0.3, 0.7, 1e5])
    program = tracejet.trace(Lambda(function), arg_inputs=[x])
    with warnings.catch_warnings():
        warnings.simplefilter("error", tracejet.EngineWarning)
        compiled = tracejet.compile(program)
    assert_equal(function(x), compiled(x))
    with pytest.warns(tracejet.EngineWarning, match=r"rounded quotient|rounding out(.|\n)*test_openvino_rounding.py"):
        tracejet.compile(program, engine="openvino")


@pytest.mark.filterwarnings("error::tracejet.EngineWarning")
@pytest.mark.parametrize("function", [lambda x: x % 0.25, lambda x: x // 2, lambda x: torch.fmod(x, 8.0)])
def test_remainders_by_powers_of_two_are_exact(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    x = torch.cat([WHOLE, -WHOLE, WHOLE / 8])
    assert_equal(function(x), on_openvino(function, x)(x))


@pytest.mark.parametrize("engine", ["openvino", "aten"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_numbers_that_16_bits_dont_hold_are_numbers_of_32(dtype: torch.dtype, engine: str) -> None:
    def scaled(x: torch.Tensor) -> object:
        far = x / 1e5, x * 1e5, x - 1e5, x < 1e5, torch.add(x, x, alpha=1e-8)
        return *far, x * 256 * 256 / 65536, x * 1000 * 1000

    x = torch.tensor([0.04144, -0.0625, 0.03, 0.25], dtype=dtype)
    compiled = tracejet.compile(tracejet.trace(Lambda(scaled), arg_inputs=[x]), engine=engine)
    assert_equal(scaled(x), compiled(x), 1e-2)


#: What OpenVINO fuses with the arithmetic behind it, as a function of images.
FUSED = {
    "sum": lambda x: x.sum((2, 3), keepdim=True),
    "mean": lambda x: x.mean(1, keepdim=True),
    "greatest": lambda x: x.amax((1, 2)),
    "sum of all": lambda x: x.sum((1, 2, 3)),
    "scaled sum": lambda x: x.sum((1, 2)) * 10,
    "length": lambda x: torch.linalg.vector_norm(x, dim=(2, 3)),
    "product of elements": lambda x: x.prod(1),
    "convolution": lambda x: F.conv2d(x, torch.full((2, 3, 1, 1), 0.5)),
    "transposed convolution": lambda x: F.conv_transpose2d(x, torch.full((3, 2, 1, 1), 0.5)),
    "product": lambda x: x @ torch.full((4, 4), 0.25),
    "normalization": lambda x: F.layer_norm(x, (4,)) + 4,
    "resampling": lambda x: F.interpolate(x, scale_factor=2.0),
    "unit vectors": lambda x: F.normalize(x, dim=1),
}


@pytest.mark.parametrize("fused", FUSED.values(), ids=FUSED)
@pytest.mark.parametrize("is_dynamic", [True, False])
def test_a_constant_is_divided_by_what_is_computed(fused: Callable[..., torch.Tensor], is_dynamic: bool) -> None:
    def quotients(x: torch.Tensor) -> object:
        y, root = 3 / fused(x), 2 / (fused(x) + 0.5).sqrt()
        return y, y > 1, root, torch.minimum(root, y)

    x = torch.arange(2 * 3 * 4 * 4).view(2, 3, 4, 4).sin().abs() + 0.5
    compiled = on_openvino(quotients, batch(3, 4, 4) if is_dynamic else x)
    assert_equal(quotients(x), compiled(x))


@pytest.mark.parametrize("fused", FUSED.values(), ids=FUSED)
@pytest.mark.parametrize("is_dynamic", [True, False])
def test_what_is_computed_is_divided_by_a_constant(fused: Callable[..., torch.Tensor], is_dynamic: bool) -> None:
    """Reductions over several axes read what lies behind the constant, where the division is fused with them."""

    def quotients(x: torch.Tensor) -> object:
        y = fused(x) / 7
        return y, y > 0.5, (fused(x) / torch.arange(3.0, 3 + fused(x).shape[-1])) > 0.25, y + 1

    x = torch.arange(2 * 3 * 4 * 4).view(2, 3, 4, 4).sin().abs() + 0.5
    compiled = on_openvino(quotients, batch(3, 4, 4) if is_dynamic else x)
    assert_equal(quotients(x), compiled(x))


def test_a_deviation_is_compared() -> None:
    def forward(x: torch.Tensor) -> object:
        return x.std((1, 2)) > 0.9, x.std((1, 2)), x.var((1, 2)).round()

    x = torch.randn(5, 2, 4, generator=torch.Generator().manual_seed(0))
    assert_equal(forward(x), on_openvino(forward, batch(2, 4))(x))
