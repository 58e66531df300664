"""Training is refused: what is compiled has no gradients, and what has none may not pass for something that has."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch.fx import GraphModule

from tracejet._C import ErrorCode, UnsupportedOperator
from tracejet.patches.dynamo import compiled_modules

_WHAT_TO_DO = (
    "call the model under torch.no_grad() or torch.inference_mode(), or after model.eval(); to train, compile it with "
    "another backend"
)


def check_is_inference(inputs: Sequence[Any]) -> None:
    """Raises UnsupportedOperator where a module is in training mode and gradients of its parameters are recorded."""
    if not needs_gradients(inputs):
        return
    for module in compiled_modules():
        if module.training and any(parameter.requires_grad for parameter in module.parameters()):
            raise UnsupportedOperator(
                f"tracejet compiles for inference, but a {type(module).__qualname__} is in training mode while "
                f"gradients are recorded: {_WHAT_TO_DO}",
                ErrorCode.TRAINING,
            )


def needs_gradients(inputs: Sequence[Any]) -> bool:
    """Whether eager would record gradients."""
    return torch.is_grad_enabled() and any(isinstance(given, torch.Tensor) and given.requires_grad for given in inputs)


def check_written(gm: GraphModule, inputs: Sequence[Any], written: Collection[int]) -> None:
    """Raises UnsupportedOperator where an input would need a gradient once the graph has written to it."""
    for index, node in enumerate(gm.graph.find_nodes(op="placeholder")):
        if index in written and node.meta["example_value"].requires_grad and not inputs[index].requires_grad:
            raise UnsupportedOperator(
                "tracejet compiles for inference, but the model writes something that needs a gradient to "
                f"{node.name}: {_WHAT_TO_DO}",
                ErrorCode.TRAINING,
            )


class _WithoutGradients(torch.autograd.Function):
    """Results that need a gradient in eager, and have none here."""

    @staticmethod
    def forward(ctx: Any, _: torch.Tensor, *results: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return results

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        raise UnsupportedOperator(
            f"a model that tracejet compiled for inference has no gradients, and one was asked for: {_WHAT_TO_DO}",
            ErrorCode.TRAINING,
        )


def without_gradients(results: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The results, which say that they need a gradient as eager's do, and raise where it is asked for."""
    found = _WithoutGradients.apply(torch.empty(0, requires_grad=True), *results)
    return tuple(found)
