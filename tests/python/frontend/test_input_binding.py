"""bind() matches arguments with forward's signature: names, paths, dimensions, and errors that say what is wrong."""

import dataclasses
import re
from collections import OrderedDict, namedtuple
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils import _pytree as pytree

from tracejet import InvalidInput
from tracejet.frontend.binding import Dim, bind
from tracejet.frontend.input import Input


class Simple(nn.Module):
    def forward(self, x, mask=None, *, scale=1.0):
        return x


class Variadic(nn.Module):
    def forward(self, x, *rest, **options):
        return x


class PositionalOnly(nn.Module):
    def forward(self, x, /, y=None):
        return x


class One(nn.Module):
    def forward(self, inputs):
        return inputs


@dataclasses.dataclass
class Batch:
    tokens: Any
    lengths: Any


torch.export.register_dataclass(Batch, serialized_type_name="tracejet.tests.Batch")


class Opaque:
    """A container that was registered without names for its children."""

    def __init__(self, *children):
        self.children = children


pytree.register_pytree_node(Opaque, lambda o: (list(o.children), None), lambda children, _: Opaque(*children))
Pair = namedtuple("Pair", "left right")


def batch(low=1, opt=4, high=8, **kw):
    return Input(min_shape=(low, 3), opt_shape=(opt, 3), max_shape=(high, 3), **kw)


def names(bound):
    return [leaf.name for leaf in bound.leaves]


def paths(bound):
    return [leaf.path for leaf in bound.leaves]


def test_names_come_from_the_signature():
    t = torch.ones(2)
    bound = bind(Simple(), [t], {"scale": 2.0, "mask": t})
    assert names(bound) == ["x", "scale", "mask"] == bound.forward_names
    assert bound.leaves[0].value is t
    assert [leaf.shape for leaf in bound.leaves] == [[2], None, [2]]


def test_what_is_not_passed_is_not_an_input():
    assert names(bind(Simple(), (torch.ones(2),))) == ["x"]


def test_the_tree_is_the_one_of_the_call():
    t = torch.ones(2)
    bound = bind(Simple(), [t], {"mask": [t, None]})
    args, kwargs = pytree.tree_unflatten([leaf.value for leaf in bound.leaves], bound.in_spec)
    assert args == (t,)
    assert kwargs == {"mask": [t, None]}


@pytest.mark.parametrize("arguments", [torch.ones(2), batch()])
def test_a_lone_tensor_or_input_is_the_only_argument(arguments):
    assert names(bind(One(), arguments)) == ["inputs"]


def test_variadic_arguments_are_numbered_and_keywords_keep_their_keys():
    bound = bind(Variadic(), [1, 2, 3], {"flag": True, "class": "a"})
    assert names(bound) == ["x", "rest_0", "rest_1", "flag", "_class"]
    assert paths(bound) == ["x", "rest[0]", "rest[1]", "flag", "class"]
    assert bound.forward_names == ["x", "rest_0", "rest_1", "flag", "class"]


def test_a_keyword_may_be_called_like_a_positional_only_parameter():
    class Both(nn.Module):
        def forward(self, x, /, **options):
            return x

    assert names(bind(Both(), [1], {"x": 2})) == ["x", "x_1"]


def test_nested_inputs_are_named_by_their_path():
    tree = {"cache": [{"key": 1, "value": 2}], "pair": Pair(3, 4), 7: (5,), "a-b": OrderedDict(z=6)}
    bound = bind(One(), [tree])
    assert dict(zip(names(bound), paths(bound), strict=True)) == {
        "inputs_cache_0_key": "inputs['cache'][0]['key']",
        "inputs_cache_0_value": "inputs['cache'][0]['value']",
        "inputs_pair_left": "inputs['pair'].left",
        "inputs_pair_right": "inputs['pair'].right",
        "inputs_7_0": "inputs[7][0]",
        "inputs_a_b_z": "inputs['a-b']['z']",
    }
    assert [leaf.value for leaf in bound.leaves] == [1, 2, 3, 4, 5, 6]


def test_names_that_would_collide_are_numbered():
    assert names(bind(One(), [{"a-b": 1, "a_b": 2, "a": {"b": 3}, "a_b_1": 4}])) == [
        "inputs_a_b",
        "inputs_a_b_1",
        "inputs_a_b_2",
        "inputs_a_b_1_1",
    ]


