"""What a case of a zoo takes, with an Input for every tensor that varies."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from typing import Any

import torch

from tracejet import Input


def declared(built: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a case with an Input for every tensor that varies."""
    (least, *_), (usual, keywords), (most, *_) = calls = [built.inputs(which) for which in ("min", "opt", "max")]
    specs = list(itertools.islice(_specs_by_position(built), len(usual)))
    args = tuple(_declared(*each) for each in zip(least, usual, most, *zip(*specs, strict=True), strict=True))
    by_keyword = {
        name: _declared(calls[0][1][name], value, calls[2][1][name], built.spec.get(name), name)
        for name, value in keywords.items()
    }
    return args, by_keyword


def _specs_by_position(built: Any) -> Iterator[tuple[Any, str]]:
    parameters = inspect.signature(built.module.forward).parameters
    # Names that the model's forward doesn't have are those of what it wraps: they count in order.
    others = iter([spec for name, spec in built.spec.items() if name not in parameters])
    for name, parameter in parameters.items():
        spec = built.spec[name] if name in built.spec else next(others, None)
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            for i in itertools.count():
                yield (spec[i] if spec and i < len(spec) else None), f"{name}_{i}"
        yield spec, name


def _declared(least: Any, usual: Any, most: Any, spec: Any, name: str) -> Any:
    if isinstance(usual, torch.Tensor):
        if not spec:
            return usual
        shapes = {"min_shape": least.shape, "opt_shape": usual.shape, "max_shape": most.shape}
        shared = {axis: dim for axis, dim in spec.items() if isinstance(dim, str)}
        return Input(**shapes, dtype=usual.dtype, name=name, shared_dims=shared)
    if isinstance(usual, dict):
        inner = {key: (least[key], value, most[key], (spec or {}).get(key)) for key, value in usual.items()}
        return {key: _declared(*each, f"{name}_{key}") for key, each in inner.items()}
    if isinstance(usual, (list, tuple)):
        specs = [spec[i] if spec and i < len(spec) else None for i in range(len(usual))]
        parts = zip(least, usual, most, specs, strict=True)
        return type(usual)(_declared(*each, f"{name}_{i}") for i, each in enumerate(parts))
    return usual
