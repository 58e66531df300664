"""`tracejet.verify`: right programs are found to be right at any size, and in wrong ones the call at fault is found."""

import copy
import inspect

import pytest
import torch
from torch import nn

import tracejet
from testing.models import SMALL_MODELS
from tracejet import Input

ENGINES = ("openvino", "aten")


def batch_of(*sizes, dtype=torch.float32, low=1, high=16, **options):
    """An Input whose axis 0 is dynamic."""
    shapes = {f"{mode}_shape": (size, *sizes) for mode, size in (("min", low), ("opt", 4), ("max", high))}
    return Input(**shapes, dtype=dtype, **options)


def line_of(function, text):
    """Where in this file a function has this text."""
    lines, start = inspect.getsourcelines(function)
    return start + next(i for i, line in enumerate(lines) if text in line)


class Tower(nn.Module):
    """A few layers and a buffer that is written; `activation` is what a broken engine gets wrong."""

    def __init__(self, activation=torch.relu):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)
        self.register_buffer("seen", torch.zeros(8))
        self.activation = activation

    def forward(self, x):
        hidden = self.activation(self.first(x))
        self.seen += x.mean(0)
        return {"scores": torch.tanh(self.second(hidden)), "seen": self.seen * 2, "rows": x.shape[0]}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_right_program_is_right_at_all_sizes_and_leaves_everything_as_it_was(engine):
    model = Tower().eval()
    program = tracejet.trace(model, arg_inputs=[batch_of(8, name="x")])
    given = torch.randn(3, 8)
    before = given.clone()
    found = tracejet.verify(program, tracejet.compile(program, engine=engine), inputs=[given])
    assert found.ok and found.first is None and found.engine == engine
    assert [run.name for run in found.runs] == ["min", "opt", "max", "inputs"]
    assert [list(run.dimensions.values()) for run in found.runs] == [[1], [4], [16], [3]]
    names = [output.name for output in found.runs[0].outputs]
    assert names == ["output['scores']", "output['seen']", "output['rows']", "buffer seen"]
    assert all(output.is_equal and output.relative_error < 1e-5 for run in found.runs for output in run.outputs)
    assert torch.equal(model.seen, torch.zeros(8)) and torch.equal(given, before)
    found.raise_if_wrong()


class Many(nn.Module):
    def forward(self, x):
        return [x * i for i in range(5)]


def test_equal_outputs_are_summed_up():
    program = tracejet.trace(Many(), arg_inputs=[batch_of(8)])
    assert "max (x_0=16): 5 outputs, largest error 0, relative 0" in str(tracejet.verify(program, Many()))
    found = tracejet.verify(program, lambda x: [x * i + (i == 3) for i in range(5)])
    assert "output[3] DIFFERS, largest error 1," in str(found) and "; 4 outputs, largest error 0" in str(found)


class OfNothing(nn.Module):
    def forward(self, x):
        return x.mean(0)


def test_numbers_are_shown_as_they_are():
    program = tracejet.trace(OfNothing(), arg_inputs=[batch_of(3, low=0)])
    found = tracejet.verify(program, lambda x: x.sum(0) / max(x.shape[0], 1))
    assert not found.ok and "at [0]: expected nan, got 0" in str(found)


@pytest.mark.parametrize("name", ["bert", "t5", "swin", "gpt2", "resnet50"])
def test_random_inputs_suit_real_models(name):
    case = SMALL_MODELS[name]
    args, kwargs = case.tracejet_inputs()
    program = tracejet.trace(case.module(), arg_inputs=args, kwarg_inputs=kwargs)
    found = tracejet.verify(program, tracejet.compile(program, engine="openvino"))
    assert found.ok, found
    assert [run.name for run in found.runs] == ["min", "opt", "max"]
    assert all(output.absolute_error > 0 for run in found.runs for output in run.outputs if "hidden" in output.name)


def test_the_call_that_differs_first_is_named_with_its_line():
    """What is compiled computes another function in the place of relu, as a broken engine would."""
    program = tracejet.trace(Tower().eval(), arg_inputs=[batch_of(8)])
    for engine in ENGINES:
        broken = tracejet.compile(Tower(nn.functional.gelu).eval(), arg_inputs=[batch_of(8)], engine=engine)
        found = tracejet.verify(program, broken)
        assert not found.ok
        assert found.first.operator == "aten::relu"
        assert found.first.file == __file__
        assert found.first.line == line_of(Tower.forward, "self.activation(")
        assert "expected " in found.first.problem and ", got " in found.first.problem
        by_name = {output.name: output for output in found.runs[0].outputs}
        assert not by_name["output['scores']"].is_equal and by_name["buffer seen"].is_equal
        for part in ("aten::relu", "test_verify.py", "self.activation(self.first(x))", "output['scores']", "min"):
            assert part in str(found), part
        assert found.to_json()["first"]["operator"] == "aten::relu"
        with pytest.raises(tracejet.VerificationError, match="aten::relu"):
            found.raise_if_wrong()


