"""What a trace does to the world around it, and what it refuses."""

import threading

import pytest
import torch
from torch import nn

import tracejet
from tests.support.lambda_module import Lambda
from tracejet import Input


def trace(function, *inputs):
    return tracejet.trace(Lambda(function), arg_inputs=inputs)


def dispatch_state():
    keys = torch._C._dispatch_tls_local_include_set(), torch._C._dispatch_tls_local_exclude_set()
    flags = (
        torch.compiler._is_exporting_flag,
        torch.compiler._is_compiling_flag,
        torch.backends.mha.get_fastpath_enabled(),
    )
    return [str(key) for key in keys], flags, torch.is_grad_enabled(), nn.Module.__call__


class Failing(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("count", torch.zeros(4))
        self.cache = {}

    def forward(self, x):
        self.count += 1
        self.cache["x"] = x
        self.seen = x
        self.linear.note = "seen"
        raise ValueError("the model gives up")


def test_a_failed_trace_leaves_model_thread_and_process_as_they_were():
    model = Failing()
    before = dispatch_state()
    attributes, linear = dict(model.__dict__), dict(model.linear.__dict__)
    with pytest.raises(ValueError, match="gives up"):
        tracejet.trace(model, arg_inputs=(torch.ones(4),))
    assert dispatch_state() == before
    assert model.__dict__ == attributes and model.linear.__dict__ == linear
    assert model.cache == {} and torch.equal(model.count, torch.zeros(4))
    assert torch.equal(torch.ones(2) + torch.ones(2), torch.full((2,), 2.0))


def test_a_trace_after_a_failed_one_works():
    with pytest.raises(ValueError):
        tracejet.trace(Failing(), arg_inputs=(torch.ones(4),))
    assert torch.equal(trace(torch.neg, torch.ones(3)).module()(torch.ones(3)), -torch.ones(3))


def test_a_trace_inside_a_trace_is_refused():
    def forward(x):
        trace(torch.neg, torch.ones(3))
        return x

    with pytest.raises(tracejet.Error, match="inside another"):
        trace(forward, torch.ones(3))


def test_threads_trace_side_by_side():
    before = dispatch_state()
    barrier = threading.Barrier(4)
    results = {}

    class Meet(nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor
            self.linear = nn.Linear(4, 4)

        def forward(self, x):
            barrier.wait(timeout=60)
            return self.linear(x) * self.factor

    models = [Meet(factor) for factor in range(4)]
    x = torch.randn(2, 4)

    def work(i):
        results[i] = tracejet.trace(models[i], arg_inputs=(x,))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dispatch_state() == before
    for i, model in enumerate(models):
        assert torch.equal(results[i].module()(x), model.linear(x) * i)


def test_a_tensor_that_outlives_its_trace_says_so():
    leaked = []

    def forward(x):
        leaked.append(x)
        return x + 1

    trace(forward, torch.ones(3))
    with pytest.raises(RuntimeError, match="after its trace has ended|another trace"):
        leaked[0] * 2
    with pytest.raises(RuntimeError, match="another trace"):
        trace(lambda x: x + leaked[0], torch.ones(3))


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.numpy(),
        lambda x: x.data_ptr(),
        lambda x: x.untyped_storage()[0],
    ],
    ids=["numpy", "data_ptr", "storage"],
)
def test_reading_data_that_a_trace_does_not_have_raises(read):
    for function in (lambda x: x, lambda x: (x + 1).view(-1)):
        with pytest.raises(RuntimeError, match="data|value|storage"):
            trace(lambda x, f=function: x + (0 if read(f(x)) is None else 1), torch.ones(1))


def test_values_that_follow_from_constants_are_known():
    def forward(x):
        limit = torch.tensor([1.0, 5.0]).max()
        return x * limit.item() + (2 if bool(torch.arange(3).sum() == 3) else 7)

    program = trace(forward, torch.ones(3))
    assert torch.equal(program.module()(torch.ones(3)), torch.full((3,), 7.0))


def test_a_fresh_constant_can_be_written_to():
    def forward(x):
        table = torch.tensor([1.0, 2.0, 3.0])
        table[1] = 10.0
        return x + table

    program = trace(forward, torch.ones(3))
    for _ in range(2):
        assert torch.equal(program.module()(torch.ones(3)), torch.tensor([2.0, 11.0, 4.0]))


def test_an_error_names_the_operator_the_line_and_the_module():
    class Block(nn.Module):
        def forward(self, x):
            return x * 2 if x.sum() > 0 else x

    model = nn.Sequential(nn.Identity(), Block())
    with pytest.raises(tracejet.DataDependent) as error:
        tracejet.trace(model, arg_inputs=(torch.ones(3),))
    text = str(error.value)
    assert "[aten::_local_scalar_dense]" in text
    assert "test_capture.py" in text and "return x * 2 if x.sum() > 0 else x" in text
    assert "in 1 (" in text and "Block" in text


def test_shapes_that_do_not_fit_raise_as_in_eager():
    with pytest.raises(RuntimeError):
        trace(lambda x, y: x @ y, torch.ones(2, 3), torch.ones(4, 5))
    with pytest.raises(tracejet.Error, match=r"\[aten::cat\]"):
        trace(lambda x, y: torch.cat([x, y], 1), torch.ones(2, 3), torch.ones(4, 3))


