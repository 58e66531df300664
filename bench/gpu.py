"""Ten models in float16 on a GPU: eager, eager under a CUDA graph, torch.compile and tracejet.

    python -m bench.gpu                             # all of them, batch 1 and 8, a table
    python -m bench.gpu --models resnet50,bert --batches 8 --json gpu.json
    python -m bench.gpu --compile-mode max-autotune
    python -m bench.gpu --table gpu.json --page docs/gpu.md   # what was measured before, as the page's table

Latency is the median of calls between events on the GPU, with the host far enough ahead where it can be; first and
last runner are measured once more at the end, to tell how much the card's clocks moved. "host" is a call with a wait
behind it, as somebody sees it who waits for each answer. "first" is from the model to its first answer. Each case runs
in a process of its own. "error" is the greatest difference from the same weights in float32, as a part of the greatest
value there.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import torch

from bench.gpu_models import GPU_MODELS, gpu_model
from bench.gpu_table import table, write_table

Call = Callable[[], Any]
Row = dict[str, Any]


UNFINISHED = "unfinished"


def eager(module: torch.nn.Module, inputs: dict[str, torch.Tensor], mode: str) -> Call:
    return lambda: module(**inputs)


def eager_graph(module: torch.nn.Module, inputs: dict[str, torch.Tensor], mode: str) -> Call:
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            module(**inputs)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = module(**inputs)

    def replay(kept: Any = (module, inputs)) -> Any:
        graph.replay()
        return result

    return replay


def compiled(module: torch.nn.Module, inputs: dict[str, torch.Tensor], mode: str) -> Call:
    torch._dynamo.reset()
    function = torch.compile(module, mode=mode)
    return lambda: function(**inputs)


def tracejet(module: torch.nn.Module, inputs: dict[str, torch.Tensor], mode: str, **settings: Any) -> Call:
    import tracejet

    program = tracejet.compile(tracejet.trace(module, kwarg_inputs=dict(inputs)), **settings)
    return lambda: program(**inputs)


RUNNERS: dict[str, Callable[..., Call]] = {
    "eager": eager,
    "eager_graph": eager_graph,
    "compile": compiled,
    "tracejet": tracejet,
    "inductor": functools.partial(tracejet, engine="inductor"),
    "max": functools.partial(tracejet, effort="max"),
}


def without(skipped: str) -> Callable[..., Call]:
    """tracejet without one of its passes."""
    return lambda module, inputs, mode: tracejet(module, inputs, mode, skipped_passes=[skipped])


def on_gpu_ms(call: Call, seconds: float = 0.4) -> float:
    """The median of calls, each between two events."""
    for _ in range(4):
        call()
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    torch.cuda.synchronize()
    count = max(10, min(200, int(seconds / max(time.perf_counter() - start, 1e-5))))
    events = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(count)]
    for before, after in events:
        before.record()
        call()
        after.record()
    torch.cuda.synchronize()
    return statistics.median(before.elapsed_time(after) for before, after in events)


def longest_kernels(call: Call, count: int) -> list[str]:
    """What the GPU does for a call, by time: microseconds, how often, which kernel."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        call()
        torch.cuda.synchronize()
    found = sorted(profile.key_averages(), key=lambda event: -event.device_time_total)
    total, kernels = sum(event.device_time_total for event in found), sum(event.count for event in found)
    lines = [f"    {total:9.0f} us in {kernels} kernels and copies"]
    return lines + [f"    {event.device_time_total:9.0f}{event.count:5}  {event.key[:150]}" for event in found[:count]]


