"""Modules that read their data, and modules that are wrapped."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda, batch
from tests.support.model_state import calls_agree, three

# ---- modules that read their data ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.LazyLinear(4),
        lambda: nn.LazyConv2d(4, 3),
        lambda: nn.LazyBatchNorm1d(),
        lambda: nn.Sequential(nn.Identity(), nn.LazyLinear(2)),
    ],
)
def test_a_lazy_module_is_refused_before_anything_runs(make: Callable[[], nn.Module]) -> None:
    with pytest.raises(tracejet.InvalidInput, match=r"(weight|1\.weight) has no shape yet.*call the model once"):
        tracejet.trace(make(), arg_inputs=[torch.randn(2, 3, 8, 8)])


def test_a_lazy_module_that_has_been_called_is_like_any_other() -> None:
    model = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d())
    model(torch.randn(2, 3))
    assert_same_as_eager(model.eval(), [batch(3)])


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dims", [1, 2])
def test_batch_norm_that_averages_over_all_batches(training: bool, dims: int) -> None:
    norm = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}[dims](3, momentum=None).train(training)
    size = {1: (3,), 2: (3, 5, 4)}[dims]
    calls_agree(norm, *three(4, *size))
    assert_same_as_eager(norm, [batch(*size, low=2)])


def transformer_call(encoder: nn.Module, *, causal: bool) -> nn.Module:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
            if causal:
                mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
            return self.encoder(x, mask)

    return Masked().eval()


def encoder() -> nn.Module:
    torch.manual_seed(0)
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()


def test_a_transformer_encoder_with_a_mask_of_the_users() -> None:
    model = transformer_call(encoder(), causal=False)
    causal = nn.Transformer.generate_square_subsequent_mask(5)
    program = tracejet.trace(model, arg_inputs=[batch(5, 8), causal])
    for mask in (causal, torch.zeros(5, 5), causal.t().contiguous()):
        x = torch.randn(3, 5, 8)
        torch.testing.assert_close(program.module()(x, mask), model(x, mask))


def test_a_transformer_encoder_with_a_causal_mask_of_its_own() -> None:
    model = transformer_call(encoder(), causal=True)
    assert_same_as_eager(model, [batch(5, 8)])
    sequence = tracejet.Input(min_shape=(1, 2, 8), opt_shape=(2, 5, 8), max_shape=(4, 9, 8))
    assert_same_as_eager(model, [sequence])


def test_a_transformer_with_masks() -> None:
    torch.manual_seed(0)
    model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True).eval()
    masks = {
        "src_mask": torch.zeros(5, 5),
        "tgt_mask": nn.Transformer.generate_square_subsequent_mask(4),
        "src_key_padding_mask": torch.zeros(2, 5, dtype=torch.bool),
    }
    program = tracejet.trace(model, arg_inputs=[torch.randn(2, 5, 8), torch.randn(2, 4, 8)], kwarg_inputs=masks)
    masks["src_key_padding_mask"] = torch.tensor([[False] * 5, [False, False, True, True, True]])
    masks["src_mask"] = torch.randn(5, 5)
    source, target = torch.randn(2, 5, 8), torch.randn(2, 4, 8)
    torch.testing.assert_close(program.module()(source, target, **masks), model(source, target, **masks))


# ---- modules that are wrapped --------------------------------------------------------------------------------------


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.ReLU())


WRAPPED = {
    "compiled": lambda: torch.compile(network()),
    "a compiled part": lambda: nn.Sequential(torch.compile(network()), nn.Tanh()),
    "scripted": lambda: torch.jit.script(network().eval()),
    "a scripted part": lambda: nn.Sequential(torch.jit.script(network()), nn.Tanh()),
    "traced by torch.jit": lambda: torch.jit.trace(network().eval(), torch.randn(2, 3)),
    "weight norm": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)),
    "spectral norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3)),
    "fx": lambda: torch.fx.symbolic_trace(network()),
    "exported": lambda: torch.export.export(network().eval(), (torch.randn(2, 3),)).module(),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
@pytest.mark.parametrize("make", WRAPPED.values(), ids=WRAPPED)
def test_wrapped_modules_are_followed(make: Callable[[], nn.Module]) -> None:
    model, eager = make(), make()
    eager.load_state_dict(model.state_dict())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    runner = tracejet.trace(model, arg_inputs=[torch.randn(2, 3)]).module()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    for _ in range(2):
        x = torch.randn(2, 3)
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            torch.testing.assert_close(runner(x), eager(x))


def test_data_parallel_is_the_module_that_it_wraps() -> None:
    """Also where there are GPUs to spread over."""
    model = nn.DataParallel(network().eval())  # on a GPU where there is one
    x = torch.randn(2, 3, device=next(model.parameters()).device)
    with torch.no_grad():
        torch.testing.assert_close(tracejet.trace(model, arg_inputs=[x]).module()(x), model.module(x))


def test_marks_for_a_profiler_leave_no_nodes() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        with torch.profiler.record_function("block"):
            return x.relu() + 1

    program = assert_same_as_eager(Lambda(forward), [batch(3)])
    assert {node.target for node in program.graph.nodes if node.op == "call_function"} == {
        torch.ops.aten.relu.default,
        torch.ops.aten.add.Tensor,
    }
