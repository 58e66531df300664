"""What Python code asks of a traced tensor or a dynamic size: the answer is right at every size, or is refused."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

import tracejet
from testing.compare import assert_same_as_eager
from tests.support import questions
from tests.support.lambda_module import Lambda, batch
from tests.support.questions import CHECKED, REFUSED, RIGHT, Row
from tests.support.questions_of_functions import BY_FUNCTION
from tracejet import Input

TABLES: dict[str, tuple[type | None, Mapping[str, Row]]] = {
    "Tensor": (torch.Tensor, questions.OF_TENSOR),
    "SymInt": (torch.SymInt, questions.OF_SIZE),
    "SymFloat": (torch.SymFloat, {**questions.OF_SIZE, **questions.OF_FLOAT}),
    "SymBool": (torch.SymBool, {**questions.OF_SIZE, **questions.OF_BOOL}),
    "Size": (torch.Size, {**questions.OF_SIZE, **questions.OF_SHAPE}),
}
ROWS = {
    f"{owner}.{name}": row
    for owner, table in {
        "Tensor": questions.OF_TENSOR,
        "SymInt": questions.OF_SIZE,
        "SymFloat": questions.OF_FLOAT,
        "SymBool": questions.OF_BOOL,
        "Size": questions.OF_SHAPE,
        "function": BY_FUNCTION,
    }.items()
    for name, row in table.items()
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row[1] == RIGHT])
def test_an_answer_is_right_at_every_size(name: str) -> None:
    assert_same_as_eager(Lambda(ROWS[name][0]), [batch(4, high=16)], [{"batch": size} for size in (1, 2, 4, 7, 16)])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row[1] == REFUSED])
def test_what_has_no_answer_is_refused_with_the_line(name: str) -> None:
    with pytest.raises(tracejet.Error, match=r"\.py:\d+ in "):
        tracejet.trace(Lambda(ROWS[name][0]), arg_inputs=[batch(4, high=16)])


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row[1] == CHECKED])
@pytest.mark.parametrize("size", [1, 4, 7, 16])
def test_what_a_run_can_check_is_checked(name: str, size: int) -> None:
    model = ROWS[name][0]
    compiled = tracejet.compile(tracejet.trace(Lambda(model), arg_inputs=[batch(4, high=16)]), engine="aten")
    x = torch.randn(size, 4)
    if size % 2 == 0:  # as traced
        assert torch.equal(compiled(x), model(x))
    else:
        with pytest.raises(tracejet.InvalidInput, match="which this program relies on"):
            compiled(x)


def gives_tensors(name: str) -> bool:
    """Whether it is an operator, which a trace records, and nothing else."""
    for spelled in (name, name.rstrip("_"), name.strip("_")):
        operator = getattr(torch.ops.aten, spelled, None)
        if isinstance(operator, torch._ops.OpOverloadPacket):
            schemas = [getattr(operator, overload)._schema for overload in operator.overloads()]
            return any("Tensor" in str(result.type) for schema in schemas for result in schema.returns)
    return False


@pytest.mark.parametrize("owner", TABLES)
def test_no_question_is_left_out(owner: str) -> None:
    kind, table = TABLES[owner]
    known = set(table).union(*questions.SAYS_NOTHING.values())
    of_tensor = kind is torch.Tensor
    missing = [
        name
        for name in dir(kind)
        if name not in known and not (of_tensor and (gives_tensors(name) or name in vars(object)))
    ]
    assert not missing, "what may a model ask by these? Add a row to tests/support/questions.py"


@pytest.mark.parametrize("size", [1, 4, 9])
def test_ranks_that_hang_on_sizes_are_those_of_eager(size: int) -> None:
    """The interpreter takes ranks from its data; an engine that can't says so where they differ."""
    program = tracejet.trace(Lambda(lambda x: x.squeeze() * 2), arg_inputs=[batch(1, 5)])
    x = torch.randn(size, 1, 5)
    for run in (program.module(), tracejet.compile(program, engine="aten")):
        assert torch.equal(run(x), x.squeeze() * 2)
    compiled = tracejet.compile(program, engine="openvino")
    if size > 1:
        torch.testing.assert_close(compiled(x), x.squeeze() * 2)
    else:
        with pytest.raises(tracejet.InvalidInput, match=r"axis 0 \(batch\) is 1 here.*\n.*test_questions\.py"):
            compiled(x)


def cropped(x: torch.Tensor) -> torch.Tensor:
    height, width = x.shape[1:3]
    x = torch.nn.functional.pad(x, (0, 0, 0, -width % 7, 0, -height % 7))
    return x[:, :height, :width, :].contiguous() * 2


def positions(x: torch.Tensor) -> torch.Tensor:
    table = torch.arange(16.0 * 16).view(1, 16, 16, 1)
    return x + table[:, : x.shape[1], : x.shape[2]].contiguous()


