"""Compiled programs: what they take, what they give, what they refuse."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tracejet
from tests.support.lambda_module import Lambda, batch
from tracejet import Input

ENGINES = ["openvino", "aten"]
each_engine = pytest.mark.parametrize("engine", ENGINES)


class Branching(nn.Module):
    """Takes a tree, gives a tree."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x, pair=None, *, scale=2.0, mode="up"):
        y = self.linear(x) * scale
        if pair is not None:
            y = y + pair["left"] - pair["right"]
        return {"y": y, "rows": x.shape[0], "mode": mode, "nothing": None, "x": x}


def assert_same_results(actual: dict, expected: dict) -> None:
    assert list(actual) == list(expected)
    for name, value in expected.items():
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(actual[name], value, rtol=1e-5, atol=1e-5)
        else:
            assert actual[name] == value


def batched(*shape: int, low: int = 2, high: int = 16, name: str = "") -> Input:
    return Input(min_shape=(low, *shape), opt_shape=(4, *shape), max_shape=(high, *shape), name=name)


@pytest.fixture
def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(6, 5).eval()


@each_engine
@pytest.mark.parametrize("rows", [2, 5, 16])
def test_a_module_is_traced_and_compiled(linear, engine, rows):
    compiled = tracejet.compile(linear, arg_inputs=[batched(6)], engine=engine)
    x = torch.randn(rows, 6)
    torch.testing.assert_close(compiled(x), linear(x), rtol=1e-5, atol=1e-5)
    assert not compiled(x).requires_grad


@each_engine
def test_trees_go_in_and_come_out(engine):
    model = Branching()
    pair = {"left": torch.randn(4, 3), "right": torch.randn(4, 3)}
    x = torch.randn(4, 4)
    compiled = tracejet.compile(model, arg_inputs=[x, pair], kwarg_inputs={"scale": 3.0}, engine=engine)
    expected = model(x, pair, scale=3.0)
    actual = compiled(x, pair, scale=3.0)
    assert_same_results(actual, expected)


@each_engine
def test_arguments_may_come_by_position_or_keyword_and_literals_may_be_left_out(engine):
    model = Branching()
    x = torch.randn(4, 4)
    compiled = tracejet.compile(model, arg_inputs=[x], kwarg_inputs={"scale": 3.0, "mode": "down"}, engine=engine)
    expected = model(x, scale=3.0, mode="down")
    for actual in (compiled(x), compiled(x=x), compiled(x, mode="down"), compiled(scale=3.0, x=x)):
        assert_same_results(actual, expected)


def test_wrong_arguments_are_named():
    compiled = tracejet.compile(Branching(), arg_inputs=[batched(4)], kwarg_inputs={"scale": 3.0})
    x = torch.randn(4, 4)
    for message, args, kwargs in [
        ("x: this input is missing", (), {}),
        ("x: a tensor is needed, got 3", (3,), {}),
        ("x: given twice", (x,), {"x": x}),
        ("no input colour", (x,), {"colour": 1}),
        ("scale: this program was traced with 3.0, got 2.0", (x,), {"scale": 2.0}),
        ("x: axis 0 is 32, but this program takes 2 to 16", (torch.randn(32, 4),), {}),
        ("x: axis 1 is 5, but this program takes 4", (torch.randn(4, 5),), {}),
        ("x: its dtype is Int, but this program takes Float", (x.int(),), {}),
    ]:
        with pytest.raises(tracejet.InvalidInput, match=message):
            compiled(*args, **kwargs)


@each_engine
def test_axes_that_share_a_dimension_must_agree(engine):
    inputs = [Input(min_shape=(2, 3), opt_shape=(4, 3), max_shape=(9, 3), shared_dims={0: "batch"}) for _ in range(2)]

    class Sum(nn.Module):
        def forward(self, left, right):
            return left + right

    compiled = tracejet.compile(Sum(), arg_inputs=inputs, engine=engine)
    with pytest.raises(tracejet.InvalidInput, match="right: axis 0 is 5, but this program takes 4 here"):
        compiled(torch.randn(4, 3), torch.randn(5, 3))


