"""What AOTInductor made of a program, as the core reads it: see src/engines/inductor/executable.h."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import torch

from tracejet._C import Expression
from tracejet.export.engine_view import EngineView


@dataclass
class Code:
    #: The file that PyTorch's loader reads, without weights.
    package: bytes
    #: The names of the weights that it reads, each with the graph's input that it is.
    weights: list[tuple[str, int]]
    #: Constants that came up on the way.
    constants: list[tuple[str, torch.Tensor]] = field(default_factory=list)
    #: What it takes for granted of sizes.
    assumed: list[Expression] = field(default_factory=list)

    @property
    def serialized(self) -> bytes | None:
        """What `loaded` makes the same of; None where it holds more than code."""
        if self.constants or self.assumed:
            return None
        names = json.dumps([name for name, _ in self.weights]).encode()
        return len(names).to_bytes(8, "little") + names + self.package

    @staticmethod
    def loaded(view: EngineView, serialized: bytes) -> Code | None:
        """None where it isn't of this program."""
        end = 8 + int.from_bytes(serialized[:8], "little")
        try:
            names = json.loads(serialized[8:end])
            return Code(serialized[end:], [(name, view.weights[name]) for name in names])
        except (ValueError, KeyError, TypeError):
            return None