@pytest.mark.parametrize("model", [cropped, positions])
def test_what_pytorch_asks_for_itself_costs_nothing(model: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """`contiguous()` asks whether it has anything to do before an operator is at work."""
    runs: list[None] = []

    def forward(x: torch.Tensor) -> torch.Tensor:
        runs.append(None)
        return model(x)

    image = Input(min_shape=(1, 1, 1, 2), opt_shape=(2, 5, 6, 2), max_shape=(4, 16, 16, 2), name="x")
    tracejet.trace(Lambda(forward), arg_inputs=[image])
    assert len(runs) == 1
    sizes = [(1, 5, 6), (2, 7, 14), (3, 16, 16), (4, 1, 3), (1, 1, 1), (2, 7, 1)]
    assert_same_as_eager(Lambda(model), [image], [{"x_0": b, "x_1": h, "x_2": w} for b, h, w in sizes])


@pytest.mark.parametrize("size", [0, 1])
def test_a_number_of_pieces_is_refused_with_the_line_where_it_differs(size: int) -> None:
    compiled = tracejet.compile(Lambda(lambda x: x * len(x.chunk(3))), arg_inputs=[batch(4, low=0)], engine="aten")
    x = torch.randn(4, 4)
    assert torch.equal(compiled(x), x * 2)
    with pytest.raises(tracejet.Error, match=r"relies on(.|\n)*test_questions.py"):
        compiled(x[:size])


def after_writing(write: Callable[[torch.Tensor], Any]) -> Lambda:
    def forward(x: torch.Tensor) -> torch.Tensor:
        y = x[:2].t().clone().t()
        write(y)
        return y * (2 if y.is_contiguous() else 3) * y.stride(0)

    return Lambda(forward)


WRITES = {
    "fill": lambda y: y.fill_(1.0),
    "copy": lambda y: y.copy_(torch.ones(4, 2).t()),
    "copy of a row": lambda y: y.copy_(torch.arange(4.0)),
    "copy to a turned one": lambda y: y.t().copy_(torch.ones(4, 2)),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_tensor_keeps_its_layout_when_it_is_written_to(write: Callable[[torch.Tensor], Any]) -> None:
    assert_same_as_eager(after_writing(write), [torch.randn(3, 4)], [{}])


def test_layout_that_a_write_changes_here_only_is_refused() -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match=r"written to in place(.|\n)*test_questions.py"):
        tracejet.trace(after_writing(lambda y: torch.neg(torch.ones(4, 2).t(), out=y)), arg_inputs=[torch.randn(3, 4)])


class Table(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scales = {"7": 2.0}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scales.get(str(x.shape[0]), 1.0)


def test_text_that_a_table_of_the_model_knows_is_tried() -> None:
    with pytest.raises(tracejet.ConstraintViolation, match=r"must be 4"):
        tracejet.trace(Table(), arg_inputs=[batch(4, high=16)])


def test_a_line_of_the_model_is_named_though_python_asks() -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match=r"args_0.0., a dynamic size.*JSON(.|\n)*test_questions.py"):
        tracejet.trace(Lambda(lambda x: x * len(json.dumps([x.shape[0]]))), arg_inputs=[batch(4)])


def test_a_hash_is_refused_as_libraries_expect_it() -> None:
    """einops goes on without its cache where a size has no hash."""

    def forward(x: torch.Tensor) -> torch.Tensor:
        try:
            return x * hash(x.shape)
        except TypeError:
            return x * 2

    assert_same_as_eager(Lambda(lambda x: forward(x) if torch.compiler.is_exporting() else x * 2), [batch(4)])


def test_texts_that_are_shown_cost_no_size(capsys: pytest.CaptureFixture[str]) -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        print(f"{x.shape[0]} rows, {x.shape[0] / 8:.2f} blocks, {x.shape}")
        return x + 1

    assert_same_as_eager(Lambda(forward), [batch(4)])
    assert "4 rows, 0.50 blocks, torch.Size([4, 4])" in capsys.readouterr().out


USED = {
    "kept": lambda x: x * len(f"{x.shape[0]}"),
    "shown and kept": lambda x: (print(text := f"{x.shape[0]}"), x * len(text))[1],
}


def _forwards(function: Callable[..., Any]) -> int:
    seen = []

    def forward(x: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        result = function(x)
        return x * 2 if result is None else result

    with contextlib.suppress(tracejet.Error):
        tracejet.trace(Lambda(forward), arg_inputs=[batch(4, high=200)])
    return len(seen)


def _asserts(x: torch.Tensor) -> None:
    torch._assert(x.dim() == 2, f"expected 2 axes, got {x.shape}")


def _prints(x: torch.Tensor) -> None:
    print(f"rows: {x.shape[0]}", end="")


@pytest.mark.parametrize("function", [_asserts, _prints])
def test_a_text_that_is_only_shown_costs_no_other_trace(function: Callable[..., Any]) -> None:
    assert _forwards(function) == 1


@pytest.mark.parametrize("function", USED.values(), ids=USED)
def test_a_text_that_is_used_does(function: Callable[..., Any]) -> None:
    assert _forwards(function) > 1
