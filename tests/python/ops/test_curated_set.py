"""The set that an inference compiler decomposes: none of it is left in a program, and the values are eager's.

The list of operators is that of the benchmark, which hands it to torch.export; the calls are the samples of the
operator tables, and by hand where ATen itself expands an operator.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch._ops import OpOverload
from torch.utils import _pytree as pytree

import tracejet
from testing._samples import sample_calls
from testing.compare import assert_equal
from testing.curated_table import EXPANDED, KEPT
from tests.support.lambda_module import Lambda
from tracejet import _C

aten = torch.ops.aten
Call = tuple[tuple[Any, ...], dict[str, Any]]

#: Of each overload, about so many: the C++ tests trace every sample.
CALLS = 3

TABLE = {entry.name: entry for entry in _C.operators()}

#: Given forms of their own, where the benchmark's list has those that are expanded by PyTorch's decompositions.
REPLACED = """
rsqrt reciprocal _unsafe_view lift_fresh_copy alias empty_permuted empty_strided slice_scatter select_scatter silu
_log_softmax instance_norm full_like masked_scatter
""".split()

#: Upstream gives these other forms, which cost more than they give: `reshape` says less than `view`, which Core ATen
#: has, and a scatter with a sum or a maximum is one operation of engines, not a loop over its indices.
LEFT = {"aten::view", "aten::scatter_add", "aten::scatter_reduce.two"}

#: Of these, there are no samples: ATen expands them, or only CUDA has them.
BY_HAND: dict[str, list[Call]] = {
    "l1_loss": [((torch.randn(3, 4), torch.randn(3, 4)), {}), ((torch.randn(3), torch.randn(3), 2), {})],
}


def overloads(name: str) -> list[OpOverload]:
    packet, _, overload = name.partition(".")
    found = getattr(aten, packet)
    return [getattr(found, name) for name in ([overload] if overload else found.overloads())]


def functional_form(op: OpOverload) -> str:
    """What is traced for an operator that writes to its arguments."""
    name, _, overload = op.name().partition(".")
    if name == "aten::_fused_moving_avg_obs_fq_helper":
        return name + "_functional"
    return name.removesuffix("_") + ("." + overload if overload else "")


def calls_of(op: OpOverload) -> list[Call]:
    by_hand = BY_HAND.get(op._schema.name.removeprefix("aten::"))
    if by_hand is not None:
        return by_hand if op._overloadname == "default" else []
    entry = TABLE.get(functional_form(op))
    calls = sample_calls(entry.name) if entry is not None else []
    accepted = [call for call in calls if _is_accepted(op, *call)]
    return accepted[:: max(1, len(accepted) // CALLS)]


def _is_accepted(op: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Python passes no plain number for a tensor, and what is written to keeps its dtype."""
    try:
        op(*pytree.tree_map_only(torch.Tensor, torch.clone, args), **kwargs)
    except RuntimeError:
        return False
    return True


def traced_call(op: OpOverload, call: Call) -> tuple[Lambda, list[torch.Tensor]]:
    """A model that makes the call, with its tensors as inputs; what the call writes to are clones."""
    leaves, spec = pytree.tree_flatten(call)
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]

    def forward(*tensors: torch.Tensor) -> Any:
        given = list(leaves)
        for place, tensor in zip(places, tensors, strict=True):
            given[place] = tensor.clone() if op._schema.is_mutable else tensor
        args, kwargs = pytree.tree_unflatten(given, spec)
        result = op(*args, **kwargs)
        return [leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, torch.Tensor)]

    return Lambda(forward), [leaves[place] for place in places]


def recorded(program: torch.export.ExportedProgram) -> set[str]:
    return {node.target.name() for node in program.graph.nodes if isinstance(node.target, OpOverload)}


NAMES = [name for name in EXPANDED if not name.startswith("cudnn_") and name != "_softmax.out"] + REPLACED
GONE = {op.name() for name in [*EXPANDED, *REPLACED] for op in overloads(name)} - {
    op.name() for name in KEPT for op in overloads(name)
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_an_operator_of_the_set_is_expanded_into_others_of_equal_value(name: str) -> None:
    tried = 0
    for op in overloads(name):
        for call in calls_of(op):
            model, tensors = traced_call(op, call)
            program = tracejet.trace(model, arg_inputs=tensors)
            assert not recorded(program) & GONE, f"{op.name()} {call}"
            if "empty" not in name:
                tolerance = 1e-2 if any(t.dtype in (torch.half, torch.bfloat16) for t in tensors) else 1e-5
                expected, got = model(*tensors), program.module()(*tensors)
                assert_equal(expected, got, tolerance, f"{op.name()} {call}", least_scale=1)
            tried += 1
    assert tried, f"no call of {name}"


@pytest.mark.parametrize("training", [False, True])
def test_the_batch_norm_of_cudnn_is_the_other_one(training: bool) -> None:
    """It runs on CUDA alone; what is traced of it runs everywhere."""
    x, weight, bias, mean, var = torch.randn(2, 3, 4), *(torch.rand(3) + 0.5 for _ in range(4))
    model = Lambda(lambda *a: aten.cudnn_batch_norm(*a, training, 0.1, 1e-5)[0])
    program = tracejet.trace(model, arg_inputs=[x, weight, bias, mean, var])
    assert not recorded(program) & GONE
    expected_mean, expected_var = mean.clone(), var.clone()
    expected = torch.native_batch_norm(x, weight, bias, expected_mean, expected_var, training, 0.1, 1e-5)[0]
    assert_equal(expected, program.module()(x, weight, bias, mean, var))
    assert_equal((expected_mean, expected_var), (mean, var))


def test_the_gradient_of_cudnns_batch_norm_is_the_other_one() -> None:
    x, grad, weight = torch.randn(2, 3, 4), torch.randn(2, 3, 4), torch.rand(3)
    mean, rstd = x.mean((0, 2)), (x.var((0, 2), correction=0) + 1e-5).rsqrt()
    reserve = torch.empty(0, dtype=torch.uint8)
    model = Lambda(lambda *a: aten.cudnn_batch_norm_backward(*a[:-1], 1e-5, a[-1]))
    tensors = [x, grad, weight, mean, rstd, mean, rstd, reserve]
    program = tracejet.trace(model, arg_inputs=tensors)
    assert not recorded(program) & GONE
    expected = aten.native_batch_norm_backward(grad, x, weight, mean, rstd, mean, rstd, True, 1e-5, [True] * 3)
    assert_equal(list(expected), list(program.module()(*tensors)))


def test_what_is_left_of_the_set_stays_by_intention() -> None:
    for name in LEFT:
        assert not TABLE[name].is_decomposed
