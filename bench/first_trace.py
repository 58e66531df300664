"""The first trace of a fresh process, and how far it raises memory: bench.trace runs this per model and tool.

python -m bench.first_trace tracejet bert --dynamic     # prints {"first_s": ..., "peak_mib": ...}
"""

from __future__ import annotations

import json

import click
import torch

from bench.measure import Peak, cpu_seconds
from bench.tracers import TRACERS
from testing.models import MODELS, SMALL_MODELS


@click.command(help=__doc__.splitlines()[0])
@click.argument("tool", type=click.Choice(list(TRACERS)))
@click.argument("model", type=click.Choice(list(MODELS)))
@click.option("--dynamic", is_flag=True)
@click.option("--small", is_flag=True)
def main(tool: str, model: str, dynamic: bool, small: bool) -> None:
    case = (SMALL_MODELS if small else MODELS)[model]
    module = case.module()
    with torch.no_grad(), Peak.of_block() as peak:
        taken, _ = cpu_seconds(lambda: [step() for step in TRACERS[tool](module, case, dynamic).values()])
    print(json.dumps({"first_s": taken, "peak_mib": peak.rise}))


if __name__ == "__main__":
    main()
