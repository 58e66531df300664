"""What Python asks of a tensor beyond operators, while a trace runs: lists, text, copies, NumPy arrays."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._device import _device_constructors

from tracejet import _C
from tracejet.patches.refcounted_patch import RefcountedPatch
from tracejet.patches.size_text import Texts, asking_frame, texts_at_work

_TensorBase = torch._C.TensorBase
_is_traced = torch._is_functional_tensor


def _tolist(tensor: torch.Tensor) -> Any:
    """By way of `item`, which can give a symbol."""
    if not _C.is_tracing() or not (_is_dense(tensor) or isinstance(tensor, torch.nn.Parameter)):
        return _TensorBase.tolist(tensor)
    return tensor.item() if tensor.dim() == 0 else [_tolist(row) for row in tensor.unbind(0)]


def _numpy(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    if _C.is_tracing() and _is_traced(tensor):
        raise _C.DataDependent(
            "a traced tensor has no data that NumPy could take; compute with torch's functions",
            _C.ErrorCode.DATA_ACCESS,
        )
    if _C.is_model_state(tensor):
        raise _C.DataDependent(
            "forward gives a parameter or buffer to NumPy, which would make its values of today a constant of the "
            "program; compute with the tensor instead",
            _C.ErrorCode.DATA_ACCESS,
        )
    return _TensorBase.numpy(tensor, *args, **kwargs)


def _repr(tensor: torch.Tensor, *, tensor_contents: Any = None) -> str:
    """Models print for debugging; a traced tensor has a shape to show, and no values."""
    if not (_C.is_tracing() and _is_traced(tensor)):
        return _originals["__repr__"](tensor, tensor_contents=tensor_contents)
    return (texts_at_work() or Texts()).of_tensor(tensor, asking_frame())


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    """`copy.copy` gives another tensor of the same memory."""
    if _C.is_tracing() and _is_traced(tensor):
        return tensor.view_as(tensor)
    made: torch.Tensor = copy._reconstruct(tensor, None, *tensor.__reduce_ex__(4))  # type: ignore[attr-defined]
    return made


def _deepcopy(tensor: torch.Tensor, memo: dict[int, Any]) -> torch.Tensor:
    if not _C.is_tracing() or not _is_dense(tensor):
        return _originals["__deepcopy__"](tensor, memo)
    if id(tensor) not in memo:
        memo[id(tensor)] = tensor.clone()
    return memo[id(tensor)]


def _reduce_ex(tensor: torch.Tensor, protocol: Any) -> Any:
    if _is_traced(tensor):
        raise _C.DataDependent("a traced tensor has no data that could be pickled or saved", _C.ErrorCode.DATA_ACCESS)
    return _originals["__reduce_ex__"](tensor, protocol)


def _data_ptr(tensor: torch.Tensor) -> int:
    if _C.is_tracing() and _is_traced(tensor):
        raise _C.DataDependent("a traced tensor has no memory, and so no address", _C.ErrorCode.DATA_ACCESS)
    return _TensorBase.data_ptr(tensor)


def _stride(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    if _C.is_asked_by_model() and _is_traced(tensor):
        _C.note_layout_question(tensor)
    return _TensorBase.stride(tensor, *args, **kwargs)


def _is_contiguous(tensor: torch.Tensor, memory_format: torch.memory_format = torch.contiguous_format) -> bool:
    if _C.is_asked_by_model() and _is_traced(tensor):
        return bool(_C.is_contiguous(tensor, memory_format))
    return bool(_TensorBase.is_contiguous(tensor, memory_format=memory_format))


def _about_memory(name: str) -> Callable[..., Any]:
    """A method that tells which memory a tensor shows."""
    original = getattr(_TensorBase, name)

    def method(tensor: torch.Tensor, *args: Any) -> Any:
        _note_memory_question(tensor)
        return original(tensor, *args)

    return method


def _base(tensor: torch.Tensor) -> Any:
    _note_memory_question(tensor)
    return _TensorBase._base.__get__(tensor)


def _note_memory_question(tensor: torch.Tensor) -> None:
    if _C.is_asked_by_model() and _is_traced(tensor):
        _C.note_memory_question(tensor)


def _nbytes(tensor: torch.Tensor) -> Any:
    if not (_C.is_tracing() and _is_traced(tensor)):
        return _TensorBase.nbytes.__get__(tensor)
    return tensor.numel() * tensor.element_size()


def _set_data(tensor: torch.Tensor, value: torch.Tensor) -> None:
    """`tensor.data = value` would put a traced tensor's insides into a real one; what it means is a write."""
    if not _C.is_tracing():
        _TensorBase.data.__set__(tensor, value)
    elif tensor.shape == value.shape and tensor.dtype == value.dtype:
        tensor.detach().copy_(value)
    else:
        raise _C.UnsupportedOperator(
            f"forward sets the data of a {tensor.dtype} {list(tensor.shape)} to a {value.dtype} {list(value.shape)}: "
            "a program's tensors keep shape and dtype; bind a new tensor instead",
            _C.ErrorCode.MODEL_STATE,
        )