def test_every_assumption_of_a_trace_is_reported():
    def forward(x):
        if x.shape[0] > 5:
            x = x * 2
        return x.view(8, -1), x + torch.ones(8, 6)

    x = Input(min_shape=(2, 6), opt_shape=(8, 6), max_shape=(16, 6), name="x")
    with pytest.raises(tracejet.ConstraintViolation) as error:
        trace(forward, x)
    text = str(error.value)
    assert "if x.shape[0] > 5" in text
    assert "declared as 2 to 16" in text


def test_size_one_is_inside_the_range():
    def forward(x):
        return x * x.sum(0, keepdim=True) if x.shape[0] != 1 else x * x.sum(0)

    program = trace(forward, Input(min_shape=(1, 3), opt_shape=(1, 3), max_shape=(9, 3)))
    for size in (1, 2, 9):
        x = torch.randn(size, 3)
        assert torch.equal(program.module()(x), forward(x))


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(3))
        self.register_buffer("last", torch.zeros(3))

    def forward(self, x):
        self.total.add_(x)
        self.last = x * 2
        return self.total * 1


def test_writes_and_rebinds_of_buffers_are_part_of_the_program():
    model, eager = Counter(), Counter()
    last = model.last
    program = tracejet.trace(model, arg_inputs=(torch.ones(3),))
    assert model.last is last and torch.equal(model.total, torch.zeros(3))
    module = program.module()
    for _ in range(3):
        x = torch.randn(3)
        assert torch.equal(module(x), eager(x))
    state = dict(module.named_buffers())
    assert torch.equal(state["total"], eager.total) and torch.equal(state["last"], eager.last)


def test_writes_to_inputs_are_part_of_the_program():
    def forward(x):
        x.mul_(2)
        return x + 1

    program = trace(forward, torch.ones(3))
    x = torch.ones(3)
    assert torch.equal(program.module()(x), torch.full((3,), 3.0))
    assert torch.equal(x, torch.full((3,), 2.0))


def test_writes_to_globals_are_refused():
    table = torch.zeros(3)
    with pytest.raises(tracejet.UnsupportedOperator, match="register it as a buffer"):
        trace(lambda x: table.add_(x), torch.ones(3))
    assert torch.equal(table, torch.zeros(3))


def test_writes_to_parameters_leave_the_model_as_it_was_and_happen_in_the_program():
    class Writes(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))

        def forward(self, x):
            self.scale.data.mul_(2)
            return x * self.scale

    model = Writes()
    program = tracejet.trace(model, arg_inputs=(torch.ones(3),))
    assert torch.equal(model.scale, torch.ones(3))
    run = tracejet.compile(program, engine="aten")
    assert [run(torch.ones(3))[0].item() for _ in range(3)] == [2, 4, 8]


@pytest.mark.parametrize("train", [False, True])
def test_batch_norm_updates_its_buffers_like_eager(train):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train(train)
    eager = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train(train)
    eager.load_state_dict(model.state_dict())
    x = Input(min_shape=(1, 3, 8, 8), opt_shape=(4, 3, 8, 8), max_shape=(8, 3, 8, 8))
    module = tracejet.trace(model, arg_inputs=(x,)).module()
    for batch in (2, 1, 8):
        x = torch.randn(batch, 3, 8, 8)
        torch.testing.assert_close(module(x), eager(x))
    for name, buffer in eager.named_buffers():
        torch.testing.assert_close(dict(module.named_buffers())[name], buffer)


def test_autocast_is_followed():
    linear = nn.Linear(4, 4)

    def forward(x):
        with torch.autocast("cpu", torch.bfloat16):
            y = linear(x)
        return y, linear(x)

    program = trace(forward, torch.ones(2, 4))
    low, high = program.module()(torch.ones(2, 4))
    assert low.dtype == torch.bfloat16 and high.dtype == torch.float32
    torch.testing.assert_close(low, forward(torch.ones(2, 4))[0])


@pytest.mark.parametrize("context", [torch.no_grad, torch.enable_grad, torch.inference_mode])
def test_gradient_contexts_are_followed(context):
    linear = nn.Linear(4, 4)

    def forward(x):
        with context():
            y = linear(x).relu_()
        return y.view(-1) + 1

    torch.testing.assert_close(trace(forward, torch.ones(2, 4)).module()(torch.ones(2, 4)), forward(torch.ones(2, 4)))


def test_transforms_of_torch_func():
    weight = torch.randn(4, 4)

    def forward(x):
        mapped = torch.vmap(lambda row: (weight @ row).tanh())(x)
        gradient = torch.func.grad(lambda y: (y * y).sum())(x)
        return mapped, gradient

    x = torch.randn(3, 4)
    for got, wanted in zip(trace(forward, x).module()(x), forward(x)):
        torch.testing.assert_close(got, wanted)


def test_numbers_that_come_from_sizes_keep_their_value():
    def forward(x):
        s = x.shape[0]
        return x * s, x / s, x * s**0.5, x + s // 2, torch.full((2,), s)

    program = trace(forward, Input(min_shape=(2, 3), opt_shape=(4, 3), max_shape=(9, 3)))
    for size in (2, 5, 9):
        x = torch.randn(size, 3)
        for got, wanted in zip(program.module()(x), forward(x)):
            torch.testing.assert_close(got, wanted)


def test_views_written_in_place():
    def forward(x):
        y = x.clone()
        y[:, 0] = 5
        y.view(-1)[3:5].mul_(2)
        y.t()[1].add_(1)
        return y

    x = torch.randn(4, 3)
    torch.testing.assert_close(trace(forward, x).module()(x), forward(x))