def test_other_weights_are_found_in_the_call_that_uses_them():
    model = Tower().eval()
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.second.weight[3, 3] += 1
    program = tracejet.trace(model, arg_inputs=[batch_of(8)])
    found = tracejet.verify(program, tracejet.compile(other, arg_inputs=[batch_of(8)], engine="openvino"))
    assert not found.ok and found.first.operator in ("aten::addmm", "aten::permute"), found
    assert found.first.line == line_of(Tower.forward, "self.second(")


def test_a_function_is_held_against_the_program_too():
    model = Tower().eval()
    program = tracejet.trace(model, arg_inputs=[batch_of(8)])
    assert tracejet.verify(program, model).ok
    found = tracejet.verify(program, lambda x: {**model(x), "seen": x})
    assert not found.ok and found.first is None
    assert "expected the shape [8], got [1, 8]" in str(found)

    def fails(x):
        raise RuntimeError("the function is out of order")

    found = tracejet.verify(program, fails)
    assert not found.ok and "only the function refused them: RuntimeError: the function is out of order" in str(found)


class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.kinds = nn.Embedding(50, 8), nn.Embedding(3, 8)

    def forward(self, words, kinds, columns, mask):
        found = self.words(words) + self.kinds(kinds.reshape(kinds.shape[0], -1))
        found = found.masked_fill(~mask.unsqueeze(-1), 0)
        return found.gather(1, columns.unsqueeze(-1).expand(-1, -1, 8)), found[
            torch.arange(words.shape[0]), columns[:, 0]
        ]


def test_positions_lie_inside_of_what_they_index():
    ids = [batch_of(7, dtype=torch.int64, name="ids") for _ in range(3)]
    mask = batch_of(7, dtype=torch.bool, name="ids")
    found = tracejet.verify(*_traced_and_compiled(Lookup().eval(), [*ids, mask]))
    assert found.ok, found


class Halves(nn.Module):
    def forward(self, x, y):
        return x.reshape(x.shape[0], 8, -1).sum(1), x[:, : y.shape[1]] + y


def test_sizes_fulfil_what_the_program_asserts():
    x = Input(min_shape=(1, 3), opt_shape=(2, 16), max_shape=(4, 61), name="x")
    y = Input(min_shape=(1, 1), opt_shape=(2, 3), max_shape=(4, 5), name="y", shared_dims={0: "x_0"})
    x.shared_dims[0] = "x_0"
    found = tracejet.verify(*_traced_and_compiled(Halves(), [x, y]))
    assert found.ok, found
    sizes = [list(run.dimensions.values()) for run in found.runs]
    assert sizes[0][0] == 1 and sizes[0][1] == 8 and sizes[2][0] == 4 and sizes[2][1] == 56, sizes


class Checked(nn.Module):
    def forward(self, x, start):
        first = start.item()
        torch._check(first >= 0)
        torch._check(first + 2 <= x.shape[0])
        return x.narrow(0, first, 2)


def test_numbers_of_data_fulfil_what_the_program_checks():
    inputs = [Input(min_shape=(2, 3), opt_shape=(4, 3), max_shape=(8, 3)), Input((), dtype=torch.int64)]
    program = tracejet.trace(Checked(), arg_inputs=inputs)
    found = tracejet.verify(program, tracejet.compile(program, engine="aten"))
    assert found.ok and len(found.runs) == 3, found


class Impossible(nn.Module):
    def forward(self, x, number):
        torch._check(number.item() == 1234567)
        return x * number


def test_where_no_random_inputs_are_found_it_asks_for_some():
    program = tracejet.trace(Impossible(), arg_inputs=[batch_of(3), Input((), dtype=torch.int64)])
    compiled = tracejet.compile(program, engine="aten")
    with pytest.raises(tracejet.InvalidInput, match="pass some as `inputs`"):
        tracejet.verify(program, compiled)
    right = (torch.randn(2, 3), torch.tensor(1234567))
    assert tracejet.verify(program, compiled, inputs=right, sizes=()).ok
    assert len(tracejet.verify(program, compiled, inputs=[right, right], sizes=()).runs) == 2
    with pytest.raises(tracejet.InvalidInput, match="neither aten nor eager's kernels take these"):
        tracejet.verify(program, compiled, inputs=[torch.randn(2, 3), torch.tensor(1)], sizes=())


