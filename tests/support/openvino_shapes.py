"""Functions on OpenVINO, against eager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

import tracejet
from testing.compare import assert_equal
from tests.support.lambda_module import Lambda
from tracejet import Input


def dynamic(low: tuple[int, ...], opt: tuple[int, ...], high: tuple[int, ...]) -> Input:
    return Input(min_shape=low, opt_shape=opt, max_shape=high)


def assert_right(function: Callable[..., Any], declared: Input | torch.Tensor, *shapes: tuple[int, ...]) -> None:
    model = Lambda(function)
    program = tracejet.trace(model, arg_inputs=[declared])
    assert tracejet.check(program, engine="openvino").ok
    compiled = tracejet.compile(program, engine="openvino")
    for seed, shape in enumerate(shapes):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        assert_equal(model(x), compiled(x), 1e-5, f"at {shape}: ", least_scale=1.0)
