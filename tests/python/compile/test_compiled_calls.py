"""Calls of compiled programs: what they write, several at once, errors in them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tracejet
from tests.support.compiled import batched, each_engine
from tests.support.lambda_module import Lambda, batch


@each_engine
def test_buffers_and_inputs_change_like_in_eager(engine):
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", torch.zeros((), dtype=torch.int64))
            self.register_buffer("mean", torch.zeros(4))

        def forward(self, x):
            self.count += 1
            self.mean.lerp_(x.mean(0), 0.1)
            x.add_(1)
            return x * self.mean

    eager, ours = Counting(), Counting()
    compiled = tracejet.compile(ours, arg_inputs=[batched(4)], engine=engine)
    for rows in (2, 3, 3):
        x = torch.randn(rows, 4)
        y = x.clone()
        torch.testing.assert_close(compiled(y), eager(x), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(y, x)
    torch.testing.assert_close(dict(ours.named_buffers()), dict(eager.named_buffers()), rtol=1e-5, atol=1e-5)


@each_engine
def test_outputs_may_be_inputs_constants_or_the_same_twice(engine):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3))

        def forward(self, x):
            y = x + 1
            return x, y, y, self.weight, torch.ones(2), 5, "text", x.shape[0] * 2, None

    model = Model()
    compiled = tracejet.compile(model, arg_inputs=[batched(3)], engine=engine)
    x = torch.randn(5, 3)
    actual, expected = compiled(x), model(x)
    torch.testing.assert_close(actual[:5], tuple(t.detach() for t in expected[:5]))
    assert actual[5:] == expected[5:]


@each_engine
def test_results_are_memory_of_their_own(linear, engine):
    compiled = tracejet.compile(linear, arg_inputs=[batched(6)], engine=engine)
    x, z = torch.randn(4, 6), torch.randn(4, 6)
    first = compiled(x)
    kept = first.clone()
    compiled(z)
    assert torch.equal(first, kept)


def test_everything_that_an_engine_lacks_is_in_one_error():
    class Model(nn.Module):
        def forward(self, x):
            y = torch.lgamma(x)
            y = torch.lgamma(y)
            return torch.digamma(y)

    with pytest.raises(tracejet.UnsupportedOperator) as caught:
        tracejet.compile(Model(), arg_inputs=[torch.rand(3)], engine="openvino")
    message = str(caught.value)
    assert message.startswith("openvino can't run 3 operators of this program:")
    assert "aten::lgamma has no conversion (2 times)" in message
    assert "aten::digamma has no conversion" in message
    assert "test_compiled_calls.py" in message
    assert "y = torch.lgamma(x)" in message
    x = torch.rand(3)
    torch.testing.assert_close(tracejet.compile(Model(), arg_inputs=[x], engine="aten")(x), Model()(x))


def test_settings_must_make_sense(linear):
    for settings in (
        {"engine": "abacus"},
        {"threads": -1},
        {"precision": torch.int8},
        {"enabled_precisions": {torch.int8}},
        {"enabled_precisions": set()},
        {"inputs": [torch.randn(2, 6)]},
    ):
        with pytest.raises(tracejet.InvalidInput):
            tracejet.compile(linear, arg_inputs=[torch.randn(2, 6)], **settings)


@pytest.mark.parametrize(
    "settings", [{"precision": torch.bfloat16}, {"enabled_precisions": {torch.float32, torch.float16}}]
)
def test_a_lower_precision_is_used_only_on_request(settings):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 8)).eval()
    x = torch.randn(16, 256)
    exact = tracejet.compile(model, arg_inputs=[x])(x)
    torch.testing.assert_close(exact, model(x), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(tracejet.compile(model, arg_inputs=[x], **settings)(x), exact, rtol=0.1, atol=0.05)


@each_engine
def test_threads_may_call_at_once(linear, engine):
    compiled = tracejet.compile(linear, arg_inputs=[batched(6)], engine=engine)
    wrong = []

    def work(seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        for i in range(50):
            x = torch.randn(2 + (i + seed) % 15, 6, generator=generator)
            if not torch.allclose(compiled(x), linear(x), 1e-4, 1e-5):
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """As many as PyTorch has, which is all that "aten" takes."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@each_engine
def test_an_error_ends_its_call_only(engine, threads):
    def gather(x, index):
        return x.gather(0, index) * 2

    x, first, beyond = torch.randn(4), torch.tensor([0, 3]), torch.tensor([0, 7])
    compiled = tracejet.compile(Lambda(gather), arg_inputs=[x, first], engine=engine, threads=threads)
    for _ in range(3):
        with pytest.raises((tracejet.Error, RuntimeError), match="index"):
            compiled(x, beyond)
        torch.testing.assert_close(compiled(x, first), gather(x, first))


def test_the_cache_keeps_kernels(linear, tmp_path):
    for _ in range(2):
        compiled = tracejet.compile(linear, arg_inputs=[torch.randn(3, 6)], cache_dir=tmp_path)
        x = torch.randn(3, 6)
        torch.testing.assert_close(compiled(x), linear(x), rtol=1e-5, atol=1e-5)
    assert list(tmp_path.iterdir())


def test_the_interpreter_has_no_copy_of_the_weights(linear):
    compiled = tracejet.compile(linear, arg_inputs=[torch.randn(3, 6)], engine="aten")
    linear.weight.data.zero_()  # which isn't counted as a write
    x = torch.randn(3, 6)
    torch.testing.assert_close(compiled(x), F.linear(x, linear.weight, linear.bias))


@each_engine
def test_results_whose_size_depends_on_data(engine):
    class Positive(nn.Module):
        def forward(self, x):
            return x[x > 0] * 2

    compiled = tracejet.compile(Positive(), arg_inputs=(torch.ones(5),), engine=engine)
    for x in (torch.randn(5), torch.ones(5), -torch.ones(5)):
        torch.testing.assert_close(compiled(x), x[x > 0] * 2)


def _refuses_negative(x: torch.Tensor) -> torch.Tensor:
    if (x < 0).any():
        raise ValueError("negative")
    torch._assert_async(x.sum() < 100, "too much")
    return x.sqrt()


@each_engine
def test_what_a_model_demands_of_its_data_is_checked_by_every_engine(engine):
    compiled = tracejet.compile(Lambda(_refuses_negative), arg_inputs=[batch(3)], engine=engine)
    x = torch.rand(2, 3)
    torch.testing.assert_close(compiled(x), x.sqrt())
    with pytest.raises(RuntimeError, match="raises an error of its own.*\n.*test_compiled_calls.py.*if .x < 0.*any"):
        compiled(-x)
    with pytest.raises(RuntimeError, match="too much"):
        compiled(x * 1000)