def test_inputs_that_do_not_fit_are_refused():
    program, compiled = _traced_and_compiled(Tower().eval(), [batch_of(8)])
    with pytest.raises(tracejet.InvalidInput, match=r"write inputs=\[x\]"):
        tracejet.verify(program, compiled, inputs=torch.randn(2, 8))
    with pytest.raises(tracejet.InvalidInput, match="axis 1 is 9"):
        tracejet.verify(program, compiled, inputs=[torch.randn(2, 9)])
    with pytest.raises(tracejet.InvalidInput, match=r'sizes are "min", "opt" and "max", got "huge"'):
        tracejet.verify(program, compiled, sizes=["huge"])
    of_another = tracejet.trace(
        Lookup(), arg_inputs=[torch.zeros(2, 7, dtype=torch.int64)] * 3 + [torch.ones(2, 7) > 0]
    )
    with pytest.raises(tracejet.InvalidInput, match="isn't this program's"):
        tracejet.verify(of_another, compiled)


class Noise(nn.Module):
    """Nothing is left but rounding, which two ways to add give differently."""

    def forward(self, x):
        rest = x.sum() - x.sum(0).sum()
        return rest, rest * 1e6, (x * 1e3).softmax(-1)


def test_rounding_that_a_program_amplifies_is_no_fault():
    program, compiled = _traced_and_compiled(Noise(), [batch_of(999)])
    assert tracejet.verify(program, compiled).ok


class Nan(nn.Module):
    def forward(self, x):
        return x.log(), x / 0


def test_nan_and_infinity_equal_themselves():
    for engine in ENGINES:
        program = tracejet.trace(Nan(), arg_inputs=[batch_of(8)])
        assert tracejet.verify(program, tracejet.compile(program, engine=engine), inputs=[-torch.ones(1, 8)]).ok


class Cache(nn.Module):
    def forward(self, cache, x):
        cache[:, :2] = x
        return cache.sum(1)


def test_inputs_that_the_program_writes_are_compared_and_kept():
    program, compiled = _traced_and_compiled(Cache(), [batch_of(5, name="b"), batch_of(2, name="b")])
    cache = torch.zeros(3, 5)
    found = tracejet.verify(program, compiled, inputs=[cache, torch.ones(3, 2)])
    assert found.ok and [output.name for output in found.runs[-1].outputs] == ["output", "input cache"]
    assert torch.equal(cache, torch.zeros(3, 5))
    wrong = tracejet.verify(program, lambda cache, x: torch.cat([x, cache[:, 2:]], 1).sum(1))
    assert not wrong.ok and "input cache DIFFERS" in str(wrong)


def test_programs_that_were_saved_are_verified_too(tmp_path):
    program = tracejet.trace(Tower().eval(), arg_inputs=[batch_of(8)])
    torch.export.save(program, tmp_path / "tower.pt2")
    loaded = torch.export.load(tmp_path / "tower.pt2")
    assert tracejet.verify(loaded, tracejet.compile(loaded, engine="openvino")).ok
    assert tracejet.verify(program, tracejet.compile(loaded, engine="openvino")).ok


def test_less_precision_is_less_exact_and_right():
    model = Tower().eval()
    program = tracejet.trace(model, arg_inputs=[batch_of(8)])
    compiled = tracejet.compile(program, engine="openvino", precision=torch.bfloat16)
    assert tracejet.verify(program, compiled).ok


def _traced_and_compiled(model, inputs):
    program = tracejet.trace(model, arg_inputs=inputs)
    return program, tracejet.compile(program, engine="openvino")


class Counted(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("n", torch.zeros(()))

    def forward(self, x):
        self.n += 1
        return x + self.n


@pytest.mark.parametrize("engine", ENGINES)
def test_state_of_its_own_is_compared_and_kept(engine):
    """What is made of a program second keeps buffers of its own."""
    program = tracejet.trace(Counted(), arg_inputs=[batch_of(2)])
    first = tracejet.compile(program)
    second = tracejet.compile(program, engine=engine)
    x = torch.zeros(1, 2)
    assert second(x).tolist() == [[1, 1]]
    for compiled in (first, second):
        assert tracejet.verify(program, compiled).ok
    assert second(x).tolist() == [[2, 2]] and first(x).tolist() == [[1, 1]]
