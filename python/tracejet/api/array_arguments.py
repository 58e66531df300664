"""Arguments of a call that are tensors of other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tracejet._C import ErrorCode, InvalidInput


def as_tensor(path: str, value: Any) -> torch.Tensor:
    """`value` as a tensor of the same memory, where it is an array of NumPy's or has `__dlpack__`.

    An array that can't be written to is copied. Raises InvalidInput, naming the input, for anything else.
    """
    if isinstance(value, torch.Tensor):
        return value
    try:
        if isinstance(value, np.ndarray):
            return torch.from_numpy(value if value.flags.writeable else value.copy())
        if hasattr(value, "__dlpack__"):
            return torch.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise InvalidInput(
            f"{path}: this {type(value).__name__} can't become a tensor: {error}", ErrorCode.INPUT_MISMATCH
        ) from error
    raise InvalidInput(
        f"{path}: a tensor is needed, or an array of NumPy or with __dlpack__; got {value!r}", ErrorCode.INPUT_MISMATCH
    )
