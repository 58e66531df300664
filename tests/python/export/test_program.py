"""The ExportedProgram of a trace says what torch.export's says: signature, names, state, metadata."""

from __future__ import annotations

import copy
import gc
import io
import os
import pickle
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind
from torch.utils import _pytree as pytree

import tracejet
from tests.support.program_cases import Case, ConvNet, Tied, cases, dynamic_inputs, dynamic_shapes
from tracejet import Input
from tracejet.frontend.session import CHECK_RULES


def traced(case: Case) -> torch.export.ExportedProgram:
    return tracejet.dynamo.trace(case.model, arg_inputs=case.args, kwarg_inputs=case.kwargs)


def traced_dynamic(case: Case) -> torch.export.ExportedProgram:
    return tracejet.dynamo.trace(case.model, arg_inputs=dynamic_inputs(case))


def exported(case: Case, shapes=None) -> torch.export.ExportedProgram:
    program = torch.export.export(
        copy.deepcopy(case.model),
        copy.deepcopy(case.args),
        copy.deepcopy(case.kwargs),
        dynamic_shapes=shapes,
        strict=False,
    )
    return program.run_decompositions({})


every_case = pytest.mark.parametrize("case", cases(), ids=str)
every_dynamic_case = pytest.mark.parametrize("case", [case for case in cases() if case.dynamic], ids=str)


def inputs_of(program):
    return [(spec.kind, spec.arg, spec.target, spec.persistent) for spec in program.graph_signature.input_specs]


def outputs_of(program):
    """Without the names of computed values, which follow from the decompositions."""
    known = {spec.arg.name for spec in program.graph_signature.input_specs}
    return [
        (
            spec.kind,
            spec.arg if isinstance(spec.arg, ConstantArgument) or spec.arg.name in known else type(spec.arg),
            spec.target,
        )
        for spec in program.graph_signature.output_specs
    ]


def assert_same_signature(program, reference):
    assert inputs_of(program) == inputs_of(reference)
    assert sorted(map(str, outputs_of(program))) == sorted(map(str, outputs_of(reference)))
    user = [kind for kind, _, _ in outputs_of(program)]
    assert user == sorted(user, key=lambda kind: kind == OutputKind.USER_OUTPUT), "mutations come first"
    assert program.call_spec.in_spec == reference.call_spec.in_spec
    assert program.call_spec.out_spec == reference.call_spec.out_spec
    mine, theirs = (p.module_call_graph[0].signature.forward_arg_names for p in (program, reference))
    assert mine == theirs
    assert list(program.state_dict) == list(reference.state_dict)
    assert program.constants.keys() == reference.constants.keys()


@every_case
def test_the_signature_is_torch_exports(case):
    assert_same_signature(traced(case), exported(case))


@every_dynamic_case
def test_the_signature_is_torch_exports_with_dynamic_sizes(case):
    program, reference = traced_dynamic(case), exported(case, dynamic_shapes(case))
    assert_same_signature(program, reference)
    assert sorted(map(str, program.range_constraints.values())) == sorted(
        map(str, reference.range_constraints.values())
    )


@every_case
def test_the_verifier_passes(case):
    traced(case).validate()


@every_dynamic_case
def test_the_verifier_passes_with_dynamic_sizes(case):
    traced_dynamic(case).validate()


@every_dynamic_case
def test_placeholders_have_the_symbolic_sizes_of_torch_exports(case):
    def shapes(program):
        values = [node.meta["val"] for node in program.graph.find_nodes(op="placeholder")]
        return [
            [size if isinstance(size, int) else program.range_constraints[size.node.expr] for size in value.shape]
            for value in values
        ]

    assert shapes(traced_dynamic(case)) == shapes(exported(case, dynamic_shapes(case)))


@every_case
def test_meta_val_is_what_the_program_computes(case):
    program = traced(case)

    class Check(torch.fx.Interpreter):
        def run_node(self, node):
            result = super().run_node(node)
            for real, fake in zip(
                pytree.tree_leaves(result), pytree.tree_leaves(node.meta.get("val", result)), strict=True
            ):
                if isinstance(real, torch.Tensor):
                    assert (fake.shape, fake.stride(), fake.dtype) == (real.shape, real.stride(), real.dtype), node
                    assert fake.device == real.device
            return result

    flat = pytree.tree_leaves((case.args, case.kwargs), is_leaf=lambda leaf: leaf is None)
    state = [
        {**program.state_dict, **program.constants}[spec.target]
        for spec in program.graph_signature.input_specs
        if spec.kind != InputKind.USER_INPUT
    ]
    with torch.no_grad():
        Check(program.graph_module).run(*state, *flat)


