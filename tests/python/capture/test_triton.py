"""Triton kernels: in an operator they are nodes, elsewhere refused by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch._higher_order_ops.triton_kernel_wrap import kernel_side_table, triton_kernel_wrapper_mutation

import tracejet
from tests.support.lambda_module import Lambda, batch


def _doubled(source, target, count):  # type: ignore[no-untyped-def]
    """Stands for a kernel where there is no Triton: a trace never looks into it."""


def launch_as_wrapped(x: torch.Tensor, out: torch.Tensor) -> None:
    """What `torch.library.wrap_triton(kernel)[grid](...)` comes to."""
    triton_kernel_wrapper_mutation(
        kernel_idx=kernel_side_table.add_kernel(_doubled),
        constant_args_idx=kernel_side_table.add_constant_args({"count": x.numel()}),
        grid=[(1, 1, 1)],
        tma_descriptor_metadata={},
        kwargs={"source": x, "target": out},
    )


@torch.library.triton_op("tracejet_test_triton::doubled", mutates_args=())
def doubled(x: torch.Tensor) -> torch.Tensor:
    out = torch.empty_like(x)
    launch_as_wrapped(x, out)
    return out


@torch.library.triton_op("tracejet_test_triton::double_", mutates_args=("x",))
def double_(x: torch.Tensor) -> None:
    launch_as_wrapped(x, x)


def doubled_in_place(x: torch.Tensor) -> torch.Tensor:
    x = x + 1
    double_(x)
    return x


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("function", [lambda x: doubled(x) + 1, doubled_in_place], ids=["gives", "writes"])
def test_operators_of_kernels_are_nodes(function: Callable[[torch.Tensor], torch.Tensor], device: str) -> None:
    program = tracejet.trace(Lambda(function), arg_inputs=[batch(4)], device=device)
    assert "tracejet_test_triton" in str(program.graph)
    (result,) = program.graph.output_node().args[0]
    assert result.meta["val"].device.type == device


def test_a_wrapped_kernel_outside_of_an_operator_is_refused() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        out = torch.empty_like(x)
        launch_as_wrapped(x, out)
        return out

    with pytest.raises(tracejet.UnsupportedOperator, match=r"\[triton::_doubled\].*triton_op[\s\S]*test_triton\.py"):
        tracejet.trace(Lambda(function), arg_inputs=[batch(4)])
