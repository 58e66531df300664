"""What PyTorch does with ExportedPrograms works with ours, and computes what the model computes."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch.utils import _pytree as pytree

import tracejet
from testing.models import SMALL_MODELS
from tests.support.program_cases import Attention, Case, ConvNet, Counter, WritesInput, cases, dynamic_inputs

every_case = pytest.mark.parametrize("case", cases(), ids=str)
every_dynamic_case = pytest.mark.parametrize("case", [case for case in cases() if case.dynamic], ids=str)


def traced(case: Case) -> torch.export.ExportedProgram:
    return tracejet.dynamo.trace(case.model, arg_inputs=case.args, kwarg_inputs=case.kwargs)


def traced_dynamic(case: Case) -> torch.export.ExportedProgram:
    return tracejet.dynamo.trace(case.model, arg_inputs=dynamic_inputs(case))


def at_other_sizes(case: Case) -> list[tuple]:
    """Arguments at the smallest sizes, and at the largest."""
    return [tuple(spec.example_tensor(mode) for spec in dynamic_inputs(case)) for mode in ("min", "max")]


def assert_equal(got, expected, tolerance=0.0):
    got, got_spec = pytree.tree_flatten(got)
    expected, expected_spec = pytree.tree_flatten(expected)
    assert got_spec == expected_spec
    for a, b in zip(got, expected, strict=True):
        if isinstance(b, torch.Tensor):
            torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance)
        else:
            assert a == b


def assert_computes(run, model, args, kwargs=None, tolerance=1e-5):
    """`run` gives what a copy of the model gives, and leaves the same in the arguments."""
    kwargs = kwargs or {}
    ours, theirs = copy.deepcopy((args, kwargs)), copy.deepcopy((args, kwargs))
    with torch.no_grad():
        expected = copy.deepcopy(model)(*theirs[0], **theirs[1])
        got = run(*ours[0], **ours[1])
    assert_equal(got, expected, tolerance)
    assert_equal(ours, theirs, tolerance)


def saved_and_loaded(program):
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    buffer.seek(0)
    return torch.export.load(buffer)


@every_case
def test_module(case):
    assert_computes(traced(case).module(), case.model, case.args, case.kwargs)


@every_case
def test_save_and_load(case):
    assert_computes(saved_and_loaded(traced(case)).module(), case.model, case.args, case.kwargs)


@every_case
def test_run_decompositions(case):
    assert_computes(traced(case).run_decompositions().module(), case.model, case.args, case.kwargs)


@every_case
def test_unflatten(case):
    assert_computes(torch.export.unflatten(traced(case)), case.model, case.args, case.kwargs)


@every_case
def test_deepcopy(case):
    assert_computes(copy.deepcopy(traced(case)).module(), case.model, case.args, case.kwargs)


@every_case
def test_print(case):
    text = str(traced(case))
    assert "def forward" in text
    assert "Graph signature" in text


@every_dynamic_case
@pytest.mark.parametrize(
    "consume",
    [
        pytest.param(lambda program: program.module(), id="module"),
        pytest.param(lambda program: saved_and_loaded(program).module(), id="save"),
        pytest.param(lambda program: program.run_decompositions().module(), id="decompositions"),
        pytest.param(torch.export.unflatten, id="unflatten"),
        pytest.param(lambda program: copy.deepcopy(program).module(), id="deepcopy"),
    ],
)
def test_other_sizes(case, consume):
    for args in at_other_sizes(case):
        assert_computes(consume(traced_dynamic(case)), case.model, args)


@pytest.mark.parametrize("table", [{}, None], ids=["none", "core_aten"])
def test_run_decompositions_bears_the_strides_of_other_decompositions(table):
    case = SMALL_MODELS["bert"]
    model = case.module()
    args, kwargs = case.tracejet_inputs()
    program = tracejet.dynamo.trace(model, arg_inputs=args, kwarg_inputs=kwargs)
    decomposed = program.run_decompositions(table)
    assert not decomposed.graph.find_nodes(op="call_function", target=torch.ops.aten.reshape.default)
    assert_computes(decomposed.module(), model, *case.example("max"), tolerance=1e-4)


def test_buffers_are_updated_through_module():
    model = Counter()
    runner = tracejet.dynamo.trace(model, arg_inputs=(torch.ones(2, 3),)).module()
    expected = copy.deepcopy(model)
    for _ in range(3):
        assert_equal(runner(torch.ones(2, 3)), expected(torch.ones(2, 3)))
    assert_equal(dict(runner.named_buffers()), dict(expected.named_buffers()))


def test_arguments_are_written_through_module():
    model = WritesInput()
    runner = tracejet.dynamo.trace(model, arg_inputs=(torch.ones(2), torch.zeros(2))).module()
    x, out = torch.tensor([1.0, 2.0]), torch.zeros(2)
    runner(x, out)
    assert x.tolist() == [2.0, 3.0]
    assert out.tolist() == [2.0, 4.0]


def test_module_refuses_what_is_outside_the_declared_range():
    case = next(case for case in cases() if case.name == "conv_bn")
    runner = traced_dynamic(case).module()
    runner(torch.randn(8, 3, 9, 9))
    for wrong in ((9, 3, 9, 9), (4, 3, 10, 9)):
        with pytest.raises((AssertionError, RuntimeError)):
            runner(torch.randn(wrong))


def test_module_can_be_compiled_and_retraced():
    model, x = ConvNet().eval(), torch.randn(2, 3, 9, 9)
    runner = tracejet.dynamo.trace(model, arg_inputs=(x,)).module()
    assert_computes(torch.compile(runner, backend="aot_eager"), model, (x,))
    assert_computes(torch.export.export(runner, (x,)).module(), model, (x,))


MODELS = [
    pytest.param(ConvNet().eval(), "conv_bn", id="conv"),
    pytest.param(Attention().eval(), "attention", id="attention"),
]


@pytest.mark.parametrize(("model", "name"), MODELS)
def test_onnx(model, name):
    pytest.importorskip("onnxscript")
    case = next(case for case in cases() if case.name == name)
    case = Case(name, model, case.args, dynamic=case.dynamic)
    for program, samples in ((traced(case), [case.args]), (traced_dynamic(case), at_other_sizes(case))):
        onnx = torch.onnx.export(program, dynamo=True, verbose=False)
        for args in samples:
            assert_equal(onnx(*args)[0], model(*args), tolerance=1e-5)


@pytest.mark.parametrize(("model", "name"), MODELS)
def test_aot_inductor(model, name, tmp_path):
    case = next(case for case in cases() if case.name == name)
    case = Case(name, model, case.args, dynamic=case.dynamic)
    package = torch._inductor.aoti_compile_and_package(traced_dynamic(case), package_path=str(tmp_path / "model.pt2"))
    runner = torch._inductor.aoti_load_package(package)
    for args in (case.args, *at_other_sizes(case)):
        assert_computes(runner, model, args)


def test_aot_inductor_with_static_sizes(tmp_path):
    model, x = ConvNet().eval(), torch.randn(2, 3, 9, 9)
    program = tracejet.dynamo.trace(model, arg_inputs=(x,))
    package = torch._inductor.aoti_compile_and_package(program, package_path=str(tmp_path / "model.pt2"))
    assert_computes(torch._inductor.aoti_load_package(package), model, (x,))
