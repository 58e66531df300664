"""Layers of torch.nn that are made of much, or keep state, with a dynamic batch and a dynamic sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda, batch
from tracejet import Input


def sequence(features: int, batch_first: bool = True, time: str = "time") -> Input:
    """[batch, time, features], or time first; both are dynamic and may be 1."""
    sizes = [(1, 3, 6), (1, 5, 8)]
    names = ["batch", time]
    if not batch_first:
        sizes, names = sizes[::-1], names[::-1]
    shapes = {f"{mode}_shape": (*(size[i] for size in sizes), features) for i, mode in enumerate(("min", "opt", "max"))}
    return Input(**shapes, shared_dims=dict(enumerate(names)))


RECURRENT = {
    "LSTM": lambda: nn.LSTM(4, 6, batch_first=True),
    "LSTM, time first": lambda: nn.LSTM(4, 6),
    "LSTM, two layers in both directions": lambda: nn.LSTM(4, 6, num_layers=2, bidirectional=True, batch_first=True),
    "LSTM with projections": lambda: nn.LSTM(4, 6, num_layers=2, proj_size=3, batch_first=True),
    "LSTM without biases": lambda: nn.LSTM(4, 6, bias=False, batch_first=True),
    "GRU": lambda: nn.GRU(4, 6, bidirectional=True, batch_first=True),
    "GRU, time first": lambda: nn.GRU(4, 6, num_layers=2),
    "RNN": lambda: nn.RNN(4, 6, bidirectional=True, batch_first=True),
    "RNN with relu": lambda: nn.RNN(4, 6, nonlinearity="relu", batch_first=True),
}


@pytest.mark.parametrize("make", RECURRENT.values(), ids=RECURRENT)
@pytest.mark.parametrize("dynamic", ["batch", "batch and time"])
def test_a_recurrent_network_is_as_eager(make: Callable[[], nn.Module], dynamic: str) -> None:
    torch.manual_seed(0)
    model = make()
    x = sequence(4, model.batch_first)
    if dynamic == "batch":
        x = batch(5, 4) if model.batch_first else _time_is_static(x)
    assert_same_as_eager(model, [x])


def _time_is_static(x: Input) -> Input:
    shapes = {f"{mode}_shape": (5, *getattr(x, f"{mode}_shape")[1:]) for mode in ("min", "opt", "max")}
    return Input(**shapes, shared_dims={1: "batch"})


def test_a_sequence_of_unknown_length_goes_through_layers_round_a_recurrent_network() -> None:
    layers = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 2), nn.GRU(2, 3, batch_first=True)

    def forward(x: torch.Tensor, h: torch.Tensor) -> Any:
        hidden, (last, _) = layers[0](x.relu(), (h, h * 0.5))
        shown, end = layers[2](layers[1](hidden))
        return shown.reshape(x.shape[0], -1), last, end.transpose(0, 1)

    state = Input(min_shape=(1, 1, 6), opt_shape=(1, 3, 6), max_shape=(1, 6, 6), shared_dims={1: "batch"})
    assert_same_as_eager(Lambda(forward, layers=nn.ModuleList(layers)), [sequence(4), state])


def test_cells_in_a_loop_are_as_eager() -> None:
    lstm, gru, rnn = nn.LSTMCell(4, 6), nn.GRUCell(6, 6), nn.RNNCell(6, 6)

    def forward(x: torch.Tensor) -> torch.Tensor:
        h = c = x.new_zeros(x.shape[0], 6)
        steps = []
        for step in x.unbind(1):
            h, c = lstm(step, (h, c))
            h = rnn(gru(h), h)
            steps.append(h)
        return torch.stack(steps, 1)

    assert_same_as_eager(Lambda(forward, lstm=lstm, gru=gru, rnn=rnn), [batch(5, 4)])


def _causal(module: nn.Module) -> Callable[..., Any]:
    def forward(x: torch.Tensor) -> Any:
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return module(x, x, x, attn_mask=mask, need_weights=True, average_attn_weights=False)

    return forward


def _attention(**options: Any) -> nn.Module:
    return nn.MultiheadAttention(8, 2, batch_first=True, **options).eval()


ATTENTION = {
    "weights": lambda a: lambda x: a(x, x, x),
    "no weights": lambda a: lambda x: a(x, x, x, need_weights=False),
    "causal": _causal,
    "padding": lambda a: lambda x: a(x, x, x, key_padding_mask=x[..., 0] > 1)[0].nan_to_num(),
}


@pytest.mark.parametrize("call", ATTENTION.values(), ids=ATTENTION)
@pytest.mark.parametrize("options", [{}, {"bias": False}, {"add_bias_kv": True, "add_zero_attn": True}], ids=str)
def test_attention_is_as_eager(call: Callable[[nn.Module], Callable[..., Any]], options: dict[str, bool]) -> None:
    torch.manual_seed(0)
    attention = _attention(**options)
    assert_same_as_eager(Lambda(call(attention), attention=attention).eval(), [sequence(8)])


def _encoder() -> nn.Module:
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)


def _decoder() -> nn.Module:
    return nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True, norm_first=True), 2)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_transformers_are_as_eager_and_take_no_fast_path() -> None:
    torch.manual_seed(0)
    encoder, decoder = _encoder(), _decoder()
    model = Lambda(lambda x, y: decoder(y, encoder(x)), encoder=encoder, decoder=decoder).eval()
    program = assert_same_as_eager(model, [sequence(8), sequence(8, time="other")])
    assert not any("transformer_encoder_layer_fwd" in str(node.target) for node in program.graph.nodes)


BATCH_NORMS = {
    "momentum": lambda: nn.BatchNorm2d(3, momentum=0.3),
    "no momentum": lambda: nn.BatchNorm2d(3, momentum=None),
    "no weights": lambda: nn.BatchNorm2d(3, affine=False),
    "no statistics": lambda: nn.BatchNorm2d(3, track_running_stats=False),
    "instances": lambda: nn.InstanceNorm2d(3, affine=True, track_running_stats=True),
}


@pytest.mark.parametrize("make", BATCH_NORMS.values(), ids=BATCH_NORMS)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_statistics_are_kept_as_in_eager(make: Callable[[], nn.Module], training: bool) -> None:
    assert_same_as_eager(make().train(training), [batch(3, 4, 5)])


@pytest.mark.parametrize("low", [0, 1])
def test_a_batch_of_nothing_leaves_statistics_alone(low: int) -> None:
    x = batch(3, 4, 5, low=low)
    sizes = [{"batch": low}, {"batch": 7}]
    assert_same_as_eager(nn.BatchNorm2d(3).train(), [x], sizes)
    assert_same_as_eager(nn.BatchNorm2d(3).train(), [torch.randn(0, 3, 4, 5)])


def test_statistics_of_a_training_batch_are_no_gradients_business() -> None:
    norm = nn.BatchNorm1d(3).train()
    with torch.enable_grad():
        program = tracejet.dynamo.trace(norm, arg_inputs=[torch.randn(4, 3)])
    runner = program.module()
    runner(torch.randn(4, 3, requires_grad=True)).sum().backward()
    assert not any(buffer.requires_grad for buffer in runner.buffers())


def test_dropout_drops_while_training_and_not_after() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Dropout1d(0.5))
    assert_same_as_eager(model.eval(), [batch(8, 16)])
    program = tracejet.dynamo.trace(model.train(), arg_inputs=[batch(8, 16)])
    torch.manual_seed(0)
    dropped = program.module()(torch.ones(9, 8, 16))
    assert set(dropped.unique().tolist()) == {0.0, 4.0}
    assert 0.1 < (dropped > 0).float().mean() < 0.4


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_of_embeddings_are_as_eager(mode: str) -> None:
    bags = nn.EmbeddingBag(10, 4, mode=mode)
    indices = batch(6, dtype=torch.int64)
    model = Lambda(lambda x: bags(x % 10), bags=bags)
    assert_same_as_eager(model, [indices])
    flat = Lambda(lambda x, starts: bags(x.flatten() % 10, starts), bags=bags)
    assert_same_as_eager(flat, [torch.arange(12), torch.tensor([0, 4, 4, 9])])


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("decompositions", ["tensorrt", "core_aten"])
def test_bags_of_embeddings_have_gradients_outside_of_no_grad(mode: str, decompositions: str) -> None:
    bags = nn.EmbeddingBag(10, 4, mode=mode)
    program = tracejet.trace(bags, arg_inputs=[batch(6, dtype=torch.int64)], decompositions=decompositions)
    indices = torch.randint(10, (3, 6))
    runner = program.module()
    torch.testing.assert_close(runner(indices), bags(indices))
    runner(indices).sum().backward()
    bags(indices).sum().backward()
    torch.testing.assert_close(next(runner.parameters()).grad, bags.weight.grad)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("zero_infinity", [False, True])
def test_ctc_loss_is_as_eager(reduction: str, zero_infinity: bool) -> None:
    loss = nn.CTCLoss(reduction=reduction, zero_infinity=zero_infinity)
    targets = torch.randint(1, 5, (2, 3))
    numbers = Lambda(lambda x: loss(x.log_softmax(2), targets, [5, 4], [3, 2]))
    time = Input(min_shape=(5, 2, 5), opt_shape=(8, 2, 5), max_shape=(12, 2, 5))
    assert_same_as_eager(numbers, [time])
    constants = Lambda(lambda x: loss(x.log_softmax(2), targets, torch.tensor([5, 4]), torch.tensor([3, 2])))
    assert_same_as_eager(constants, [time])
    tensors = Lambda(lambda x, t, n, m: loss(x.log_softmax(2).transpose(0, 1), t, n, m))

    def make(sizes: Any) -> tuple[tuple[torch.Tensor, ...], dict[str, Any]]:
        torch.manual_seed(0)
        count = sizes["batch"]
        lengths = torch.randint(1, 4, (count,))
        return (torch.randn(count, 8, 5), torch.randint(1, 5, (count, 3)), torch.full((count,), 8), lengths), {}

    integers = torch.int64
    inputs = [batch(8, 5), batch(3, dtype=integers), batch(dtype=integers), batch(dtype=integers)]
    assert_same_as_eager(tensors, inputs, make=make)


def test_a_negative_variance_is_an_error_of_the_program() -> None:
    loss = Lambda(nn.GaussianNLLLoss())
    program = assert_same_as_eager(
        Lambda(lambda x, y, v: nn.functional.gaussian_nll_loss(x, y, v.abs())), [batch(3), batch(3), batch(3)]
    )
    program = tracejet.dynamo.trace(loss, arg_inputs=[batch(3), batch(3), batch(3)])
    x = torch.randn(2, 3)
    with pytest.raises(RuntimeError, match="raises an error of its own"):
        program.module()(x, x, torch.full((2, 3), -1.0))