def on_host_ms(call: Call, count: int = 30) -> float:
    """The median of calls that somebody waits for."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def held_bytes() -> int:
    """What tensors are in, and the pools that CUDA graphs have to themselves, whoever made them."""
    return sum(
        segment["allocated_size"] if segment["segment_pool_id"] == (0, 0) else segment["total_size"]
        for segment in torch.cuda.memory_snapshot()
    )


def reference(name: str, batch: int) -> torch.Tensor:
    """Eager's in float32."""
    module, inputs = gpu_model(name, batch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wide = {key: value.float() if value.is_floating_point() else value for key, value in inputs.items()}
        expected: torch.Tensor = module.float()(**wide)
    return expected


def _tensors_of(module: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> set[torch.Tensor]:
    return {*module.parameters(), *module.buffers(), *inputs.values()}


def measured(runner: str, name: str, batch: int, mode: str, expected: torch.Tensor, kernels: int) -> tuple[Row, Call]:
    gc.collect()
    torch.cuda.empty_cache()
    module, inputs = gpu_model(name, batch)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    own = sum(t.nbytes for t in _tensors_of(module, inputs))
    others, others_held = torch.cuda.memory_allocated() - own, held_bytes() - own
    make = without(runner.removeprefix("without_")) if runner.startswith("without_") else RUNNERS[runner]
    start = time.perf_counter()
    call = make(module, inputs, mode)
    result = call().float()
    torch.cuda.synchronize()
    row: Row = {"first_s": time.perf_counter() - start}
    for _ in range(3):
        again = call().float()
    scale = expected.abs().max()
    row["error"] = max(((r - expected).abs().max() / scale).item() for r in (result, again))
    row["gpu_ms"] = on_gpu_ms(call)
    row["host_ms"] = on_host_ms(call)
    row["peak_mib"] = (torch.cuda.max_memory_allocated() - others) / 2**20
    gc.collect()
    row["held_mib"] = (held_bytes() - others_held) / 2**20
    if kernels and runner in ("tracejet", "compile", "inductor", "max"):
        row["kernels"] = longest_kernels(call, kernels)
    return row, call


@torch.no_grad()
def case(name: str, batch: int, runners: list[str], mode: str, kernels: int, report: Callable[[Row], None]) -> None:
    """One model at one batch, by each runner. `report` is given a row when a runner begins and when it is done."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    expected = reference(name, batch)
    gc.collect()
    eager_call = gpu_model(name, batch)
    eager_call[0](**eager_call[1])  # libraries are loaded before anybody is timed
    del eager_call
    first = None
    for runner in runners:
        row: Row = {"model": name, "batch": batch, "runner": runner}
        report(row | {"failed": UNFINISHED})
        try:
            found, call = measured(runner, name, batch, mode, expected, kernels)
        except Exception as error:
            report(row | {"failed": f"{type(error).__name__}: {error}".splitlines()[0][:200]})
            traceback.print_exc()
            torch.cuda.synchronize()  # where the GPU refuses all that follows, this process ends
            continue
        report(row | found)
        first = first or (row | found, call)
    if first is not None:
        report(first[0] | {"gpu_ms_again": on_gpu_ms(first[1])})


def in_a_process(name: str, batch: int, runners: list[str], mode: str, kernels: int, cache: str, results: Any) -> None:
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache or tempfile.mkdtemp()
    case(name, batch, runners, mode, kernels, results.send)


def rows_of_case(context: Any, name: str, batch: int, runners: list[str], patience: float, *others: Any) -> list[Row]:
    """A runner whose process ends has a row that says so, and the runners after it go on in a process of their own."""
    rows: dict[str, Row] = {}
    while left := [runner for runner in runners if runner not in rows]:
        results, sent = context.Pipe(duplex=False)
        process = context.Process(target=in_a_process, args=(name, batch, left, *others, sent))
        process.start()
        sent.close()
        heard = time.monotonic()
        with contextlib.suppress(EOFError):
            while process.is_alive() or results.poll():
                if results.poll(timeout=0.05):
                    row = results.recv()
                    rows[row["runner"]] = row
                    heard = time.monotonic()
                elif time.monotonic() - heard > patience:
                    process.kill()
        process.join()
        if left[0] not in rows:
            rows[left[0]] = {"model": name, "batch": batch, "runner": left[0], "failed": UNFINISHED}
        for row in rows.values():
            if row.get("failed") == UNFINISHED:
                row["failed"] = f"its process ended with {process.exitcode}"
    return list(rows.values())


@torch.no_grad()
def fill_cache(name: str, batch: int, mode: str, cache: str) -> None:
    """What torch.compile makes of a case, for a process that measures it later."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
    module, inputs = gpu_model(name, batch)
    start = time.perf_counter()
    compiled(module, inputs, mode)()
    torch.cuda.synchronize()
    print(f"compiled {name} {batch}, beside others: {time.perf_counter() - start:.0f} s", flush=True)


def fill_caches(context: Any, cases: list[tuple[str, int]], mode: str, cache: str, at_a_time: int) -> None:
    waiting = list(cases)
    running: list[Any] = []
    while waiting or running:
        running = [process for process in running if process.is_alive()]
        if waiting and len(running) < at_a_time:
            running.append(context.Process(target=fill_cache, args=(*waiting.pop(0), mode, cache)))
            running[-1].start()
        time.sleep(0.05)


def card() -> Row:
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    return {
        "card": (found.stdout.splitlines() or ["none"])[0],
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "python": platform.python_version(),
    }


def line(row: Row) -> str:
    head = f"{row['model']:16}{row['batch']:3}  {row['runner']:28}"
    if "failed" in row:
        return head + "  " + row["failed"]
    again = f"  again {row['gpu_ms_again']:.3f}" if "gpu_ms_again" in row else ""
    numbers = (
        f"{row['gpu_ms']:9.3f}{row['host_ms']:9.3f}{row['first_s']:9.2f}{row['peak_mib']:9.0f}{row['error']:10.1e}"
    )
    return "\n".join([head + numbers + again, *row.get("kernels", [])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(model.name for model in GPU_MODELS))
    parser.add_argument("--batches", default="1,8")
    parser.add_argument(
        "--runners",
        default="eager,eager_graph,compile,tracejet",
        help="also inductor, max (effort) and without_PASS, for tracejet without a pass",
    )
    parser.add_argument("--compile-mode", default="reduce-overhead")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="after so many no further case is begun")
    parser.add_argument(
        "--patience", type=float, default=900, help="a runner that takes longer is given up, in seconds"
    )
    parser.add_argument(
        "--compile-ahead",
        type=int,
        default=0,
        metavar="N",
        help="torch.compile compiles all cases before, N at a time: its first answers then come from a cache",
    )
    parser.add_argument("--cache", default="", metavar="FOLDER", help="what torch.compile compiles is kept there")
    parser.add_argument("--kernels", type=int, default=0, metavar="N", help="lists the N kernels that take longest")
    parser.add_argument("--json")
    parser.add_argument("--table", nargs="+", metavar="JSON", help="measures nothing: the table of these results")
    parser.add_argument("--page", help="where the table goes")
    args = parser.parse_args()
    if args.table:
        write_table(args.table, args.page) if args.page else print(table(args.table))
        return

    start, rows, about, runners = time.monotonic(), [], card(), args.runners.split(",")
    print(about, flush=True)
    print(f"{'model':16}{'batch':>3}  {'runner':28}{'gpu ms':>7}{'host ms':>9}{'first s':>9}{'MiB':>9}{'error':>10}")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "tracejet", "torchvision", "transformers"])
    cases = [(name, batch) for name in args.models.split(",") for batch in map(int, args.batches.split(","))]
    cache = args.cache or (tempfile.mkdtemp() if args.compile_ahead else "")
    if args.compile_ahead:
        fill_caches(context, cases, args.compile_mode, cache, args.compile_ahead)
    for name, batch in cases:
        if time.monotonic() - start > args.seconds:
            print(f"{name} {batch}: no time left", flush=True)
            continue
        found = rows_of_case(context, name, batch, runners, args.patience, args.compile_mode, args.kernels, cache)
        rows += found
        print("\n".join(map(line, found)), flush=True)
        if args.json:
            with open(args.json, "w") as file:
                json.dump({"machine": about, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