def test_nodes_are_named_as_fx_names_them():
    class Model(nn.Module):
        def forward(self, x, add):
            return torch.relu(torch.relu(x) + add).abs()

    program = tracejet.dynamo.trace(Model(), arg_inputs=(torch.ones(2), torch.ones(2)))
    assert [node.name for node in program.graph.nodes] == ["x", "add", "relu", "add_1", "relu_1", "abs_1", "output"]


def test_parameters_share_their_data_with_the_model():
    model = ConvNet().eval()
    program = tracejet.dynamo.trace(model, arg_inputs=(torch.randn(1, 3, 9, 9),))
    assert all(program.state_dict[name] is parameter for name, parameter in model.named_parameters())
    assert program.state_dict["features.1.running_mean"] is model.features[1].running_mean


def test_tied_weights_are_two_names_of_one_tensor():
    program = tracejet.dynamo.trace(Tied().eval(), arg_inputs=(torch.randint(16, (3, 5)),))
    assert program.state_dict["embed.weight"] is program.state_dict["head.weight"]
    module = program.module()
    assert module.embed.weight is module.head.weight


def test_stack_traces_show_the_models_frames():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            return torch.sigmoid(self.layer(x))

    model = Model()
    here = Model.forward.__code__.co_firstlineno + 1
    own = f'File "{__file__}", line {here}, in forward\n    return torch.sigmoid(self.layer(x))'
    program = tracejet.dynamo.trace(model, arg_inputs=(torch.randn(3, 2),))
    reference = torch.export.export(model, (torch.randn(3, 2),), strict=False).run_decompositions({})
    (sigmoid,) = program.graph.find_nodes(op="call_function", target=torch.ops.aten.sigmoid.default)
    assert sigmoid.meta["stack_trace"] == own
    (theirs,) = reference.graph.find_nodes(op="call_function", target=torch.ops.aten.linear.default)
    first = next(node for node in program.graph.nodes if node.op == "call_function")
    assert first.meta["stack_trace"] == theirs.meta["stack_trace"]


def test_module_stacks_tell_repeated_calls_apart_as_torch_exports_do():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.act = nn.Sequential(nn.Tanh())

        def forward(self, x):
            return self.act(self.act(x))

    def stacks(program):
        return [node.meta["nn_module_stack"] for node in program.graph.nodes if node.op == "call_function"]

    program = tracejet.dynamo.trace(Model(), arg_inputs=(torch.ones(2),))
    assert stacks(program) == stacks(torch.export.export(Model(), (torch.ones(2),), strict=False))