@each_engine
def test_programs_of_torch_export_are_taken(linear, engine):
    rows = torch.export.Dim("rows", min=2, max=16)
    program = torch.export.export(linear, (torch.randn(4, 6),), dynamic_shapes=({0: rows},))
    compiled = tracejet.compile(program, engine=engine)
    for count in (2, 7):
        x = torch.randn(count, 6)
        torch.testing.assert_close(compiled(x), linear(x), rtol=1e-5, atol=1e-5)
    with pytest.raises(tracejet.InvalidInput, match="axis 0 is 17, but this program takes 2 to 16"):
        compiled(torch.randn(17, 6))


@each_engine
def test_programs_that_were_saved_are_taken(engine):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 3)

        def forward(self, x, *, scale):
            return {"y": self.linear(x) * scale, "rows": x.shape[0]}

    model = Model()
    saved = io.BytesIO()
    program = tracejet.trace(model, arg_inputs=[batched(4)], kwarg_inputs={"scale": 3.0})
    torch.export.save(program, saved)
    saved.seek(0)
    compiled = tracejet.compile(torch.export.load(saved), engine=engine)
    x = torch.randn(7, 4)
    assert_same_results(compiled(x, scale=3.0), model(x, scale=3.0))


def test_inputs_beside_a_program_must_fit_it(linear):
    program = tracejet.trace(linear, arg_inputs=[batched(6)])
    tracejet.compile(program, arg_inputs=[batched(6)])
    tracejet.compile(program, arg_inputs=[torch.randn(3, 6)])
    with pytest.raises(tracejet.InvalidInput, match="axis 0 is 2 to 32, but the program was traced for 2 to 16"):
        tracejet.compile(program, arg_inputs=[batched(6, high=32)])


@each_engine
@pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8],
)
def test_every_dtype_goes_through(engine, dtype):
    class Model(nn.Module):
        def forward(self, x):
            return x + x, x * 2, x > 1, x.float().sum()

    x = torch.arange(12).reshape(3, 4).to(dtype)
    torch.testing.assert_close(tracejet.compile(Model(), arg_inputs=[x], engine=engine)(x), Model()(x))


def test_what_openvino_would_round_is_refused():
    class Model(nn.Module):
        def forward(self, x):
            return x * 2

    with pytest.raises(tracejet.UnsupportedOperator, match="computes in float64"):
        tracejet.compile(Model(), arg_inputs=[torch.randn(3, dtype=torch.float64)], engine="openvino")


@each_engine
@pytest.mark.parametrize(
    "x",
    [
        torch.tensor(3.0),
        torch.randn(0, 4),
        torch.randn(4, 0, 2),
        torch.randn(6, 4).t(),
        torch.randn(1, 3).expand(5, 3),
        torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    ],
    ids=["0-dim", "empty", "empty inside", "transposed", "expanded", "channels last"],
)
def test_every_layout_goes_through(engine, x):
    class Model(nn.Module):
        def forward(self, x):
            return x.relu() + 1, x.sum()

    torch.testing.assert_close(tracejet.compile(Model(), arg_inputs=[x], engine=engine)(x), Model()(x))


@each_engine
def test_a_dynamic_axis_may_be_empty(engine):
    class Model(nn.Module):
        def forward(self, x):
            return (x * 2).sum(0), x + 1

    inputs = Input(min_shape=(0, 4), opt_shape=(4, 4), max_shape=(9, 4))
    compiled = tracejet.compile(Model(), arg_inputs=[inputs], engine=engine)
    for rows in (0, 1, 9):
        x = torch.randn(rows, 4)
        torch.testing.assert_close(compiled(x), Model()(x))


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
    assert "test_compile.py" in message
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


def test_the_interpreter_shares_the_weights(linear):
    compiled = tracejet.compile(linear, arg_inputs=[torch.randn(3, 6)], engine="aten")
    with torch.no_grad():
        linear.weight.zero_()
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
    with pytest.raises(RuntimeError, match="raises an error of its own.*\n.*test_compile.py.*if .x < 0.*any"):
        compiled(-x)
    with pytest.raises(RuntimeError, match="too much"):
        compiled(x * 1000)
