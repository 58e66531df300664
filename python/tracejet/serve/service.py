"""A served model, whatever protocol its requests come by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tracejet import _C
from tracejet.serve.batcher import Batcher
from tracejet.serve.outcome import ModelNotFound
from tracejet.serve.signature import Signature

#: A file is one version of a model; clients that must name one name this.
VERSION = "1"


class Service:
    """One model by its name."""

    def __init__(self, name: str, signature: Signature, batcher: Batcher):
        self.name = name
        self.signature = signature
        self._batcher = batcher

    @property
    def output_names(self) -> list[str]:
        return [spec.name for spec in self.signature.outputs]

    def check_model(self, name: str | None, version: str | None) -> None:
        """Raises ModelNotFound where a request is for another one."""
        if name is not None and name != self.name:
            raise ModelNotFound(f"there is no model {name!r} here, only {self.name!r}")
        if version and version != VERSION:
            raise ModelNotFound(f"there is no version {version!r} of {self.name}, only {VERSION!r}")

    async def infer(self, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        return await self._batcher.answer(tensors)

    def server_metadata(self) -> dict[str, Any]:
        return {"name": "tracejet", "version": _C.__version__, "extensions": ["binary_tensor_data"]}

    def model_metadata(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "versions": [VERSION],
            "platform": "tracejet",
            "inputs": [spec.metadata() for spec in self.signature.inputs],
            "outputs": [spec.metadata() for spec in self.signature.outputs],
        }
