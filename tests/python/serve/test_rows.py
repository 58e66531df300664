"""What shares a call, and that everybody gets what they would have got alone."""

import pytest
import torch
from torch import nn

import tracejet
from tests.support.served import Centered, Lengths, Scores, lengths_inputs, saved, scores_inputs
from tests.support.small_models import Counter, RowSum
from tracejet import Input, InvalidInput
from tracejet.serve.independence import check
from tracejet.serve.program import ServedProgram

PAD = {"tokens": 0.0, "mask": 0.0}


def request(program, *tensors):
    names = [spec.name for spec in program.signature.inputs]
    return program.rows.request(program.signature.checked(dict(zip(names, tensors, strict=True))))


def test_rows_of_several_requests_are_one_call(tmp_path):
    model = Scores()
    calls = []

    def counted(path):
        compiled = tracejet.load(path)
        return lambda *args: calls.append(len(args[0])) or compiled(*args)

    program = ServedProgram(saved(model, scores_inputs(), tmp_path), function=counted)
    given = [(torch.randn(rows, 4), torch.randint(0, 9, (rows,))) for rows in (1, 3, 2)]
    answers = program.answers([request(program, *tensors) for tensors in given])
    assert calls == [6]
    for tensors, answer in zip(given, answers, strict=True):
        expected = model(*tensors)
        for spec, got in zip(program.signature.outputs, answer, strict=True):
            torch.testing.assert_close(got, expected[spec.name], rtol=1e-4, atol=1e-5)


def test_requests_of_different_lengths_are_padded_and_cut_back(tmp_path):
    program = ServedProgram(saved(Lengths(), lengths_inputs(), tmp_path), pad=PAD)
    check(program)
    given = []
    for rows, length in ((1, 3), (2, 7), (1, 2)):
        mask = torch.ones(rows, length)
        mask[:, length - 1] = 0
        given.append((torch.randn(rows, length), mask))
    requests = [request(program, *tensors) for tensors in given]
    assert [tuple(tensor.shape) for tensor in program.rows.merged(requests)] == [(4, 7), (4, 7)]
    for tensors, answer in zip(given, program.answers(requests), strict=True):
        for got, expected in zip(answer, Lengths()(*tensors), strict=True):
            torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_requests_that_are_much_longer_wait_for_another_call(tmp_path):
    program = ServedProgram(saved(Lengths(), lengths_inputs(), tmp_path), pad=PAD)
    requests = [request(program, *[torch.ones(1, length)] * 2) for length in (8, 16, 9, 2, 7, 8)]
    assert program.rows.chosen(requests) == [0, 5, 2, 4]  # the nearest in length first
    many = [request(program, *[torch.ones(rows, length)] * 2) for rows, length in ((1, 16), (7, 12), (7, 13))]
    assert program.rows.chosen(many) == [0, 2]


def test_without_a_word_on_padding_lengths_keep_requests_apart(tmp_path):
    program = ServedProgram(saved(Lengths(), lengths_inputs(), tmp_path))
    requests = [request(program, *[torch.ones(1, length)] * 2) for length in (3, 4, 3, 4)]
    assert program.rows.chosen(requests) == [0, 2]


def test_a_call_has_no_more_rows_than_the_program_takes(tmp_path):
    file = saved(Scores(), scores_inputs(), tmp_path)
    program = ServedProgram(file)
    requests = [request(program, torch.randn(rows, 4), torch.zeros(rows, dtype=torch.int64)) for rows in (3, 6, 4, 1)]
    assert program.rows.chosen(requests) == [0, 2, 3]  # what doesn't fit isn't in the way of what does
    assert ServedProgram(file, max_batch_size=4).rows.chosen(requests) == [0, 3]
    assert ServedProgram(file, max_batch_size=1).rows.chosen(requests) == [0]


class Picky(nn.Module):
    def forward(self, x):
        torch._assert_async((x >= 0).all(), "negative")
        return x.sqrt()


def test_what_one_request_does_wrong_is_no_others_error(tmp_path):
    compiled = tracejet.compile(Picky(), arg_inputs=[scores_inputs()[0]], threads=1)
    compiled.save(tmp_path / "model.pt2")
    program = ServedProgram(tmp_path / "model.pt2")
    given = [torch.ones(2, 4), -torch.ones(1, 4), torch.full((1, 4), 4.0)]
    right, wrong, other = program.answers([request(program, tensor) for tensor in given])
    assert isinstance(wrong, Exception)
    torch.testing.assert_close(right[0], torch.ones(2, 4))
    torch.testing.assert_close(other[0], torch.full((1, 4), 2.0))


