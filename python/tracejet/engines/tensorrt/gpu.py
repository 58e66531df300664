"""Which GPUs there are, and which an engine is built for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch

from tracejet._C import CompileSettings, ErrorCode, InvalidInput
from tracejet.engines.tensorrt.library import Library

#: Before it, TensorRT-RTX has no kernels for products of float32.
_FIRST_WITH_FLOAT32 = (8, 0)
_FIRST_WITH_BFLOAT16 = (8, 0)


def known_capabilities(library: Library) -> dict[tuple[int, int], Any]:
    """The GPUs that TensorRT-RTX builds for, by compute capability: {(8, 9): ComputeCapability.SM89}."""
    if not library.is_rtx:
        return {}
    named = library.trt.ComputeCapability
    matches = [match for name in vars(named) if (match := re.fullmatch(r"SM(\d+)(\d)", name))]
    return dict(sorted(((int(match[1]), int(match[2])), getattr(named, match[0])) for match in matches))


def present_capability(device: torch.device) -> tuple[int, int] | None:
    """That of the GPU at hand; None where there is none."""
    return torch.cuda.get_device_capability(device) if torch.cuda.is_available() else None


def can_run_on(library: Library, device: torch.device) -> bool:
    """Whether TensorRT takes programs for this device. Where there is no GPU, TensorRT-RTX can build for others."""
    if device.type != "cuda":
        return False
    present = present_capability(device)
    if present is None:
        return library.is_rtx
    return not library.is_rtx or present in known_capabilities(library)


def target_capabilities(library: Library, settings: CompileSettings) -> list[Any]:
    """What to build for, as the library names it; empty for the GPU at hand. Raises InvalidInput."""
    known = known_capabilities(library)
    asked = [_parsed(text) for text in settings.compute_capabilities]
    if asked and not known:
        raise InvalidInput(
            f"compute_capabilities: {library.name} builds for the GPU at hand alone; leave it out",
            ErrorCode.ENGINE_SETTING,
        )
    if unknown := [pair for pair in asked if pair not in known]:
        raise InvalidInput(
            f"compute_capabilities: {library.name} {library.version} doesn't build for {_in_words(unknown)}; "
            f"it does for {_in_words(list(known))}",
            ErrorCode.ENGINE_SETTING,
        )
    if not asked:
        if not known or torch.cuda.is_available():
            return []
        asked = [pair for pair in known if pair >= _FIRST_WITH_FLOAT32]
    if settings.precision == torch.bfloat16 and min(asked) < _FIRST_WITH_BFLOAT16:
        raise InvalidInput(
            f"precision is torch.bfloat16, which {_in_words([min(asked)])} has no kernels for", ErrorCode.ENGINE_SETTING
        )
    return [known[pair] for pair in sorted(set(asked))]


def _parsed(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)\.(\d)", text)
    if match is None:
        raise InvalidInput(f'compute_capabilities: expected names like "8.6", got {text!r}', ErrorCode.ENGINE_SETTING)
    return int(match[1]), int(match[2])


def _in_words(pairs: Sequence[tuple[int, int]]) -> str:
    return ", ".join(f"{major}.{minor}" for major, minor in pairs)


def is_engine_of(library: Library, blob: bytes) -> bool:
    """Whether these bytes are an engine of this version, for the GPU at hand where there is one."""
    trt = library.trt
    runtime = trt.Runtime(library.logger)
    if not hasattr(runtime, "get_engine_validity"):
        return len(blob) > 0
    validity, problems = runtime.get_engine_validity(blob)
    if torch.cuda.is_available():
        return bool(validity != trt.EngineValidity.INVALID)
    return bool(problems == 0)  # without a GPU, no engine is valid, but one of another version has problems
