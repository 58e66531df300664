"""Tensors in requests and responses of the Open Inference Protocol, whichever way they came.

Data is either a list of numbers or raw bytes, little endian. Numbers are taken for what they are: 1.5 is no INT64, 300
no UINT8, and null no number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from tracejet._C import InvalidInput
from tracejet.serve.signature import DATATYPES, Signature

_DTYPES = {datatype: dtype for dtype, datatype in DATATYPES.items()}
#: What numbers of a list may be for each kind of dtype, as NumPy's kinds: a float may be written as an integer.
_KINDS = {"b": "b", "i": "iu", "u": "iu", "f": "fiu"}


def tensor_of(name: str, datatype: str, shape: Sequence[int], data: Any, raw: bytes | None) -> torch.Tensor:
    """The tensor that a request has as `data`, a list (nested or flat), or as `raw`. Raises InvalidInput, naming it."""
    if datatype not in _DTYPES:
        raise InvalidInput(f"{name}: there is no datatype {datatype!r} here; expected one of {', '.join(_DTYPES)}")
    if any(size < 0 for size in shape):
        raise InvalidInput(f"{name}: the shape {list(shape)} has a negative size")
    count = math.prod(shape)
    wanted = _numpy(datatype)
    if raw is not None:
        if len(raw) != count * wanted.itemsize:
            expected = f"{count * wanted.itemsize} bytes are {datatype} in shape {list(shape)}"
            raise InvalidInput(f"{name}: got {len(raw)} bytes, but {expected}")
        array = np.frombuffer(raw, wanted)
    else:
        array = _numbers(name, datatype, data, wanted)
        if array.size != count:
            raise InvalidInput(f"{name}: got {array.size} numbers, but the shape {list(shape)} has {count}")
    # A copy of its own: what is received can't be written to, and torch has no such tensors.
    return torch.from_numpy(array.reshape(tuple(shape)).astype(wanted.newbyteorder("="), copy=True))


def request_tensors(signature: Signature, given: Iterable[tuple[str, torch.Tensor]]) -> list[torch.Tensor]:
    """The inputs of a request in the program's order. Raises InvalidInput where they don't fit it."""
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in given:
        if name in tensors:
            raise InvalidInput(f"{name}: this input is given twice")
        tensors[name] = tensor
    return signature.checked(tensors)


def named_outputs(
    signature: Signature, outputs: Sequence[torch.Tensor], wanted: Sequence[str]
) -> Mapping[str, torch.Tensor]:
    """The outputs that a request asks for, in its order; all of them where it doesn't say."""
    named = dict(zip((spec.name for spec in signature.outputs), outputs, strict=True))
    return {name: named[name] for name in wanted} if wanted else named


def check_outputs(signature: Signature, wanted: Sequence[str]) -> None:
    """Raises InvalidInput where a request asks for an output that there is not."""
    names = [spec.name for spec in signature.outputs]
    if unknown := [name for name in wanted if name not in names]:
        raise InvalidInput(f"there is no output {unknown[0]!r}; the outputs are {', '.join(names)}")


def raw_bytes(tensor: torch.Tensor) -> bytes:
    array = tensor.contiguous().numpy()
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _numpy(datatype: str) -> np.dtype[Any]:
    return torch.empty(0, dtype=_DTYPES[datatype]).numpy().dtype.newbyteorder("<")


def _numbers(name: str, datatype: str, data: Any, wanted: np.dtype[Any]) -> np.ndarray[Any, Any]:
    if datatype == "FP16":
        raise InvalidInput(f"{name}: FP16 comes as raw bytes, as the protocol has no FP16 in lists")
    try:
        array = np.asarray(data)
    except (ValueError, OverflowError) as error:  # lists of different lengths
        raise InvalidInput(f"{name}: the data isn't a tensor: {error}") from None
    if array.size == 0:
        return array.astype(wanted)
    if array.dtype.kind not in _KINDS[wanted.kind]:
        raise InvalidInput(f"{name}: the data isn't {datatype}: it has {_first_wrong(data, wanted.kind)}")
    if wanted.kind in "iu":
        bounds = np.iinfo(wanted)
        least, greatest = int(array.min()), int(array.max())
        if least < bounds.min or greatest > bounds.max:
            wrong = least if least < bounds.min else greatest
            raise InvalidInput(f"{name}: {wrong} is no {datatype}, which is {bounds.min} to {bounds.max}")
    return array.astype(wanted)


def _first_wrong(data: Any, kind: str) -> str:
    """What stands in the data that isn't a number of that kind."""
    if isinstance(data, (list, tuple)):
        found = (_first_wrong(item, kind) for item in data)
        return next((text for text in found if text), "")
    is_right = np.asarray(data).dtype.kind in _KINDS[kind]
    return "" if is_right else repr(data)
