"""The operators of quantization libraries, on the samples of their entries in the table: libraries for Python register
them when they are imported, so the C++ tests don't see them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.ao.quantization.fx._decomposed
import torchao.quantization  # noqa: F401
from torch.utils import _pytree as pytree

import tracejet
from testing._samples import sample_calls
from tests.support.lambda_module import Lambda
from tests.support.onnx_runtime import OnnxRuntime
from tracejet import _C, DecompositionTable

ENTRIES = [entry for entry in _C.operators() if not entry.name.startswith("aten::")]


def operator(name: str) -> Callable[..., Any]:
    packet, _, overload = name.partition(".")
    return getattr(getattr(getattr(torch.ops, packet.split("::")[0]), packet.split("::")[1]), overload or "default")


class Call:
    """A sample as a model whose tensors are its inputs."""

    def __init__(self, op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]):
        leaves, spec = pytree.tree_flatten((args, kwargs))
        self.tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]

        def forward(*tensors: torch.Tensor) -> Any:
            given = iter(tensors)
            args, kwargs = pytree.tree_unflatten(
                [next(given) if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves], spec
            )
            return op(*args, **kwargs)

        self.model = Lambda(forward)

    def expected(self) -> list[torch.Tensor]:
        return pytree.tree_leaves(self.model(*self.tensors))


def calls(entry: Any) -> list[Call]:
    return [Call(operator(entry.name), args, kwargs) for args, kwargs in sample_calls(entry.name)]


def assert_same(got: Any, expected: list[torch.Tensor]) -> None:
    got = pytree.tree_leaves(got)
    assert len(got) == len(expected)
    for left, right in zip(got, expected, strict=True):
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        assert torch.equal(left, right), f"{left} should be {right}"


def outputs_of(program: torch.export.ExportedProgram) -> list[torch.Tensor]:
    return [argument.meta["val"] for argument in program.graph.output_node().args[0]]


def test_there_are_samples_of_all() -> None:
    assert len(ENTRIES) > 15
    assert all(sample_calls(entry.name) for entry in ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_kept_calls_have_the_shapes_and_strides_of_eager(entry: Any) -> None:
    for call in calls(entry):
        program = tracejet.trace(call.model, arg_inputs=call.tensors)
        nodes = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
        assert entry.name.replace("::", ".") in {node.removesuffix(".default") for node in nodes}
        expected = call.expected()
        metas = [(meta.dtype, meta.shape, meta.stride()) for meta in outputs_of(program)]
        assert metas == [(tensor.dtype, tensor.shape, tensor.stride()) for tensor in expected]
        assert_same(program.module()(*call.tensors), expected)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_expanded_calls_compute_what_eager_computes(entry: Any) -> None:
    if not _C.DecompositionTable.can_expand(entry.name):
        pytest.skip("it has no decomposition")
    table = DecompositionTable("core_aten").expand(entry.name)
    for call in calls(entry):
        program = tracejet.trace(call.model, arg_inputs=call.tensors, decompositions=table)
        names = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
        assert not [name for name in names if not name.startswith("aten.")]
        assert_same(program.module()(*call.tensors), call.expected())


class Weighted(Call):
    """A sample whose first tensor alone is an input; scales and zero points are weights."""

    def __init__(self, op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]):
        super().__init__(op, args, kwargs)
        whole, weights = self.model, self.tensors[1:]
        self.model = Lambda(lambda x: whole(x, *weights))
        self.tensors = self.tensors[:1]


def assert_within_a_step(got: Any, expected: list[torch.Tensor]) -> None:
    """What is rounded may be the next integer where a value lies between two: engines divide by the scale, or compute
    its inverse otherwise than ATen."""
    for left, right in zip(pytree.tree_leaves(got), expected, strict=True):
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        if right.dtype.is_floating_point:
            torch.testing.assert_close(left, right, rtol=1e-2 if right.dtype.itemsize == 2 else 1e-5, atol=1e-7)
        else:
            off = (left.to(torch.int64) - right.to(torch.int64)).abs()
            assert off.numel() == 0 or (off.max() <= 1 and (off > 0).sum() <= 1), f"{left} should be {right}"


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.has_conversion], ids=lambda entry: entry.name)
def test_engines_compute_what_eager_computes(entry: Any, tmp_path: Path) -> None:
    ran, refused = 0, set()
    for args, kwargs in sample_calls(entry.name):
        for kind in (Call, Weighted):
            call = kind(operator(entry.name), args, kwargs)
            program = tracejet.trace(call.model, arg_inputs=call.tensors)
            try:
                compiled = tracejet.compile(program, engine="openvino")
            except tracejet.UnsupportedOperator as error:
                refused.add(str(error))
                assert not tracejet.check(program).ok
                continue
            ran += 1
            expected = call.expected()
            assert_within_a_step(compiled(*call.tensors), expected)
            if all(tensor.dtype != torch.bfloat16 for tensor in [*call.tensors, *expected]):
                assert_within_a_step(OnnxRuntime(program, str(tmp_path / "model.onnx"))(*call.tensors), expected)
    assert ran, f"everything is refused: {refused}"
    reasons = ("computes in float64", "float32 doesn't hold", "which overflows", "is computed when the program runs")
    assert all(any(reason in text for reason in reasons) for text in refused), refused
