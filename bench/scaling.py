"""Does the time per layer stay the same in large models? Times of every step for models of growing size.

    python -m bench.scaling                  # 1,024 to 16,384 layers
    python -m bench.scaling 1024 65536 --engine aten
    python -m bench.scaling 250 500 --kind nested

The last column is the time per layer relative to that of the first size: 1.0 is linear. Kinds of models other than
layers are for what else may grow: modules in each other, inputs, constants, calls of one module, results, and sizes.
"""

from __future__ import annotations

import argparse
import functools
import operator
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import tracejet
from tracejet import Input


def batch(name: str) -> Input:
    return Input(min_shape=(1, 8), opt_shape=(4, 8), max_shape=(64, 8), name=name, shared_dims={0: name})


BATCH = batch("batch")


class Function(nn.Module):
    """A model that is one function of its inputs, with modules and tensors of its own."""

    def __init__(self, function: Callable[..., Any], **attributes: Any):
        super().__init__()
        self.function = function
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, *args: Any) -> Any:
        return self.function(*args)


def layers(count: int) -> tuple[nn.Module, list[Any]]:
    return nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(count)]).eval(), [BATCH]


def nested(count: int) -> tuple[nn.Module, list[Any]]:
    model: nn.Module = nn.Identity()
    for _ in range(count):
        model = nn.Sequential(nn.ReLU(), model)
    return model, [BATCH]


def inputs(count: int) -> tuple[nn.Module, list[Any]]:
    return Function(lambda *args: functools.reduce(operator.add, args)), [BATCH] * count


def constants(count: int) -> tuple[nn.Module, list[Any]]:
    tensors = [torch.randn(8) for _ in range(count)]
    return Function(lambda x: functools.reduce(operator.add, tensors, x), tensors=tensors), [BATCH]


def calls(count: int) -> tuple[nn.Module, list[Any]]:
    layer = nn.Linear(8, 8)
    return Function(lambda x: functools.reduce(lambda y, _: layer(y).relu(), range(count), x), layer=layer), [BATCH]


def results(count: int) -> tuple[nn.Module, list[Any]]:
    return Function(lambda x: [x * number for number in range(count)]), [BATCH]


def sizes(count: int) -> tuple[nn.Module, list[Any]]:
    """Each call has one size more than the last, so that all of them together have count * (count + 1) / 2."""
    chain = Function(lambda *args: functools.reduce(lambda x, y: torch.cat([x, y]), args))
    return chain, [batch(f"batch_{number}") for number in range(count)]


KINDS = {make.__name__: make for make in (layers, nested, inputs, constants, calls, results, sizes)}


def steps(model: nn.Module, inputs: list[Any], engine: str | None) -> dict[str, float]:
    """The CPU time of each step, in seconds."""
    times: dict[str, float] = {}

    def timed(name: str, step: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = step()
        times[name] = time.process_time() - start
        return result

    program = timed("trace", lambda: tracejet.trace(model, arg_inputs=inputs))
    if engine is not None:
        timed(f"compile for {engine}", lambda: tracejet.compile(program, engine=engine))
    timed("ExportedProgram", lambda: program.graph)
    timed("module()", program.module)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", nargs="*", type=int, default=[1024, 4096, 16384])
    parser.add_argument("--kind", choices=KINDS, default="layers", help="what there is `count` of")
    parser.add_argument("--engine", help="compile for this engine, too")
    options = parser.parse_args()
    sys.setrecursionlimit(100_000)  # modules in each other call each other
    steps(*layers(16), options.engine)  # what happens once in a process
    first: dict[str, float] = {}
    with torch.no_grad():
        for count in options.counts:
            for name, seconds in steps(*KINDS[options.kind](count), options.engine).items():
                per_layer = seconds / count
                ratio = per_layer / first.setdefault(name, per_layer)
                each = f"{per_layer * 1e6:8.0f} us for each  {ratio:5.2f}"
                print(f"{count:7} {options.kind:9}  {name:24} {seconds:8.2f} s  {each}")


if __name__ == "__main__":
    main()
