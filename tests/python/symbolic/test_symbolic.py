"""torch.SymInt on tracejet's nodes computes what Python's int does: at the traced example and at all other values."""

import math
import operator

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.fx.experimental import symbolic_shapes

from tracejet import _C

RANGES = {"a": (1, 64), "b": (0, 500), "c": (-9, 9)}


def context_with(hints):
    context = _C.symbolic.Context()
    return context, {name: context.symbol(name, *RANGES[name], hint) for name, hint in hints.items()}


def expression(number):
    return _C.symbolic.expression_of(number.node)


def value_at(number, values):
    """What a SymInt, SymFloat, SymBool or plain number is where the symbols have these values."""
    return _C.symbolic.evaluate(expression(number), values) if hasattr(number, "node") else number


assignments = st.fixed_dictionaries({name: st.integers(*bounds) for name, bounds in RANGES.items()})
leaves = st.sampled_from(sorted(RANGES)) | st.integers(-8, 12)

INTEGERS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<< 2": lambda x, y: x << 2,
    ">> 1": lambda x, y: x >> 1,
    "** 2": lambda x, y: x**2,
    "min": torch.sym_min,
    "max": torch.sym_max,
    "neg": lambda x, y: -x,
    "abs": lambda x, y: abs(x),
    "sum": lambda x, y: torch.sym_sum([x, y, 3]),
    # sym_ite wants both sides of one type; where one is a plain number, the maximum is the same selection
    "if": lambda x, y: torch.sym_ite(x > y, x, y) if type(x) is type(y) else torch.sym_max(x, y),
    "floor(x / y)": lambda x, y: math.floor(x / y),
    "ceil(x / 4)": lambda x, y: math.ceil(x / 4),
    "trunc(x / 3)": lambda x, y: math.trunc(x / 3),
    "int(x * 0.5)": lambda x, y: torch.sym_int(x * 0.5),
    "round(x / 2)": lambda x, y: round(x / 2),
}
RESULTS = {
    "x": lambda x, y: x,
    "x / y": operator.truediv,
    "x * 0.1": lambda x, y: x * 0.1 + y,
    "sqrt": lambda x, y: torch._sym_sqrt(abs(x)),
    "x ** 0.5": lambda x, y: abs(x) ** 0.5,
    "x == y": operator.eq,
    "x != y": operator.ne,
    "x < y": operator.lt,
    "x <= y": operator.le,
    "x > y": operator.gt,
    "x >= y": operator.ge,
    "not": lambda x, y: torch.sym_not(x < y),
    "integer": lambda x, y: (x / 2).is_integer(),
    "round digits": lambda x, y: round(x / 3, 2),
    "float": lambda x, y: torch.sym_float(x),
    "% float": lambda x, y: x % 2.5,
}

trees = st.recursive(leaves, lambda inner: st.tuples(st.sampled_from(sorted(INTEGERS)), inner, inner), max_leaves=8)
programs = st.tuples(st.sampled_from(sorted(RESULTS)), trees, trees)


def run_tree(tree, values):
    if isinstance(tree, str):
        return values[tree]
    if isinstance(tree, int):
        return tree
    name, left, right = tree
    return INTEGERS[name](run_tree(left, values), run_tree(right, values))


def run_program(program, values):
    name, left, right = program
    return RESULTS[name](run_tree(left, values), run_tree(right, values))


def plain(program, values):
    """Python's own answer; None where it raises or leaves the numbers that sizes are."""
    try:
        left, right = (run_tree(tree, values) for tree in program[1:])
        return None if max(abs(left), abs(right)) >= 2**40 else RESULTS[program[0]](left, right)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None


def assert_same(ours, expected):
    assert type(ours) is type(expected)
    assert ours == expected or ours == pytest.approx(expected, rel=1e-12)


@settings(max_examples=500, deadline=None)
@given(programs, assignments, st.lists(assignments, min_size=1, max_size=4))
def test_programs_of_symints_compute_what_python_does(program, hints, others):
    expected = plain(program, hints)
    assume(expected is not None)
    context, symbols = context_with(hints)
    try:
        result = run_program(program, symbols)
    except _C.Error:
        assume(False)
    assert_same(value_at(result, hints), expected)
    for values in others:
        expected = plain(program, values)
        if expected is None or not all(_C.symbolic.evaluate(guard.condition, values) for guard in context.guards):
            continue
        assert_same(value_at(result, values), expected)


