"""Writes what tests/cpp/io/pt2_mutation_test.cpp damages: small programs of torch.export.save and tracejet.save.

PYTHONPATH=python:. python -m tests.support.make_pt2_corpus
"""

from __future__ import annotations

from pathlib import Path
from types import CodeType
from typing import Any

import torch
from torch import nn

import tracejet
from tracejet import Input

CORPUS = Path(__file__).parents[1] / "cpp" / "io" / "corpus"
AUTO = torch.export.Dim.AUTO


def without_folders(code: CodeType) -> CodeType:
    inner = [without_folders(each) if isinstance(each, CodeType) else each for each in code.co_consts]
    return code.replace(co_filename="model.py", co_consts=tuple(inner))


def traced_anywhere(model: type[nn.Module]) -> type[nn.Module]:
    """A file names the lines of forward(); it needn't name the folders of the machine that wrote it."""
    model.forward.__code__ = without_folders(model.forward.__code__)
    return model


@traced_anywhere
class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 4))
        self.bias = nn.Parameter(torch.randn(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(x, self.weight, self.bias)


@traced_anywhere
class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = Layer()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> Any:
        self.calls.add_(1)
        return {"out": self.layer(x).relu(), "sizes": (x.size(0) * 2, None)}


@traced_anywhere
class OfData(nn.Module):
    def forward(self, x: torch.Tensor, pair: list[torch.Tensor]) -> Any:
        count = (x > 0).sum().item()
        torch._check(count <= 100)
        masked = x.masked_fill(x > 0, float("-inf"))
        picked = torch.cond(x.sum() > 0, lambda x: x.sin() * 2, lambda x: x.cos(), (x,))
        return masked, picked, torch.arange(count), x[x > 0], x.view(2, -1), pair[0] + pair[1][: pair[0].size(0)]


@traced_anywhere
class WritesInPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(2, 3))

    def forward(self, x: torch.Tensor) -> Any:
        self.total[0] += x.sum(0)
        return x.relu_().add_(torch.tensor(2.0)), self.total.t()


def main() -> None:
    CORPUS.mkdir(exist_ok=True)
    torch.manual_seed(0)
    x = Input(min_shape=(1, 4), opt_shape=(2, 4), max_shape=(8, 4), name="x")
    linear = tracejet.trace(Linear().eval(), arg_inputs=[x])
    tracejet.save(linear, CORPUS / "linear.pt2")
    tracejet.compile(linear).save(CORPUS / "compiled.pt2")
    pair = [torch.randn(4), torch.randn(5)]
    shapes = ({0: AUTO}, [{0: AUTO}, {0: AUTO}])
    of_data = torch.export.export(OfData(), (torch.randn(4, 3), pair), dynamic_shapes=shapes).run_decompositions()
    torch.export.save(of_data, CORPUS / "of_data.pt2")
    in_place = torch.export.export(WritesInPlace(), (torch.randn(4, 3),), dynamic_shapes=({0: AUTO},))
    torch.export.save(in_place, CORPUS / "in_place.pt2")


if __name__ == "__main__":
    main()
