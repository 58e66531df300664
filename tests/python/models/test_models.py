"""Ten real architectures, static and dynamic: the program gives what eager gives and keeps every declared range."""

from __future__ import annotations

import io

import pytest
import torch

import tracejet
from testing.compare import assert_equal, assert_same_as_eager, outcome
from testing.models import MODELS, SMALL_MODELS, Case


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The small models, and those that people deploy: `-m full_size`."""
    small = [pytest.param(case, id=name) for name, case in SMALL_MODELS.items()]
    full = [pytest.param(case, id=f"{name}-full", marks=pytest.mark.full_size) for name, case in MODELS.items()]
    metafunc.parametrize("case", [*small, *full])


def sizes_between(case: Case) -> dict[str, int]:
    """A choice that is neither an end of the ranges nor what the model is traced with."""
    return {name: (dim.opt + dim.max) // 2 for name, dim in case.dims.items()}


def test_static_shapes_give_what_eager_gives(case: Case) -> None:
    args, kwargs = case.example()
    program = assert_same_as_eager(case.module(), args, [{}], kwargs=kwargs, make=lambda _: case.example())
    assert not program.range_constraints


def test_dynamic_shapes_give_what_eager_gives_everywhere_in_their_range(case: Case) -> None:
    args, kwargs = case.tracejet_inputs()
    sizes = [case.sizes(which) for which in ("opt", "min", "max")]
    sizes += [sizes_between(case), case.sizes({"batch": 1})]
    program = assert_same_as_eager(case.module(), args, sizes, kwargs=kwargs, make=case.example)
    assert len(program.range_constraints) == len(case.dims)


def test_a_saved_program_is_the_program(case: Case) -> None:
    model = case.module()
    args, kwargs = case.tracejet_inputs()
    program = tracejet.dynamo.trace(model, arg_inputs=args, kwarg_inputs=kwargs)
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    loaded = torch.export.load(file).module()
    assert_equal(outcome(model, case.example("max")), outcome(loaded, case.example("max")))


def test_no_call_needs_pythons_meta_functions(case: Case) -> None:
    args, kwargs = case.tracejet_inputs()
    model = case.module()
    assert tracejet.trace(model, arg_inputs=args, kwarg_inputs=kwargs).slow_calls == {}


def test_one_run_of_forward_is_enough(case: Case) -> None:
    """More are made where the model's own code asks what its sizes leave open; PyTorch's asks that all the time."""
    args, kwargs = case.tracejet_inputs()
    model = case.module()
    runs: list[None] = []
    model.register_forward_pre_hook(lambda *_: runs.append(None))
    tracejet.trace(model, arg_inputs=args, kwarg_inputs=kwargs)
    assert len(runs) == 1
