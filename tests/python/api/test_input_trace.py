"""Arguments of every kind go through trace: what was described is what the program takes."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal, assert_same_as_eager, outcome
from testing.torchvision_shim import import_torchvision
from tests.support.lambda_module import Lambda
from tracejet import Input


def batch(*rest: int, **options: Any) -> Input:
    return Input(min_shape=(1, *rest), opt_shape=(4, *rest), max_shape=(9, *rest), **options)


def user_inputs(program: torch.export.ExportedProgram) -> list[str]:
    return [spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]


@dataclasses.dataclass
class Pair:
    left: Any
    right: Any


torch.export.register_dataclass(Pair, serialized_type_name="tracejet.tests.Pair")


class Nested(nn.Module):
    def forward(self, tree: dict[str, Any], *rest: Any, flag: bool = False, **options: Any) -> Any:
        left, (right, scale) = tree["pair"].left, tree["pair"].right
        y = left * scale + right
        if flag:
            y = y + sum(t.sum() for t in rest)
        return {"y": y, "names": sorted(options), "options": options, "none": tree["none"]}


def test_nested_variadic_and_keyword_inputs() -> None:
    tree = {"pair": Pair(batch(3, shared_dims={0: "b"}), [batch(3, shared_dims={0: "b"}), 2.5]), "none": None}
    program = assert_same_as_eager(
        Nested(), [tree, batch(2), torch.ones(2)], kwargs={"flag": True, "extra": batch(), "mode": "fast"}
    )
    assert user_inputs(program) == [
        "tree_pair_left",
        "tree_pair_right_0",
        "tree_pair_right_1",
        "tree_none",
        "rest_0",
        "rest_1",
        "flag",
        "extra",
        "mode",
    ]
    assert len(program.range_constraints) == 3


class Same(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor | None = None, scale: float = 2.0) -> torch.Tensor:
        return x * scale if y is None else x * scale + y


@pytest.mark.parametrize("arguments", [batch(3), [batch(3)], (batch(3),)], ids=["alone", "list", "tuple"])
def test_arg_inputs_may_be_a_list_a_tuple_or_one_input(arguments: Any) -> None:
    program = tracejet.dynamo.trace(Same(), arg_inputs=arguments)
    x = torch.randn(7, 3)
    assert torch.equal(program.module()(x), x * 2)


def test_inputs_is_another_name_of_arg_inputs() -> None:
    x = torch.randn(2, 3)
    assert torch.equal(tracejet.dynamo.trace(Same(), [x]).module()(x), x * 2)
    assert torch.equal(tracejet.dynamo.trace(Same(), inputs=[x]).module()(x), x * 2)
    with pytest.raises(tracejet.InvalidInput, match="two names of one argument"):
        tracejet.dynamo.trace(Same(), [x], arg_inputs=[x])


def test_keywords_alone() -> None:
    program = tracejet.dynamo.trace(
        Same(), kwarg_inputs={"y": batch(3, shared_dims={0: "b"}), "x": batch(3, shared_dims={0: "b"})}
    )
    x, y = torch.randn(5, 3), torch.randn(5, 3)
    assert_equal(Same()(x, y), program.module()(x=x, y=y))


def test_defaults_that_are_not_passed_are_no_inputs() -> None:
    assert user_inputs(tracejet.dynamo.trace(Same(), [torch.ones(2)])) == ["x"]


@pytest.mark.parametrize(
    ("format", "rank"), [(torch.contiguous_format, 4), (torch.channels_last, 4), (torch.channels_last_3d, 5)], ids=str
)
def test_a_memory_format_reaches_the_program(format: torch.memory_format, rank: int) -> None:
    class Strides(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 2 if x.is_contiguous(memory_format=format) else x * 3

    size = (3, 5, 6, 7)[: rank - 1]
    static, dynamic = Input((4, *size), format=format), batch(*size, format=format)
    for spec in (static, dynamic):
        program = assert_same_as_eager(Strides(), [spec])
        value = next(node.meta["val"] for node in program.graph.nodes if node.op == "placeholder")
        assert value.is_contiguous(memory_format=format)


@pytest.mark.parametrize(
    "dtype",
    [torch.bool, torch.uint8, torch.int32, torch.int64, torch.bfloat16, torch.float16, torch.float64, torch.complex64],
    ids=str,
)
def test_a_dtype_reaches_the_program(dtype: torch.dtype) -> None:
    class Twice(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x, x])

    assert_same_as_eager(Twice(), [batch(3, dtype=dtype)])


def test_tensors_with_strides_of_their_own() -> None:
    x = torch.randn(4, 3).t()
    program = tracejet.dynamo.trace(Same(), [x])
    assert_equal(outcome(Same(), ((x,), {})), outcome(program.module(), ((x,), {})))
    value = next(node.meta["val"] for node in program.graph.nodes if node.op == "placeholder")
    assert value.stride() == (1, 3)


def test_the_same_tensor_twice_is_two_inputs() -> None:
    x = torch.randn(3)
    program = tracejet.dynamo.trace(Same(), [x, x])
    a, b = torch.randn(3), torch.randn(3)
    assert_equal(Same()(a, b), program.module()(a, b))


def test_sizes_outside_the_range_are_refused_when_the_program_runs() -> None:
    runner = tracejet.dynamo.trace(Same(), [batch(3)]).module()
    for wrong in (torch.randn(10, 3), torch.randn(4, 4)):
        with pytest.raises(Exception, match=r"x|shape|size"):
            runner(wrong)


def test_wrong_arguments_are_refused_before_anything_runs() -> None:
    class Loud(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise AssertionError("must not run")

    with pytest.raises(tracejet.InvalidInput, match="at most 1 positional"):
        tracejet.dynamo.trace(Loud(), [torch.ones(1), torch.ones(1)])
    with pytest.raises(tracejet.InvalidInput, match="misses 'x'"):
        tracejet.dynamo.trace(Loud())
    with pytest.raises(tracejet.InvalidInput, match=r"expected a torch\.nn\.Module"):
        tracejet.dynamo.trace(lambda x: x, [torch.ones(1)])


class Opaque:
    def __init__(self, x: torch.Tensor):
        self.x = x


RESULTS = {
    "object": lambda x: Opaque(x),
    "object in a tuple": lambda x: (x, Opaque(x)),
    "set": lambda x: {"a": x, "b": {1, 2}},
    "generator": lambda x: (row for row in [x]),
    "function": lambda x: (x, len),
}


@pytest.mark.parametrize("function", RESULTS.values(), ids=RESULTS)
def test_what_no_program_can_give_is_refused(function: Any) -> None:
    with pytest.raises(tracejet.InvalidInput, match=r"forward returns a .*, which can't be a program's result"):
        tracejet.trace(Lambda(function), arg_inputs=[torch.ones(2)])


def test_results_of_every_kind() -> None:
    def forward(x: torch.Tensor) -> Any:
        return {"pair": Pair(x + 1, [x.shape[0], *x.shape]), "literals": ("s", None, 3, 2.5, True, torch.float32, 1j)}

    assert_same_as_eager(Lambda(forward), [batch(3)])


@pytest.fixture(scope="module")
def language_model() -> Any:
    import_torchvision()
    transformers = pytest.importorskip("transformers")
    from transformers.integrations.executorch import register_dynamic_cache_export_support

    register_dynamic_cache_export_support()
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    return transformers.LlamaForCausalLM(config).eval()


def key_value_cache(model: nn.Module, past: int, size: int) -> Any:
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config)
    for layer in range(2):
        cache.update(torch.randn(size, 1, past, 8), torch.randn(size, 1, past, 8), layer)
    return cache


def test_a_cache_of_transformers_may_hold_inputs(language_model: Any) -> None:
    """One decoding step, for every number of tokens before it."""
    cache = key_value_cache(language_model, past=5, size=2)
    for layer in cache.layers:
        shapes = {"min_shape": (1, 1, 1, 8), "opt_shape": (2, 1, 5, 8), "max_shape": (4, 1, 20, 8)}
        layer.keys = Input(**shapes, shared_dims={0: "batch", 2: "past"})
        layer.values = Input(**shapes, shared_dims={0: "batch", 2: "past"})
    tokens = Input(min_shape=(1, 1), opt_shape=(2, 1), max_shape=(4, 1), dtype=torch.int64, shared_dims={0: "batch"})
    program = tracejet.trace(language_model, kwarg_inputs={"input_ids": tokens, "past_key_values": cache})
    runner = program.module()
    for past, size in ((1, 1), (5, 2), (19, 4)):
        given = {"input_ids": torch.randint(0, 50, (size, 1))}
        cache = key_value_cache(language_model, past, size)
        with torch.no_grad():
            expected = language_model(**given, past_key_values=copy.deepcopy(cache))
            got = runner(**given, past_key_values=copy.deepcopy(cache))
        assert type(got) is type(expected)
        assert got.past_key_values.get_seq_length() == past + 1
        torch.testing.assert_close(got.logits, expected.logits)
        for ours, theirs in zip(got.past_key_values.layers, expected.past_key_values.layers, strict=True):
            torch.testing.assert_close(ours.keys, theirs.keys)
