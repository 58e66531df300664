"""What a model asserts of its data is checked when the program runs."""

import pytest
import torch

import tracejet
from tests.support.guards import dynamic, runners, trace

# ---- promises on data ----------------------------------------------------------------------------------------------


def first_rows(x, n):
    rows = n.item()
    torch._check(rows >= 0)
    torch._check(rows <= x.shape[0])
    return x[:rows] * 2


def test_promises_on_data_are_checked_when_the_program_runs(tmp_path):
    program = trace(first_rows, dynamic((2, 3), (5, 3), (9, 3), name="x"), torch.tensor(3))
    x = torch.randn(6, 3)
    torch.export.save(program, tmp_path / "program.pt2")
    others = torch.export.load(tmp_path / "program.pt2").module(), program.run_decompositions().module()
    for run in (*runners(program), *others):
        torch.testing.assert_close(run(x, torch.tensor(4)), x[:4] * 2)
        for wrong in (7, -1):
            with pytest.raises(RuntimeError):
                run(x, torch.tensor(wrong))


def test_a_promise_keeps_what_it_speaks_of_in_the_program():
    def forward(x):
        torch._check(x.nonzero().shape[0] <= 2)
        return x + 1

    program = trace(forward, torch.ones(4))
    for run in runners(program):
        assert run(torch.tensor([0.0, 1, 0, 1])).tolist() == [1, 2, 1, 2]
        with pytest.raises(RuntimeError, match="relies on"):
            run(torch.ones(4))


ASSERTING = """
def forward(x, lengths):
    longest = lengths.max().item()
    assert longest <= x.shape[0], "too long"
    assert longest > 0 and longest != 7
    return x * longest

def branching(x, lengths):
    if lengths.max().item() <= x.shape[0]:
        return x * 2
    return x
"""


def not_rewritten(tmp_path, name):
    """A function of ASSERTING; pytest rewrites the assertions of this file."""
    path = tmp_path / "asserting.py"
    path.write_text(ASSERTING)
    namespace = {}
    exec(compile(ASSERTING, str(path), "exec"), namespace)
    return namespace[name]


def test_assert_on_data_is_checked_when_the_program_runs(tmp_path):
    forward = not_rewritten(tmp_path, "forward")
    program = trace(forward, dynamic((2, 3), (5, 3), (9, 3), name="x"), torch.tensor([1, 2]))
    x = torch.randn(8, 3)
    for run in runners(program):
        torch.testing.assert_close(run(x, torch.tensor([3, 5])), x * 5)
        for wrong in ([1, 9], [0, 0], [7, 1]):
            with pytest.raises(RuntimeError, match="relies on"):
                run(x, torch.tensor(wrong))


def test_a_branch_on_data_is_refused_with_the_rewrite(tmp_path):
    with pytest.raises(tracejet.DataDependent, match="torch.cond") as error:
        trace(not_rewritten(tmp_path, "branching"), dynamic((2, 3), (5, 3), (9, 3)), torch.tensor([1, 2]))
    assert "asserting.py:9" in str(error.value)