def test_registered_containers_are_walked():
    bound = bind(One(), [[Batch(batch(), torch.ones(2)), Opaque(1, batch())]])
    assert names(bound) == ["inputs_0_tokens", "inputs_0_lengths", "inputs_1_0", "inputs_1_1"]
    assert paths(bound)[0] == "inputs[0].tokens"
    assert paths(bound)[3] == "inputs[1][1]"


def test_hugging_face_outputs_and_caches_are_walked():
    transformers = pytest.importorskip("transformers")
    output = transformers.modeling_outputs.BaseModelOutput(last_hidden_state=batch(), hidden_states=(torch.ones(2),))
    assert names(bind(One(), [output])) == ["inputs_last_hidden_state", "inputs_hidden_states_0"]


def test_tensors_are_static_and_keep_their_strides():
    t = torch.randn(4, 3, dtype=torch.float64).t()
    (leaf,) = bind(One(), [t]).leaves
    assert (leaf.shape, leaf.dtype, leaf.strides, leaf.device, leaf.memory_format) == (
        [3, 4],
        torch.float64,
        (1, 3),
        t.device,
        None,
    )


def test_inputs_have_dims_where_they_vary():
    x = Input(min_shape=(1, 3, 8), opt_shape=(4, 3, 8), max_shape=(8, 3, 32), dtype=torch.int32)
    bound = bind(One(), [x])
    (leaf,) = bound.leaves
    assert leaf.shape == [Dim("inputs_0", 1, 4, 8), 3, Dim("inputs_2", 8, 8, 32)]
    assert (leaf.dtype, leaf.strides, leaf.memory_format) == (torch.int32, None, torch.contiguous_format)
    assert list(bound.dims) == ["inputs_0", "inputs_2"]


def test_unnamed_inputs_never_share_a_dimension_even_when_they_are_one_object():
    x = batch()
    bound = bind(Variadic(), [x, x, x])
    assert [leaf.shape[0].name for leaf in bound.leaves] == ["x_0", "rest_0_0", "rest_1_0"]


def test_a_name_names_the_dimensions_and_the_signature_the_input():
    (leaf,) = bind(One(), [batch(name="tokens")]).leaves
    assert leaf.name == "inputs"
    assert leaf.shape[0].name == "tokens_0"


def test_the_same_name_joins_inputs():
    a, b = bind(Simple(), [batch(name="t"), batch(name="t")]).leaves
    assert a.shape == b.shape == [Dim("t_0", 1, 4, 8), 3]


def test_shared_dims_join_axes_within_and_between_inputs():
    square = Input(min_shape=(2, 2), opt_shape=(4, 4), max_shape=(8, 8), shared_dims={0: "n", 1: "n"})
    vector = Input(min_shape=(2,), opt_shape=(4,), max_shape=(8,), shared_dims={0: "n"})
    a, b = bind(Simple(), [square], {"mask": {"deep": [vector]}}).leaves
    n = Dim("n", 2, 4, 8)
    assert a.shape == [n, n]
    assert b.shape == [n]


def test_a_shared_dimension_of_one_size_is_static():
    (leaf,) = bind(One(), [Input((2, 3), shared_dims={0: "n"})]).leaves
    assert leaf.shape == [2, 3]


def test_an_unshared_axis_never_takes_the_name_of_a_shared_one():
    a, b = bind(Simple(), [batch(), batch(shared_dims={0: "x_0"})]).leaves
    assert a.shape[0].name == "x_0_"
    assert b.shape[0].name == "x_0"


@pytest.mark.parametrize(
    "other",
    [batch(high=9, shared_dims={0: "n"}), batch(opt=5, shared_dims={0: "n"}), Input((4, 3), shared_dims={0: "n"})],
)
def test_shared_axes_with_different_ranges_are_refused_with_both_places(other):
    with pytest.raises(
        InvalidInput,
        match=r"dimension 'n' is declared twice .*\(x, axis 0\) has min 1, opt 4, max 8; \(mask\['k'\], axis 0\)",
    ):
        bind(Simple(), [batch(shared_dims={0: "n"}), {"k": other}])