def divides_by_a_symbol(tree):
    """PyTorch's FloorDiv takes (x // 2) // y for x // (2 * y), which is wrong where y is negative."""
    if not isinstance(tree, tuple):
        return False
    name, left, right = tree
    symbolic = name in ("//", "%", "floor(x / y)") and not isinstance(right, int)
    return symbolic or divides_by_a_symbol(left) or divides_by_a_symbol(right)


@settings(max_examples=300, deadline=None)
@given(programs, assignments)
def test_expressions_in_sympy_have_the_same_value(program, hints):
    expected = plain(program, hints)
    assume(expected is not None and not any(divides_by_a_symbol(tree) for tree in program[1:]))
    _, symbols = context_with(hints)
    try:
        result = run_program(program, symbols)
    except _C.Error:
        assume(False)
    assume(hasattr(result, "node"))
    converted = result.node.expr
    number = converted.subs({symbol: hints[symbol.name] for symbol in converted.free_symbols})
    assert type(expected)(number) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=300, deadline=None)
@given(programs, assignments, assignments)
def test_what_is_known_without_guards_is_true_everywhere(program, hints, values):
    _, symbols = context_with(hints)
    try:
        result = run_program(program, symbols)
    except (_C.Error, ZeroDivisionError, RuntimeError):
        assume(False)
    expected = plain(program, values)
    assume(isinstance(result, torch.SymBool) and expected is not None)
    if symbolic_shapes.statically_known_true(result):
        assert expected
    if symbolic_shapes.statically_known_false(result):
        assert not expected


@pytest.fixture
def context():
    return _C.symbolic.Context()


@pytest.fixture
def size(context):
    return context.symbol("s", 1, 64, 8)


def test_numbers_print_as_python(size):
    assert repr(size + 1) == "s + 1"
    assert f"{(size + 1) // 2}" == "(s + 1)//2"
    assert str(size > 3) == "s >= 4"


def test_a_result_that_is_known_is_a_plain_number(context, size):
    assert type(size - size) is int
    assert (size >= 1) is True
    assert torch.sym_max(size, 64) == 64
    assert not context.guards


def test_control_flow_guards_once(context, size):
    if size > 4:
        pass
    if not size <= 4:
        pass
    assert [str(guard.condition) for guard in context.guards] == ["s >= 5"]
    assert context.guards[0].kind == _C.symbolic.GuardKind.RELATION


@pytest.mark.parametrize(
    "read", [int, operator.index, range, math.sqrt, hex, lambda s: [0] * s], ids=lambda read: read.__name__
)
def test_reading_the_number_is_a_specialisation(context, size, read):
    read(size)
    assert [str(guard.condition) for guard in context.guards] == ["s == 8"]
    assert context.guards[0].kind == _C.symbolic.GuardKind.SPECIALIZATION
    assert type(size + 1) is int


def test_sizes_are_unhashable_like_those_of_torch(size):
    with pytest.raises(TypeError):
        hash(size)


def test_helpers_of_torch_answer_without_guards(context, size):
    assert symbolic_shapes.statically_known_true(size * 2 >= 2)
    assert not symbolic_shapes.statically_known_true(size > 3)
    assert not symbolic_shapes.guard_or_false(size == 1)
    assert symbolic_shapes.guard_or_true(size != 1)
    assert not symbolic_shapes.has_static_value(size)
    assert symbolic_shapes.is_symbolic(size)
    assert {str(symbol) for symbol in symbolic_shapes.free_symbols(size + 1)} == {"s"}
    assert size.node.hint == 8
    assert size.node.maybe_as_int() is None
    assert not context.guards


def test_data_dependent_control_flow_raises_and_checks_help(context):
    items = context.unbacked()
    with pytest.raises(_C.DataDependent, match=r"torch._check\(u0 >= 4\)"):
        bool(items > 3)
    torch._check(items > 3)
    assert bool(items > 3)
    assert context.guards[0].kind == _C.symbolic.GuardKind.ASSERTION
    with pytest.raises(_C.DataDependent):
        int(items)


def test_a_check_that_fails_on_the_example_raises(context, size):
    with pytest.raises(RuntimeError):
        torch._check(size == 5)
    assert not context.guards


def test_nested_ints_keep_their_behaviour():
    parts = [torch.ones(2, 3), torch.ones(4, 3)]
    length = torch.nested.nested_tensor(parts, layout=torch.jagged).size(1)
    assert not hasattr(length.node, "expr")
    assert not hasattr(length.node, "shape_env")
    assert length == length
    assert isinstance(hash(length), int)
