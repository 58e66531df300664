"""New weights for a program that is compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import tracejet
from testing.models import SMALL_MODELS
from tests.support.engine_cache import Net, assert_same, compiled_in, is_hit
from tests.support.lambda_module import Lambda, batch


@pytest.mark.parametrize("engine", ["openvino", "aten", "auto"])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_compiled_program_takes_new_weights(engine: str, in_place: bool) -> None:
    compiled = tracejet.compile(Net(0), arg_inputs=[batch(8)], engine=engine)
    old = [compiled(torch.ones(2, 8))]
    fitted = tracejet.refit_module_weights(compiled, Net(1), arg_inputs=[batch(8)], in_place=in_place)
    assert (fitted is compiled) == in_place
    expected = tracejet.compile(Net(1), arg_inputs=[batch(8)], engine=engine)
    assert_same(fitted, expected)
    if not in_place:
        torch.testing.assert_close(compiled(torch.ones(2, 8)), old[0], rtol=0, atol=0)


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_new_weights_of_a_model_give_what_compiling_anew_gives(name: str) -> None:
    case = SMALL_MODELS[name]
    args, kwargs = case.tracejet_inputs()
    models = [case.module(), case.module()]
    with torch.no_grad():
        for parameter in models[1].parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    old, new = (tracejet.trace(model, arg_inputs=args, kwarg_inputs=kwargs) for model in models)
    fitted = tracejet.refit_module_weights(tracejet.compile(old), new)
    expected = tracejet.compile(new)
    inputs, keywords = case.example()
    torch.testing.assert_close(fitted(*inputs, **keywords), expected(*inputs, **keywords), rtol=0, atol=0)


def test_a_split_program_takes_new_weights() -> None:
    class Split(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.fft.fft(self.layers(x)).abs()

    compiled = tracejet.compile(Split(0), arg_inputs=[batch(8)], min_block_size=1)
    fitted = tracejet.refit_module_weights(compiled, Split(1), arg_inputs=[batch(8)])
    assert fitted.report.engines == compiled.report.engines == ("openvino", "aten")
    assert_same(fitted, tracejet.compile(Split(1), arg_inputs=[batch(8)], min_block_size=1))


def test_a_program_from_the_cache_takes_new_weights(tmp_path: Path) -> None:
    compiled_in(tmp_path, Net(0))
    loaded = compiled_in(tmp_path, Net(0))
    assert is_hit(loaded)
    fitted = tracejet.refit_module_weights(loaded, Net(1), arg_inputs=[batch(8)])
    x = torch.randn(3, 8)
    torch.testing.assert_close(fitted(x), Net(1)(x))


@pytest.mark.parametrize(
    "other",
    [
        Lambda(lambda x: x.exp()),
        nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4)),
    ],
)
def test_another_program_is_no_set_of_weights(other: nn.Module) -> None:
    compiled = tracejet.compile(Net(), arg_inputs=[batch(8)])
    with pytest.raises(tracejet.InvalidInput, match="differ in more than their weights"):
        tracejet.refit_module_weights(compiled, other, arg_inputs=[batch(8)])
    with pytest.raises(tracejet.InvalidInput, match="differ in more than their weights"):
        tracejet.refit_module_weights(compiled, Net(), arg_inputs=[batch(8, high=12)])