def test_rows_that_depend_on_each_other_are_found(tmp_path):
    program = ServedProgram(saved(Centered(), [scores_inputs()[0]], tmp_path))
    with pytest.raises(InvalidInput, match="depend on each other. Pass max_batch_size=1"):
        check(program)
    check(ServedProgram(tmp_path / "model.pt2", max_batch_size=1))


class Mean(nn.Module):
    """Padding changes it."""

    def forward(self, tokens, mask):
        return (tokens * mask).mean(1)


class Halved(nn.Module):
    def forward(self, tokens, mask):
        return (tokens * mask)[:, ::2]


@pytest.mark.parametrize(
    ("model", "options", "text"),
    [
        (Lengths(), {"pad": {"tokens": 0.0}}, "mask has the dimension"),
        (Lengths(), {"pad": {"words": 0.0}}, "no input 'words'"),
        (Lengths(), {"pad": PAD, "max_batch_size": 1}, "nothing to pad"),
        (Lengths(), {"max_batch_size": 9}, "takes 1 to 8"),
        (Halved(), {"pad": PAD}, "can't be cut back"),
    ],
)
def test_what_cant_be_put_together_is_refused(tmp_path, model, options, text):
    file = saved(model, lengths_inputs(), tmp_path)
    with pytest.raises(InvalidInput, match=text):
        ServedProgram(file, **options)


def test_padding_that_changes_results_is_found(tmp_path):
    program = ServedProgram(saved(Mean(), lengths_inputs(), tmp_path), pad=PAD)
    with pytest.raises(InvalidInput, match="leave out pad"):
        check(program)


class Complex(nn.Module):
    def forward(self, x):
        return torch.complex(x, x)


def test_without_a_batch_requests_come_one_by_one(tmp_path):
    program = ServedProgram(saved(RowSum(), [scores_inputs()[0]], tmp_path))
    x = torch.randn(3, 4)
    (answer,) = program.answers([request(program, x)])
    torch.testing.assert_close(answer[0], x.sum(0), rtol=1e-4, atol=1e-5)
    assert not program.rows.is_merging
    with pytest.raises(InvalidInput, match="isn't one dimension"):
        ServedProgram(tmp_path / "model.pt2", max_batch_size=2)


@pytest.mark.parametrize(("model", "text"), [(Counter(), "keeps no state"), (Complex(), "no name")])
def test_what_the_protocol_cant_serve_is_refused(tmp_path, model, text):
    file = saved(model, [Input(min_shape=(1, 4), opt_shape=(2, 4), max_shape=(8, 4), name="x")], tmp_path)
    with pytest.raises(InvalidInput, match=text):
        ServedProgram(file)


class Nested(nn.Module):
    def forward(self, pair, scale):
        return pair[0] * scale, pair[1]


def test_inputs_are_called_as_the_parameters_of_forward(tmp_path):
    x = scores_inputs()[0]
    program = ServedProgram(saved(nn.Sequential(nn.Linear(4, 2)), [x], tmp_path))
    assert [spec.name for spec in program.signature.inputs] == ["input"]
    program = ServedProgram(saved(Nested(), [(x, x), 2.0], tmp_path))
    assert [spec.name for spec in program.signature.inputs] == ["pair_0", "pair_1"]
    given = [torch.randn(2, 4), torch.randn(2, 4)]
    for got, expected in zip(program.run(given), Nested()(given, 2.0), strict=True):
        torch.testing.assert_close(got, expected)


def test_a_program_alone_is_compiled_when_it_is_loaded(tmp_path):
    model = Scores().eval()
    tracejet.save(tracejet.trace(model, arg_inputs=scores_inputs()), tmp_path / "program.pt2")
    program = ServedProgram(tmp_path / "program.pt2")
    x, ids = torch.randn(2, 4), torch.tensor([1, 2])
    torch.testing.assert_close(program.run([x, ids])[0], model(x, ids)["scores"], rtol=1e-4, atol=1e-5)