def test_symbolic_arguments_become_shared_nodes():
    class Model(nn.Module):
        def forward(self, x):
            batch, length = x.shape
            return x.reshape(batch * length), x.new_zeros(batch * length + 1), x[: batch // 2]

    spec = Input(min_shape=(2, 2), opt_shape=(4, 6), max_shape=(8, 16))
    program = tracejet.dynamo.trace(Model(), arg_inputs=(spec,))
    targets = [node.target for node in program.graph.nodes if node.op == "call_function"]
    assert targets.count(torch.ops.aten.sym_size.int) == 2
    x = torch.randn(5, 3)
    for got, expected in zip(program.module()(x), Model()(x), strict=True):
        assert torch.equal(got, expected)


class Arithmetic(nn.Module):
    def forward(self, x):
        rows, columns = x.shape
        sizes = (rows * columns * 2 + 1, rows * columns // 3 + rows % 4, torch.sym_max(rows, columns), rows**2)
        scaled = x * (rows / columns) + rows * 0.5
        return [x.new_zeros(size) for size in sizes], scaled, x[: torch.sym_min(rows, 4)], sizes, rows / 2


@pytest.mark.parametrize("save", [False, True])
@pytest.mark.parametrize("shape", [(2, 3), (5, 2), (8, 16)])
def test_symbolic_arithmetic_is_computed_when_the_program_runs(shape, save):
    spec = Input(min_shape=(2, 2), opt_shape=(4, 6), max_shape=(8, 16))
    program = tracejet.dynamo.trace(Arithmetic(), arg_inputs=(spec,))
    program.validate()
    if save:
        file = io.BytesIO()
        torch.export.save(program, file)
        file.seek(0)
        program = torch.export.load(file)
    x = torch.randn(shape)
    got, expected = pytree.tree_leaves(program.module()(x)), pytree.tree_leaves(Arithmetic()(x))
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        if isinstance(b, torch.Tensor):
            torch.testing.assert_close(a, b)
        else:
            assert a == b


# When it is made -----------------------------------------------------------------------------------------------------


def test_the_python_side_is_made_at_the_first_look():
    program = tracejet.dynamo.trace(ConvNet().eval(), arg_inputs=(torch.randn(1, 3, 9, 9),))
    assert "_graph_module" not in vars(program)
    assert isinstance(program, torch.export.ExportedProgram)
    assert program.graph_module is program.graph_module
    assert "_graph_module" in vars(program)


def test_looking_changes_neither_the_random_numbers_nor_the_collector():
    spec = Input(min_shape=(2, 3, 9, 9), opt_shape=(4, 3, 9, 9), max_shape=(8, 3, 9, 9))
    program = tracejet.dynamo.trace(ConvNet().eval(), arg_inputs=(spec,))
    state = torch.get_rng_state()
    assert program.example_inputs[0][0].shape == (4, 3, 9, 9)
    program.graph_module  # noqa: B018
    assert torch.equal(torch.get_rng_state(), state)
    assert gc.isenabled()


def test_an_unknown_attribute_is_an_attribute_error():
    program = tracejet.dynamo.trace(nn.ReLU(), arg_inputs=(torch.ones(2),))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        program.nothing_like_it  # noqa: B018
    assert "_graph_module" not in vars(program)


@pytest.mark.parametrize("edit", ["arguments", "erase", "state"])
def test_an_edited_program_no_longer_answers_for_the_cpp_graph(edit):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))

        def forward(self, x):
            return torch.relu(x + self.weight)

    program = tracejet.dynamo.trace(Model(), arg_inputs=(torch.ones(2),))
    assert program._tracejet_graph is not None
    graph = program.graph
    assert program._tracejet_graph is not None
    (add,) = graph.find_nodes(op="call_function", target=torch.ops.aten.add.Tensor)
    if edit == "arguments":
        add.args = add.args[::-1]
    elif edit == "erase":
        (relu,) = add.users
        relu.replace_all_uses_with(add)
        graph.erase_node(relu)
    else:
        program.state_dict["weight"] = nn.Parameter(torch.zeros(2))
    assert program._tracejet_graph is None


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_compute_the_same(duplicate):
    model = ConvNet().eval()
    x = torch.randn(2, 3, 9, 9)
    program = duplicate(tracejet.dynamo.trace(model, arg_inputs=(x,)))
    program.validate()
    assert torch.equal(program.module()(x), model(x))


def test_reading_a_program_in_a_fresh_process_imports_neither_sympy_nor_dynamo():
    code = """
import sys, torch, tracejet
program = tracejet.dynamo.trace(torch.nn.Linear(2, 2), arg_inputs=(torch.ones(3, 2),))
program.graph_module, program.graph_signature, program.state_dict
slow = [name for name in ("sympy", "torch._dynamo", "torch._inductor") if name in sys.modules]
assert not slow, slow

sizes = tracejet.Input(min_shape=(2, 2), opt_shape=(3, 2), max_shape=(8, 2))
tracejet.dynamo.trace(torch.nn.Linear(2, 2), arg_inputs=(sizes,)).graph_module

class Cut(torch.nn.Module):  # what it asserts names its line
    def forward(self, x, y):
        return x.new_zeros(max(min(x.shape[0], y.shape[0] - 1), 1))

tracejet.dynamo.trace(Cut(), arg_inputs=(sizes, sizes)).graph_module
slow = [name for name in ("torch._dynamo", "torch._inductor") if name in sys.modules]
assert not slow, slow
"""
    unchecked = {name: value for name, value in os.environ.items() if name != CHECK_RULES}  # that asks Python
    subprocess.run([sys.executable, "-c", code], check=True, env={**unchecked, "PYTHONPATH": "python"})
