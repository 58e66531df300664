"""Latency of models quantised by way of export (pt2e), against the same models in float32.

Both are compiled by tracejet for OpenVINO with the same number of threads, and take turns. Weights are random: what is
measured is the time, and how far the answers are apart on the scale of the largest.

    python -m bench.quantized --threads 2
"""

from __future__ import annotations

import warnings
from typing import Any

import click
import torch
from rich.table import Table
from torch import nn

import tracejet
from bench.measure import Times, seconds, wide_console
from bench.runtimes import first_tensor
from testing.models import MODELS, SMALL_MODELS

TURNS = 30


def quantized(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> nn.Module:
    """With int8 weights for each channel and uint8 activations, calibrated with these arguments alone."""
    from torchao.quantization.pt2e import quantize_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    quantizer = x86.X86InductorQuantizer().set_global(x86.get_default_x86_inductor_quantization_config())
    prepared = quantize_pt2e.prepare_pt2e(torch.export.export(model, args, kwargs).module(), quantizer)
    prepared(*args, **kwargs)
    return quantize_pt2e.convert_pt2e(prepared)


@click.command()
@click.option("-m", "--model", "models", multiple=True, default=("vit_b_16", "bert"), show_default=True)
@click.option("--small", is_flag=True, help="The small models of the tests, to try the benchmark itself.")
@click.option("--threads", default=2, show_default=True)
def main(models: tuple[str, ...], small: bool, threads: int) -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(threads)
    table = Table("model", "float32", "quantised", "speed", "against eager", title=f"OpenVINO, {threads} threads")
    for name in models:
        case = (SMALL_MODELS if small else MODELS)[name]
        model, (args, kwargs) = case.module(), case.example()
        integer = quantized(model, args, kwargs)
        runs = [tracejet.compile(m, arg_inputs=args, kwarg_inputs=kwargs, threads=threads) for m in (model, integer)]
        with torch.no_grad():
            expected, got = (first_tensor(run(*args, **kwargs)) for run in (integer, runs[1]))
        taken: list[list[float]] = [[], []]
        for _ in range(TURNS):
            for times, run in zip(taken, runs, strict=True):
                times.append(seconds(lambda: run(*args, **kwargs))[0])  # noqa: B023
        plain, quick = (Times.of(times).median for times in taken)
        error = ((got - expected).abs().max() / expected.abs().max()).item()
        table.add_row(name, f"{plain * 1e3:.1f} ms", f"{quick * 1e3:.1f} ms", f"{plain / quick:.2f}x", f"{error:.0e}")
    wide_console().print(table)


if __name__ == "__main__":
    main()
