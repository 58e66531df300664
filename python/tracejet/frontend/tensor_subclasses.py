"""Tensors of classes that have their own way with operators: which of them a trace can take, and what is inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import nn

from tracejet._C import ErrorCode, InvalidInput, UnsupportedOperator
from tracejet.patches.torch_internals import has_own_dispatch, has_own_functions, is_traceable_wrapper_subclass

_PLAIN = (torch.Tensor, nn.Parameter, nn.Buffer)
_QUANTIZE_OTHERWISE = (
    "quantize with torchao instead (quantize_, or prepare_pt2e and convert_pt2e), whose models can be traced"
)


def _class_name(tensor: torch.Tensor) -> str:
    return f"{type(tensor).__module__}.{type(tensor).__qualname__}"


def check_modules(modules: Sequence[tuple[str, nn.Module]]) -> None:
    """Raises UnsupportedOperator where a module computes with quantized storage, which is no program's."""
    quantized = {kind for kind in {type(module) for _, module in modules} if _is_quantized(kind.__module__)}
    if not quantized:
        return
    path, kind = next((path, type(module)) for path, module in modules if type(module) in quantized)
    raise UnsupportedOperator(
        f"{path or 'the model'} is a {kind.__module__}.{kind.__qualname__}, as torch.ao.quantization makes it in "
        f"eager mode: {_QUANTIZE_OTHERWISE}",
        ErrorCode.TENSOR_LAYOUT,
    )


def _is_quantized(library: str) -> bool:
    return library.startswith("torch.ao.nn.") and ".quantized." in library and ".reference" not in library


def plain_parameters(path: str, parameter: torch.Tensor) -> Iterable[tuple[str, torch.Tensor]]:
    """The plain tensors that a parameter or buffer consists of, with the paths that torch.export gives them. They share
    its memory."""
    if not has_own_dispatch(parameter):
        return ((path, _as_plain(path, parameter)),)
    return _parts(path, parameter)


def _parts(path: str, parameter: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    module, _, name = path.rpartition(".")
    prefix = f"{module}." if module else ""
    for number, tensor in enumerate(_inner_tensors(path, parameter)):
        inner = _as_plain(path, tensor)
        yield (
            f"{prefix}parametrizations.{name}.original{number}",
            nn.Parameter(inner, requires_grad=inner.requires_grad) if isinstance(parameter, nn.Parameter) else inner,
        )


def _inner_tensors(path: str, tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    if not has_own_dispatch(tensor):
        yield tensor
        return
    if not is_traceable_wrapper_subclass(tensor):
        raise UnsupportedOperator(
            f"{path} is a {_class_name(tensor)}, a class with __torch_dispatch__ that doesn't say which tensors it "
            "wraps: give it __tensor_flatten__ and __tensor_unflatten__, or make it a plain tensor before the trace",
            ErrorCode.TENSOR_LAYOUT,
        )
    names, _ = tensor.__tensor_flatten__()
    for name in names:
        inner = getattr(tensor, name)
        if isinstance(inner, torch.Tensor):
            yield from _inner_tensors(path, inner)


def _as_plain(path: str, tensor: torch.Tensor) -> torch.Tensor:
    """The same memory without the class: a program's own code must not have its way with it once more."""
    if tensor.is_quantized:
        raise UnsupportedOperator(
            f"{path} has quantized storage ({tensor.dtype}), as torch.ao.quantization makes it in eager mode: "
            f"{_QUANTIZE_OTHERWISE}",
            ErrorCode.TENSOR_LAYOUT,
        )
    if tensor.layout != torch.strided or tensor.is_nested:
        layout = "nested" if tensor.is_nested else tensor.layout
        raise UnsupportedOperator(
            f"{path} is a tensor of layout {layout}; a program's tensors are dense: convert it with .to_dense() "
            "(.to_padded_tensor() where it is nested) before the trace",
            ErrorCode.TENSOR_LAYOUT,
        )
    if type(tensor) in _PLAIN:
        return tensor
    plain = tensor.detach().as_subclass(torch.Tensor)
    return nn.Parameter(plain, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else plain


def check_input(path: str, tensor: torch.Tensor) -> None:
    """Raises InvalidInput where a program can't take such a tensor."""
    if tensor.is_nested:
        raise InvalidInput(
            f"{path}: expected a dense tensor, got a nested one; pass .to_padded_tensor(0.0), with a mask if need be",
            ErrorCode.UNSUPPORTED_ARGUMENT,
        )
    if tensor.layout != torch.strided:
        raise InvalidInput(
            f"{path}: expected a dense tensor, got layout {tensor.layout}; pass .to_dense()",
            ErrorCode.UNSUPPORTED_ARGUMENT,
        )
    if tensor.is_quantized:
        raise InvalidInput(
            f"{path}: expected a plain tensor, got a quantized one; pass .dequantize()", ErrorCode.UNSUPPORTED_ARGUMENT
        )
    if has_own_dispatch(tensor) or has_own_functions(tensor):
        raise InvalidInput(
            f"{path}: expected a plain tensor, got a {_class_name(tensor)}, a class with its own way with operators; "
            "pass the tensors that it is made of, and make it of them in forward",
            ErrorCode.UNSUPPORTED_ARGUMENT,
        )


def check_result(tensor: torch.Tensor) -> None:
    """Raises InvalidInput where a program can't return such a tensor."""
    if has_own_dispatch(tensor):
        raise InvalidInput(
            f"forward returns a {_class_name(tensor)}, which wraps other tensors; return these instead (of a DTensor, "
            "to_local() or full_tensor())",
            ErrorCode.PROGRAM_RESULT,
        )
