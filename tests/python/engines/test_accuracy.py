"""Functions of one number keep their digits on every engine, also where their values are tiny: what is next may divide
by them, or take their logarithm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

import tracejet
from tests.support.lambda_module import Lambda
from tests.support.onnx_runtime import OnnxRuntime

Function = Callable[[torch.Tensor], torch.Tensor]

NAMES = (
    "acos acosh asin asinh atan atanh cos cosh erf erfc exp exp2 expm1 log log10 log1p log2 reciprocal rsqrt sigmoid "
    "sin sinc sinh sqrt square tan tanh"
).split()
ACTIVATIONS = "celu elu gelu logsigmoid mish selu silu softplus softsign".split()
FUNCTIONS: dict[str, Function] = {
    **{name: getattr(torch, name) for name in NAMES},
    **{name: getattr(F, name) for name in ACTIVATIONS},
    "atan2": lambda x: torch.atan2(x, torch.full_like(x, 1e-3)),
    "hypot": lambda x: torch.hypot(x, x * 0.5),
    "log_softmax": lambda x: torch.stack([x, torch.zeros_like(x)], -1).log_softmax(-1),
    "logaddexp": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "pow": lambda x: x**3,
    "xlogy": lambda x: torch.xlogy(x, x.abs()),
}
#: Where the error is small beside 1, not beside the value: docs/engines/differences.md has what is OpenVINO's.
ABSOLUTE = {"openvino": {"elu", "erf", "mish", "selu", "softplus"}, "onnxruntime": {"elu", "selu", "sigmoid", "silu"}}


def _runs(name: str, x: torch.Tensor, path: str) -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    program = tracejet.trace(Lambda(FUNCTIONS[name]), arg_inputs=[x])
    file = OnnxRuntime(program, path)
    return {
        "openvino": tracejet.compile(program, engine="openvino"),
        "aten": tracejet.compile(program, engine="aten"),
        "onnxruntime": lambda x: file(x)[0],
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_small_values_keep_their_digits(name: str, tmp_path) -> None:
    sizes = torch.cat([torch.zeros(1), torch.logspace(-30, 1.5, 240)])
    x = torch.cat([sizes, -sizes])
    exact, eager = FUNCTIONS[name](x.double()), FUNCTIONS[name](x)
    is_normal = exact.isfinite() & (exact.abs() > 2 * torch.finfo(torch.float32).tiny)
    # Eager itself is off where the argument is large beside the period or the result.
    allowed = 5e-6 + 8 * ((eager.double() - exact) / exact).abs()
    for engine, run in _runs(name, x, str(tmp_path / "model.onnx")).items():
        error = (run(x).double() - exact).abs()
        relative = error / exact.abs()
        if name in ABSOLUTE.get(engine, ()):
            assert (error[is_normal] <= 2e-6 * exact.abs().clamp(min=1)[is_normal]).all(), engine
            continue
        is_wrong = is_normal & ~(relative <= allowed)
        assert not is_wrong.any(), f"{engine}: {relative[is_wrong].max():.2g} off"
