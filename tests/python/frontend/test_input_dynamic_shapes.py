"""get_dynamic_shapes_* say Inputs so that torch.export.export understands them."""

import collections
import dataclasses
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

from tracejet import InvalidInput
from tracejet.frontend.dynamic_shapes import get_dynamic_shapes_args, get_dynamic_shapes_kwargs
from tracejet.frontend.input import Input


@dataclasses.dataclass
class Boxed:
    a: Any
    b: Any


torch.export.register_dataclass(Boxed, serialized_type_name="tracejet.tests.Boxed")


def batch(**kw):
    return Input(min_shape=(2, 3), opt_shape=(4, 3), max_shape=(8, 3), **kw)


class Sum(nn.Module):
    """Adds all tensors it finds in its arguments."""

    def forward(self, x, *rest, mask=None):
        tensors = [t for t in pytree.tree_leaves((x, rest, mask)) if isinstance(t, torch.Tensor)]
        return [t * 2 for t in tensors]


def readable(tree):
    return pytree.tree_map(lambda d: f"{d.__name__}:{d.min}-{d.max}" if isinstance(d, torch.export.Dim) else d, tree)


def test_inputs_tensors_and_literals():
    shapes = get_dynamic_shapes_args(Sum(), [batch(), torch.ones(2), 3])
    assert readable(shapes) == {"x": {0: "x_0:2-8"}, "rest": ({}, None)}


def test_keywords():
    assert readable(get_dynamic_shapes_kwargs({"mask": batch(), "flag": True})) == {
        "mask": {0: "mask_0:2-8"},
        "flag": None,
    }


def test_static_inputs_have_no_dims():
    assert get_dynamic_shapes_args(Sum(), [Input((2, 3))]) == {"x": {}}


def test_shared_dims_are_one_dim():
    shapes = get_dynamic_shapes_args(Sum(), [[batch(shared_dims={0: "b"}), {"k": batch(shared_dims={0: "b"})}]])
    assert shapes["x"][0][0] is shapes["x"][1]["k"][0]


def test_a_wrong_model_or_call_is_refused():
    with pytest.raises(InvalidInput, match=r"expected a torch\.nn\.Module"):
        get_dynamic_shapes_args(lambda x: x, [batch()])
    with pytest.raises(InvalidInput, match="at most 1 positional"):
        get_dynamic_shapes_args(nn.Linear(2, 2), [batch(), batch()])


def example(tree):
    return pytree.tree_map(lambda leaf: leaf.example_tensor() if isinstance(leaf, Input) else leaf, tree)


CALLS = {
    "positional": ([batch()], {}),
    "keyword": ([torch.ones(3)], {"mask": batch()}),
    "variadic": ([batch(), torch.ones(2), batch()], {}),
    "shared between both": ([batch(shared_dims={0: "b"})], {"mask": batch(shared_dims={0: "b"})}),
    "nested": ([{"l": [batch(), (torch.ones(1), batch(name="n"))], "n": None}], {"mask": [batch(), 3, "s"]}),
    "dataclass": ([Boxed(batch(), [batch(), torch.ones(2)])], {}),
}


@pytest.mark.parametrize(("args", "kwargs"), CALLS.values(), ids=CALLS)
def test_torch_export_takes_them(args, kwargs):
    shapes = get_dynamic_shapes_args(Sum(), args) | get_dynamic_shapes_kwargs(kwargs)
    program = torch.export.export(Sum(), tuple(example(args)), example(kwargs), dynamic_shapes=shapes)
    declared = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, Input)]
    dims = {d.__name__ for d in pytree.tree_leaves(shapes) if isinstance(d, torch.export.Dim)}
    assert len(program.range_constraints) == len(dims)
    assert all((r.lower, r.upper) == (2, 8) for r in program.range_constraints.values())
    bigger = pytree.tree_map(
        lambda leaf: leaf.example_tensor("max") if isinstance(leaf, Input) else leaf, (tuple(args), kwargs)
    )
    outputs = program.module()(*bigger[0], **bigger[1])
    assert sum(out.shape == (8, 3) for out in outputs) == len(declared)


Pair = collections.namedtuple("Pair", "left right")


def test_torch_export_takes_them_for_named_tuples_and_outputs_of_transformers():
    modeling_outputs = pytest.importorskip("transformers").modeling_outputs
    pair = Pair(batch(), [batch(), None])
    output = modeling_outputs.BaseModelOutput(last_hidden_state=batch(), hidden_states=(torch.ones(2), batch()))
    shapes = get_dynamic_shapes_args(Sum(), [pair, output])
    program = torch.export.export(Sum(), tuple(example([pair, output])), dynamic_shapes=shapes)
    assert len(program.range_constraints) == 4