def _is_dense(tensor: torch.Tensor) -> bool:
    return type(tensor) is torch.Tensor and tensor.layout == torch.strided


# ---- torch.tensor of symbolic numbers and traced tensors ---------------------------------------------------------


def _tensor(data: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    if not (_C.is_tracing() and _holds_traced(data)):
        return _originals_of_torch["tensor"](data, *args, **kwargs)
    return _assembled(data, **kwargs)


def _as_tensor(data: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    if not _C.is_tracing() or isinstance(data, torch.Tensor) or not _holds_traced(data):
        return _originals_of_torch["as_tensor"](data, *args, **kwargs)
    return _assembled(data, *args, **kwargs)


def _asarray(data: Any, **options: Any) -> torch.Tensor:
    if not (_C.is_tracing() and isinstance(data, (list, tuple)) and _holds_traced(data)):
        return _originals_of_torch["asarray"](data, **options)
    return _assembled(data, options.get("dtype"), options.get("device"))


def _new_tensor(tensor: torch.Tensor, data: Any, **options: Any) -> torch.Tensor:
    if not _C.is_tracing():
        return _TensorBase.new_tensor(tensor, data, **options)
    placed = {name: options.get(name) or getattr(tensor, name) for name in ("dtype", "device")}
    return torch.tensor(data, **{**options, **placed})


def _new(tensor: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
    """The old way to make a tensor like another one: of these sizes, or of this data."""
    if not (_C.is_tracing() and _is_traced(tensor)):
        return _TensorBase.new(tensor, *args, **options)
    if len(args) == 1 and isinstance(args[0], (list, tuple)) and not isinstance(args[0], torch.Size):
        return tensor.new_tensor(args[0], **options)
    return tensor.new_empty(*args if args else (0,), **options)


def _holds_traced(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return any(_holds_traced(item) for item in data)
    if isinstance(data, torch.Tensor):
        return _is_traced(data)
    return isinstance(data, (torch.SymInt, torch.SymFloat, torch.SymBool))


def _assembled(
    data: Any,
    dtype: torch.dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> torch.Tensor:
    """The tensor that `torch.tensor` would make of numbers, some of them known only when the program runs."""
    if isinstance(data, torch.Tensor):
        return data.detach().clone().to(device=device or data.device, dtype=dtype or data.dtype)
    if dtype is None:
        dtype = _common_dtype(data)
    return _filled(data, dtype, device)


def _filled(data: Any, dtype: torch.dtype, device: Any) -> torch.Tensor:
    if isinstance(data, torch.Tensor):
        return data.detach().to(device=device or "cpu", dtype=dtype)
    if isinstance(data, (list, tuple)):
        return torch.stack([_filled(item, dtype, device) for item in data])
    return torch.full((), data, dtype=dtype, device=device)


def _common_dtype(data: Any) -> torch.dtype:
    if isinstance(data, (list, tuple)):
        return functools.reduce(torch.promote_types, map(_common_dtype, data))
    if isinstance(data, torch.Tensor):
        return data.dtype
    if isinstance(data, (bool, torch.SymBool)):
        return torch.bool
    if isinstance(data, (int, torch.SymInt)):
        return torch.int64
    if isinstance(data, complex):
        return torch.complex128 if torch.get_default_dtype() == torch.float64 else torch.complex64
    return torch.get_default_dtype()


_FUNCTIONS: dict[str, Callable[..., Any]] = {"tensor": _tensor, "as_tensor": _as_tensor, "asarray": _asarray}
_originals_of_torch = {name: getattr(torch, name) for name in _FUNCTIONS}


_METHODS: dict[str, Any] = {
    "data": property(_TensorBase.data.__get__, _set_data),
    "tolist": _tolist,
    "numpy": _numpy,
    "data_ptr": _data_ptr,
    "stride": _stride,
    "is_contiguous": _is_contiguous,
    "storage_offset": _about_memory("storage_offset"),
    "untyped_storage": _about_memory("untyped_storage"),
    "_is_view": _about_memory("_is_view"),
    "_base": property(_base),
    "nbytes": property(_nbytes),
    "new_tensor": _new_tensor,
    "new": _new,
    "__repr__": _repr,
    "__copy__": _copy,
    "__deepcopy__": _deepcopy,
    "__reduce_ex__": _reduce_ex,
}
_originals = {name: vars(torch.Tensor).get(name) for name in _METHODS}

#: PyTorch gathers these once, at the first use, for `with torch.device(...)`: not while some are replaced.
_device_constructors()


def _switch_on() -> Callable[[], None]:
    for name, method in _METHODS.items():
        setattr(torch.Tensor, name, method)
    for name, function in _FUNCTIONS.items():
        setattr(torch, name, function)
    return _switch_off


def _switch_off() -> None:
    for name, method in _originals.items():
        if method is None:
            delattr(torch.Tensor, name)  # the inherited one is back
        else:
            setattr(torch.Tensor, name, method)
    for name, function in _originals_of_torch.items():
        setattr(torch, name, function)


#: Makes them work, or raise, on traced tensors.
traced_tensor_methods: RefcountedPatch = RefcountedPatch(_switch_on)
