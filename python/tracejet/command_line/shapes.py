"""Shapes as trtexec writes them, `x:1x3x224x224,y:1x10`, and as torchtrtc does, `[(1,3);(2,3);(4,3)]@f16%NHWC`."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

from tracejet._C import ErrorCode, InvalidInput

Shape = tuple[int, ...]

_DTYPES = {
    "f64": torch.float64,
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i64": torch.int64,
    "i32": torch.int32,
    "i16": torch.int16,
    "i8": torch.int8,
    "u8": torch.uint8,
    "bool": torch.bool,
}
_FORMATS = {
    "contiguous": torch.contiguous_format,
    "nchw": torch.contiguous_format,
    "channels_last": torch.channels_last,
    "channel_last": torch.channels_last,
    "nhwc": torch.channels_last,
}
_SPEC = re.compile(r"^(?:(?P<name>\w+):)?(?P<shapes>\(.*\)|\[.*\])(?:@(?P<dtype>\w+))?(?:%(?P<format>\w+))?$")


@dataclass(frozen=True)
class InputSpec:
    """What the command line says of one input."""

    name: str  #: empty: by position
    shapes: tuple[Shape, ...]  #: one, or the least, the usual and the greatest
    dtype: torch.dtype | None = None
    format: torch.memory_format = torch.contiguous_format


def read_shapes(text: str) -> dict[str, Shape]:
    """`x:1x3x224x224,y:1x10`, by name; a shape alone has the name "". `x:scalar`: no axes."""
    found: dict[str, Shape] = {}
    for part in text.split(","):
        name, _, shape = part.strip().rpartition(":")
        name = name.strip("'\"")
        if name in found:
            raise InvalidInput(f"{text!r} gives {name or 'the only input'} two shapes", ErrorCode.COMMAND_LINE)
        found[name] = _shape(shape, "x", part)
    return found


def read_spec(text: str) -> InputSpec:
    """`(1,3,224,224)`, or `[(1,3);(8,3);(16,3)]` where it is dynamic, with `name:` before it and `@dtype%format` behind
    it where they are needed.
    """
    match = _SPEC.match(text.replace(" ", ""))
    if match is None:
        raise InvalidInput(
            f"{text!r} isn't an input: expected e.g. (1,3,224,224) or x:[(1,3);(8,3);(16,3)]@f16%NHWC",
            ErrorCode.COMMAND_LINE,
        )
    inner = match["shapes"]
    several = inner[1:-1].split(";") if inner.startswith("[") else [inner]
    if len(several) not in (1, 3):
        raise InvalidInput(
            f"{text!r} has {len(several)} shapes: expected one, or [(least);(usual);(greatest)]", ErrorCode.COMMAND_LINE
        )
    if not all(re.fullmatch(r"\([\d,]*\)", shape) for shape in several):
        raise InvalidInput(
            f"{text!r} isn't an input: {several[0]} isn't a shape like (1,3,224,224)", ErrorCode.COMMAND_LINE
        )
    shapes = tuple(_shape(shape[1:-1], ",", text) for shape in several)
    format = (match["format"] or "contiguous").lower()
    if format not in _FORMATS:
        raise InvalidInput(f"{text!r}: the formats are {', '.join(_FORMATS)}", ErrorCode.COMMAND_LINE)
    return InputSpec(
        match["name"] or "", shapes, read_dtype(match["dtype"]) if match["dtype"] else None, _FORMATS[format]
    )


def read_dtype(text: str) -> torch.dtype:
    """torchtrtc's names (`f16`) and PyTorch's (`float16`)."""
    found = _DTYPES.get(text.lower()) or getattr(torch, text.removeprefix("torch."), None)
    if not isinstance(found, torch.dtype):
        raise InvalidInput(
            f"{text!r} isn't a dtype: expected one of {', '.join(_DTYPES)}, or PyTorch's names", ErrorCode.COMMAND_LINE
        )
    return found


def read_pairs(text: str, what: str) -> dict[str, str]:
    """`x:int64,mask:bool`."""
    pairs = [part.strip().rpartition(":") for part in text.split(",")]
    if not all(name and value for name, _, value in pairs):
        raise InvalidInput(f"{text!r}: expected e.g. {what}", ErrorCode.COMMAND_LINE)
    return {name: value for name, _, value in pairs}


def _shape(text: str, separator: str, whole: str) -> Shape:
    if text in ("", "scalar"):
        return ()
    sizes = [size for size in text.split(separator) if size or separator == "x"]
    if not all(size.isdigit() for size in sizes):
        raise InvalidInput(f"{whole!r} isn't a shape: expected e.g. x:1x3x224x224", ErrorCode.COMMAND_LINE)
    return tuple(int(size) for size in sizes)
