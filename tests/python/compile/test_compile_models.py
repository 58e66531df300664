"""Whole architectures, compiled once and run at the ends of their ranges, against eager PyTorch."""

from __future__ import annotations

import pytest
import torch
from torch.utils import _pytree as pytree

import tracejet
from testing.models import SMALL_MODELS


@pytest.mark.filterwarnings("error::tracejet.EngineWarning")
@pytest.mark.parametrize("engine", ["openvino", "aten"])
@pytest.mark.parametrize("name", SMALL_MODELS)
@torch.no_grad()
def test_architectures_give_what_eager_gives_at_every_size(name, engine):
    case = SMALL_MODELS[name]
    model = case.module()
    args, kwargs = case.tracejet_inputs()
    compiled = tracejet.compile(model, arg_inputs=args, kwarg_inputs=kwargs, engine=engine)
    for which in ("min", "opt", "max"):
        args, kwargs = case.example(which)
        actual, expected = compiled(*args, **kwargs), model(*args, **kwargs)
        assert type(actual) is type(expected)
        torch.testing.assert_close(
            pytree.tree_leaves(actual),
            pytree.tree_leaves(expected),
            rtol=1e-3,
            atol=1e-4,
            msg=lambda text, w=which: f"{w}: {text}",
        )
