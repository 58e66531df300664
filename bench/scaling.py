"""Does the time per layer stay the same in large models? Times of every step for models of growing size.

    python -m bench.scaling                  # 1,024 to 16,384 layers
    python -m bench.scaling 1024 65536 --engine aten

The last column is the time per layer relative to that of the first size: 1.0 is linear.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import tracejet
from tracejet import Input

BATCH = Input(min_shape=(1, 8), opt_shape=(4, 8), max_shape=(64, 8))


def layers(count: int) -> nn.Module:
    return nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(count)]).eval()


def steps(model: nn.Module, engine: str | None) -> dict[str, float]:
    """The CPU time of each step, in seconds."""
    times: dict[str, float] = {}

    def timed(name: str, step: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = step()
        times[name] = time.process_time() - start
        return result

    program = timed("trace", lambda: tracejet.trace(model, arg_inputs=[BATCH]))
    if engine is not None:
        timed(f"compile for {engine}", lambda: tracejet.compile(program, engine=engine))
    timed("ExportedProgram", lambda: program.graph)
    timed("module()", program.module)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", nargs="*", type=int, default=[1024, 4096, 16384])
    parser.add_argument("--engine", help="compile for this engine, too")
    options = parser.parse_args()
    steps(layers(16), options.engine)  # what happens once in a process
    first: dict[str, float] = {}
    with torch.no_grad():
        for count in options.counts:
            for name, seconds in steps(layers(count), options.engine).items():
                per_layer = seconds / count
                ratio = per_layer / first.setdefault(name, per_layer)
                print(
                    f"{count:7} layers  {name:24} {seconds:8.2f} s  {per_layer * 1e6:8.0f} us per layer  {ratio:5.2f}"
                )


if __name__ == "__main__":
    main()
