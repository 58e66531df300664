"""How long a compiled program and its parts take."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils import _pytree as pytree

from tracejet._C import InvalidInput
from tracejet.api.compile import CompiledModule
from tracejet.api.kernel_profile import PART, Profile
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.input import Input

#: No random inputs of more elements than this are made: the greatest sizes may be meant for no machine.
_LARGEST = 2**28


@dataclass(frozen=True)
class Measured:
    """Calls at one size, in milliseconds."""

    size: str  #: "min", "opt" or "max"
    dimensions: dict[str, int]
    calls: int
    compiled: float  #: the median
    eager: float  #: the median of the program in PyTorch, or of the function that was given
    problem: str = ""  #: why nothing was measured


@dataclass(frozen=True)
class Latency:
    """All that was measured."""

    sizes: tuple[Measured, ...]
    parts: tuple[float, ...]  #: milliseconds of each part at the usual size, under a profiler; empty where there is one
    threads: int
    profile: Profile | None = None  #: kernel by kernel at the usual size; None where that couldn't be run


def measure_latency(
    program: ExportedProgram,
    compiled: CompiledModule,
    seconds: float,
    eager: Callable[..., Any] | None = None,
) -> Latency:
    """Calls `compiled` and eager in turns on random inputs, and says how long they take.

    Args:
        program: from `trace` or `load`.
        compiled: what `compile` made of it.
        seconds: how long to measure at each of the least, the usual and the greatest sizes.
        eager: a function of the same arguments to compare with, such as the model; by default `program.module()`.

    Returns:
        A `Latency`: the median of the calls at each size and the time of each part, in milliseconds.

    Raises:
        Exception: what `eager` raises, unless it is an AssertionError, IndexError or RuntimeError: then random inputs
            may not be what it takes, and the `problem` of that size says so.
    """
    eager = eager or program.module()
    sizes = tuple(_measured(program, compiled, eager, size, seconds) for size in _sizes(program))
    parts = _parts(program, compiled, seconds) if len(compiled.report.parts) > 1 else ()
    is_measured = any(size.size == "opt" and not size.problem for size in sizes)
    profile = _profile(program, compiled, seconds) if is_measured else None
    return Latency(sizes, parts, compiled.settings.threads or torch.get_num_threads(), profile)


def _sizes(program: ExportedProgram) -> Sequence[str]:
    leaves = program._tracejet_call_spec.inputs
    is_dynamic = any(isinstance(leaf.value, Input) and leaf.value.is_dynamic for leaf in leaves)
    return ("min", "opt", "max") if is_dynamic else ("opt",)


def sizes_that_fit(program: ExportedProgram) -> list[str]:
    """Those of min, opt and max at which random inputs fit into memory."""
    return [size for size in _sizes(program) if _elements(program, size) <= _LARGEST]


def _elements(program: ExportedProgram, size: str) -> int:
    shapes = [getattr(leaf.value, f"{size}_shape") for leaf in _inputs(program)]
    return sum(torch.Size(shape).numel() for shape in shapes)


def _inputs(program: ExportedProgram) -> list[Any]:
    return [leaf for leaf in program._tracejet_call_spec.inputs if isinstance(leaf.value, Input)]


def _measured(
    program: ExportedProgram, compiled: CompiledModule, eager: Callable[..., Any], size: str, seconds: float
) -> Measured:
    dimensions = {
        dim if isinstance(dim, str) else dim.name: value
        for leaf in _inputs(program)
        for dim, value in zip(leaf.shape, getattr(leaf.value, f"{size}_shape"), strict=True)
        if not isinstance(dim, int)
    }
    if _elements(program, size) > _LARGEST:
        return Measured(size, dimensions, 0, 0.0, 0.0, "too large to be tried")
    args, kwargs = _arguments(program, size)
    functions: tuple[Callable[..., Any], ...] = (compiled, eager)
    times: tuple[list[float], ...] = ([], [])
    try:
        with torch.no_grad():
            for function in functions:
                function(*args, **kwargs)
            end = time.perf_counter() + seconds
            while time.perf_counter() < end or len(times[0]) < 3:
                for own, function in zip(times, functions, strict=True):
                    begin = time.perf_counter()
                    function(*args, **kwargs)
                    own.append((time.perf_counter() - begin) * 1e3)
    except (AssertionError, IndexError, RuntimeError) as error:  # random inputs may not be what the program takes
        return Measured(size, dimensions, 0, 0.0, 0.0, str(error).partition("\n")[0])
    return Measured(size, dimensions, len(times[0]), statistics.median(times[0]), statistics.median(times[1]))


def _arguments(program: ExportedProgram, size: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    spec = program._tracejet_call_spec
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        leaves = [
            leaf.value.example_tensor(size) if isinstance(leaf.value, Input) else leaf.value for leaf in spec.inputs
        ]
    args, kwargs = pytree.tree_unflatten(leaves, spec.in_spec)
    return args, kwargs


def _parts(program: ExportedProgram, compiled: CompiledModule, seconds: float) -> tuple[float, ...]:
    """The mean of each part of the program itself; those of bodies of control flow are in the part around them."""
    args, kwargs = _arguments(program, "opt")
    calls, end = 0, time.perf_counter() + seconds
    try:
        with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiled:
            while time.perf_counter() < end or calls < 3:
                compiled(*args, **kwargs)
                calls += 1
    except InvalidInput:
        return ()
    totals: Counter[int] = Counter()
    for event in profiled.events() or ():
        if event.name.startswith(PART) and not _is_inside_part(event):
            totals[int(event.name.removeprefix(PART).split()[0])] += event.time_range.elapsed_us()
    return tuple(totals[index] / 1e3 / calls for index in sorted(totals))


def _profile(program: ExportedProgram, compiled: CompiledModule, seconds: float) -> Profile:
    args, kwargs = _arguments(program, "opt")
    begin = time.perf_counter()
    compiled(*args, **kwargs)
    calls = int(seconds / (time.perf_counter() - begin))
    return compiled.profile(*args, calls=min(max(calls, 3), 1000), **kwargs)


def _is_inside_part(event: Any) -> bool:
    around = event.cpu_parent
    return around is not None and (around.name.startswith(PART) or _is_inside_part(around))
