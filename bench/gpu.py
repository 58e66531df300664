"""Ten models in float16 on a GPU: eager, eager under a CUDA graph, torch.compile and tracejet.

    python -m bench.gpu                             # all of them, batch 1 and 8, a table
    python -m bench.gpu --models resnet50,bert --batches 8 --json gpu.json
    python -m bench.gpu --compile-mode max-autotune
    python -m bench.gpu --table gpu.json --page docs/gpu.md   # what was measured before, as the page's table

Latency is the median of calls between events on the GPU, with the host far enough ahead where it can be. Each runner
has a process of its own for each case, where nobody else has left anything. A case's first and last runner are measured
once more in new processes, which tells how much the card's clocks moved; the median of both counts. "host" is a call
with a wait behind it, as somebody sees it who waits for each answer. "first" is from the model to its first answer, in
a process that has loaded all libraries. "error" is the greatest difference from the same weights in float32, as a part
of the greatest value there.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import importlib
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any

import torch

from bench.gpu_models import GPU_MODELS, gpu_model
from bench.gpu_table import table, write_table

Call = Callable[[], Any]
Row = dict[str, Any]


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


def alone(context: Any, patience: float, work: Callable[..., Row], *arguments: Any) -> Row:
    """What `work` gives in a new process, or how it failed there."""
    results, sent = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sent, work, *arguments))
    process.start()
    sent.close()
    row: Row = {}
    with contextlib.suppress(EOFError):
        if results.poll(patience):
            row = results.recv()
        else:
            process.kill()
    process.join()
    return row or {"failed": f"its process ended with {process.exitcode}"}


@torch.no_grad()
def _send(results: Any, work: Callable[..., Row], *arguments: Any) -> None:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        row = work(*arguments)
    except Exception as error:
        traceback.print_exc()
        row = {"failed": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    results.send(row)


def save_reference(name: str, batch: int, file: str) -> Row:
    """Eager's in float32."""
    module, inputs = gpu_model(name, batch)
    wide = {key: value.float() if value.is_floating_point() else value for key, value in inputs.items()}
    torch.save(module.float()(**wide).cpu(), file)
    return {"file": file}


def load_libraries(runner: str, module: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> None:
    """So that no first answer waits for what only the first one of a process waits for."""
    if runner == "compile":
        importlib.import_module("torch._inductor.compile_fx")
    module(**inputs)
    torch.cuda.synchronize()
    torch._C._cuda_clearCublasWorkspaces()
    gc.collect()
    torch.cuda.empty_cache()


def measured(runner: str, name: str, batch: int, mode: str, kernels: int, cache: str, reference: str) -> Row:
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache or tempfile.mkdtemp()
    expected = torch.load(reference)
    module, inputs = gpu_model(name, batch)
    load_libraries(runner, module, inputs)
    torch.cuda.reset_peak_memory_stats()
    make = without(runner.removeprefix("without_")) if runner.startswith("without_") else RUNNERS[runner]
    start = time.perf_counter()
    call = make(module, inputs, mode)
    result = call()
    torch.cuda.synchronize()
    row: Row = {"first_s": time.perf_counter() - start}
    results = [result.cpu()]
    del result
    results += [call().cpu() for _ in range(3)]
    scale = expected.abs().max()
    row["error"] = max(((one.float() - expected).abs().max() / scale).item() for one in results)
    row["gpu_ms"] = on_gpu_ms(call)
    row["host_ms"] = on_host_ms(call)
    row["peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
    gc.collect()
    row["held_mib"] = held_bytes() / 2**20
    if kernels and not runner.startswith("eager"):
        row["kernels"] = longest_kernels(call, kernels)
    return row


def rows_of_case(context: Any, patience: float, runners: list[str], name: str, batch: int, *others: Any) -> list[Row]:
    """One row for each runner, in their order."""
    with tempfile.TemporaryDirectory() as folder:
        reference = alone(context, patience, save_reference, name, batch, f"{folder}/reference.pt")

        def row_of(runner: str) -> Row:
            if "failed" in reference:
                return reference
            return alone(context, patience, measured, runner, name, batch, *others, reference["file"])

        found = {runner: row_of(runner) for runner in runners}
        for runner in dict.fromkeys((runners[0], runners[-1])):
            again, row = row_of(runner), found[runner]
            if "failed" in row or "failed" in again:
                continue
            row["gpu_ms_each"] = [row["gpu_ms"], again["gpu_ms"]]
            row["gpu_ms"] = statistics.median(row["gpu_ms_each"])
    return [{"model": name, "batch": batch, "runner": runner} | row for runner, row in found.items()]


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
    again = "  each {:.3f}, {:.3f}".format(*row["gpu_ms_each"]) if "gpu_ms_each" in row else ""
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
        found = rows_of_case(context, args.patience, runners, name, batch, args.compile_mode, args.kernels, cache)
        rows += found
        print("\n".join(map(line, found)), flush=True)
        if args.json:
            with open(args.json, "w") as file:
                json.dump({"machine": about, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