def test_inputs_are_where_the_model_is():
    assert bind(nn.Linear(3, 3), [batch()]).leaves[0].device == torch.device("cpu")
    assert bind(nn.Linear(3, 3, device="meta"), [batch()]).leaves[0].device == torch.device("meta")
    assert bind(nn.Linear(3, 3, device="meta"), [batch(device="cpu")]).leaves[0].device == torch.device("cpu")
    assert bind(nn.Linear(3, 3), [batch()], device=torch.device("cuda")).leaves[0].device == torch.device("cuda")


def test_torchscript_has_a_signature_too():
    scripted = torch.jit.script(nn.Linear(3, 3))
    assert names(bind(scripted, [batch()])) == ["input"]
    with pytest.raises(InvalidInput, match="misses 'input'"):
        bind(scripted)


t = torch.ones(2)
BAD = [
    (Simple(), (), {}, "Simple.forward(x, mask=None, *, scale=1.0) misses 'x'"),
    (Simple(), (t, t, t), {}, "takes at most 2 positional arguments, got 3"),
    (Simple(), (t,), {"maks": t}, "has no keyword argument 'maks'; did you mean 'mask'?"),
    (Simple(), (t,), {"zebra": t}, "has no keyword argument 'zebra'"),
    (Simple(), (t,), {"x": t}, "gets 'x' twice: in arg_inputs and in kwarg_inputs"),
    (PositionalOnly(), (), {"x": t}, "has no keyword argument 'x'"),
    (Simple(), {"x": t}, {}, "arg_inputs must be a tuple or list with one entry per positional argument, got dict"),
    (Simple(), "x", {}, "arg_inputs must be a tuple or list"),
    (Simple(), (t,), [t], "kwarg_inputs must be a dict of forward's keyword arguments, got list"),
    (Simple(), (t,), {3: t}, "kwarg_inputs has the key 3"),
    (One(), ([{"k": object()}],), {}, "inputs[0]['k']: builtins.object can't be an input"),
    (One(), (t.to_sparse(),), {}, "inputs: expected a dense tensor, got layout torch.sparse_coo"),
    (lambda x: x, (t,), {}, "expected a torch.nn.Module, got function"),
    (One, (t,), {}, "expected a torch.nn.Module, got the class One; pass an instance, One(…)"),
    (None, (t,), {}, "expected a torch.nn.Module, got NoneType None"),
]


@pytest.mark.parametrize(("module", "args", "kwargs", "message"), BAD, ids=[message[-40:] for *_, message in BAD])
def test_calls_that_do_not_fit_are_refused_with_the_reason(module, args, kwargs, message):
    with pytest.raises(InvalidInput, match=re.escape(message)):
        bind(module, args, kwargs)


def test_an_exported_program_is_not_a_module():
    program = torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),))
    with pytest.raises(InvalidInput, match=r"pass program.module\(\)"):
        bind(program, [t])


literals = st.one_of(st.integers(), st.booleans(), st.floats(allow_nan=False), st.text(max_size=3), st.none())
leaves = st.one_of(
    literals,
    st.builds(lambda n: torch.ones(n), st.integers(0, 3)),
    st.builds(batch, name=st.sampled_from(["", "x", "y"])),
)
keys = st.one_of(st.text(max_size=4), st.integers(0, 9))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3),
        st.tuples(inner, inner),
        st.builds(Pair, inner, inner),
        st.builds(Batch, inner, inner),
        st.builds(Opaque, inner),
    ),
    max_leaves=12,
)


@given(st.lists(trees, max_size=4), st.dictionaries(st.text(min_size=1, max_size=4), trees, max_size=3))
def test_any_tree_binds_and_comes_back(args, kwargs):
    class Anything(nn.Module):
        def forward(self, *args, **kwargs):
            return args

    bound = bind(Anything(), args, kwargs)
    flat, spec = pytree.tree_flatten((tuple(args), kwargs))
    assert bound.in_spec == spec
    assert all(leaf.value is value for leaf, value in zip(bound.leaves, flat, strict=True))
    assert len(set(names(bound))) == len(flat)
    assert all(name.isidentifier() and name.isascii() for name in names(bound))
    shared = [leaf for leaf in bound.leaves if isinstance(leaf.value, Input)]
    assert all(leaf.shape[0] == Dim(leaf.shape[0].name, 1, 4, 8) for leaf in shared)
    unnamed = [leaf.shape[0].name for leaf in shared if not leaf.value.name]
    assert len(set(unnamed)) == len(unnamed)
