"""What the frontend has to know of PyTorch's tensors that PyTorch itself keeps private."""

from __future__ import annotations

from operator import attrgetter

import torch
from torch._C import _SymNode as SymNode  # type: ignore[attr-defined] # torch's stubs lack it
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

__all__ = [
    "SymNode",
    "encoder_layer_fast_path",
    "has_own_dispatch",
    "has_own_functions",
    "is_functional",
    "is_traceable_wrapper_subclass",
    "native_attention",
    "version_of",
]

_no_dispatch = torch._C._disabled_torch_dispatch_impl
_no_function = torch._C._disabled_torch_function_impl

#: Whether a tensor is one of a trace, in the wrapper by which PyTorch makes its operators functional.
is_functional = torch._is_functional_tensor

#: A number that each write to the tensor's memory makes greater.
version_of = attrgetter("_version")

#: What torch.nn's attention modules call for inference.
native_attention = torch._native_multi_head_attention
encoder_layer_fast_path = torch._transformer_encoder_layer_fwd


def has_own_dispatch(tensor: torch.Tensor) -> bool:
    """Whether the tensor's class says what operators do to it, by `__torch_dispatch__`."""
    return type(tensor).__torch_dispatch__ is not _no_dispatch


def has_own_functions(tensor: torch.Tensor) -> bool:
    """Whether the tensor's class says what PyTorch's functions do to it, by `__torch_function__`."""
    functions = type(tensor).__torch_function__
    return functions is not _no_function and functions.__func__ is not torch.Tensor.__torch_function__.__func__
