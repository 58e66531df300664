"""A sentence encoder on Ray Serve: throughput and latency against plain PyTorch in the same deployment, replicas killed
under load, memory.

Requests are single sentences of 5 to 30 tokens, sent from another process of the same machine, which the client, Ray
and the replicas share. Every answer is held against eager's. The deployments are measured in turns.

    python -m bench.serving --json bench/results/serving.json
    python -m bench.serving --turns 0 --kill 10000 --kills 2 --memory 100000 --json bench/results/serving.json

The file keeps what it has of parts that a run leaves out. On a busy machine, RAY_worker_niceness=0 keeps Ray from
running replicas at the lowest priority.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import psutil
import ray
import torch
from ray import serve as ray_serve
from rich.table import Table

import tracejet
from bench.measure import wide_console, write_json
from testing import sentence_encoder
from testing.inference_load import Load, Question, send
from tracejet import serve

PORT = 8765
PAD = {"input_ids": 0, "attention_mask": 0}
QUESTIONS = 200


def plain(path: str) -> Callable[..., Any]:
    """The model as PyTorch runs it, in the place of the compiled program."""
    torch.set_num_threads(1)
    return sentence_encoder.load()[0]


#: The one whose replicas are killed, and whose memory is looked at.
OURS = "tracejet, batched"
#: What is deployed: options of `application`.
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    "PyTorch, one by one": {"function": plain, "max_batch_size": 1},
    "PyTorch, batched": {"function": plain, "pad": PAD},
    "tracejet, one by one": {"max_batch_size": 1},
    OURS: {"pad": PAD},
    "tracejet, batched, bfloat16": {"pad": PAD},
}
#: How far bfloat16 may be from eager's float32, of vectors of length one.
_TOLERANCES = {"tracejet, batched, bfloat16": 3e-2}


def sentences(count: int) -> list[str]:
    """Of different lengths, always the same."""
    words = "the a quick river stone over under light music opens train slowly garden comet bright night".split()
    return [" ".join(words[(i * 7 + j * j) % len(words)] for j in range(3 + i % 26)) for i in range(count)]


def questions() -> list[Question]:
    """Requests with eager's answers."""
    model, tokens_of = sentence_encoder.load()
    found = []
    with torch.inference_mode():
        for sentence in sentences(QUESTIONS):
            ids, mask = tokens_of([sentence])
            found.append(Question.of("encoder", {"input_ids": ids, "attention_mask": mask}, model(ids, mask)))
    return found


def saved(folder: Path, precision: torch.dtype) -> Path:
    file = folder / f"{str(precision).removeprefix('torch.')}.pt2"
    model, _ = sentence_encoder.load()
    tracejet.compile(model, arg_inputs=sentence_encoder.inputs(), threads=1, precision=precision).save(file)
    return file


def deploy(name: str, file: Path, replicas: int) -> str:
    """The URL of its inference."""
    route = f"/{'-'.join(name.replace(',', '').split())}"
    application = serve.application(
        file,
        name="encoder",
        num_replicas=replicas,
        ray_actor_options={"num_cpus": 0.1},
        max_ongoing_requests=256,
        check_rows="function" not in DEPLOYMENTS[name],
        logging_config={"enable_access_log": False},
        **DEPLOYMENTS[name],
    )
    serve.run(application, name=route[1:], route_prefix=route, http_port=PORT)
    return f"http://127.0.0.1:{PORT}{route}/v2/models/encoder/infer"


class Client:
    """Sends from a process of its own."""

    def __init__(self, asked: list[Question]) -> None:
        self._asked = asked
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def send(self, url: str, count: int, at_once: int, name: str, meanwhile: Callable[[], None] = lambda: None) -> Load:
        tolerance = _TOLERANCES.get(name, 1e-4)
        running = self._pool.submit(send, url, self._asked, count, at_once=at_once, tolerance=tolerance)
        while not running.done():
            meanwhile()
            time.sleep(0.5)
        return running.result()


def replicas_of(application: str) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(f"ServeReplica:{application}:" in part for part in process.info["cmdline"] or [])
    ]


def mib(processes: list[psutil.Process]) -> dict[str, float]:
    """Of all together: what is theirs alone, and with their share of what they have in common."""
    infos = [process.memory_full_info() for process in processes]
    parts = {"rss": "rss", "proportional": "pss", "private": "uss"}
    return {name: sum(getattr(info, field) for info in infos) / 2**20 for name, field in parts.items()}


def cpu_seconds(application: str) -> dict[str, float]:
    """What the processes have used that have to do with requests to it."""
    groups = {"replicas": f"ServeReplica:{application}:", "ray": "", "client": "multiprocessing.spawn"}
    used = dict.fromkeys(groups, 0.0)
    for process in psutil.process_iter(["cmdline", "cpu_times"]):
        line = " ".join(process.info["cmdline"] or [])
        times = process.info["cpu_times"]
        if times is None or ("ServeReplica" in line and groups["replicas"] not in line):
            continue
        kind = next((kind for kind, part in groups.items() if part and part in line), "ray" if is_rays(line) else "")
        if kind:
            used[kind] += times.user + times.system
    return used


def is_rays(line: str) -> bool:
    return any(part in line for part in ("ray::", "raylet", "gcs_server", "haproxy", "/ray/"))


def compare(client: Client, urls: dict[str, str], turns: int, count: int, at_once: int) -> list[dict[str, Any]]:
    """Throughput and latency of each, measured in turns."""
    loads: dict[str, list[Load]] = {name: [] for name in urls}
    cpu: dict[str, list[dict[str, float]]] = {name: [] for name in urls}
    for turn in range(turns + 1):
        for name, url in urls.items():
            before = cpu_seconds(name_of(url))
            load = client.send(url, count, at_once, name)
            after = cpu_seconds(name_of(url))
            if turn:  # the first one warms up
                loads[name].append(load)
                cpu[name].append({kind: (after[kind] - before[kind]) / count * 1000 for kind in after})
    rows = []
    for name, found in loads.items():
        together = Load(sum(load.seconds for load in found), [s for load in found for s in load.latencies])
        ratios = [load.per_second / base.per_second for load, base in zip(found, loads["PyTorch, one by one"])]
        rows.append(
            {
                "deployment": name,
                "requests": len(together.latencies),
                "per_second": together.per_second,
                "ratio": statistics.median(ratios),
                **{f"p{percent}_ms": together.percentile(percent) for percent in (50, 95, 99)},
                "cpu_ms": {kind: statistics.median(used[kind] for used in cpu[name]) for kind in cpu[name][0]},
                "lost": sum(len(load.lost) for load in found),
                "wrong": sum(len(load.wrong) for load in found),
                "mib": mib(replicas_of(name_of(urls[name]))),
            }
        )
    return rows


def name_of(url: str) -> str:
    return url.split("/")[3]


def kill_one(application: str) -> None:
    """Ends a replica as a machine that fails does: at once."""
    victim = replicas_of(application)[0]
    victim.kill()


def killed(client: Client, url: str, count: int, at_once: int, kills: int) -> dict[str, Any]:
    """Requests while replicas are killed, one after the other, each when all are there again."""
    client.send(url, 100, at_once, OURS)  # what kills comes after the first answers
    ended: list[float] = []
    start, expected = time.monotonic(), len(replicas_of(name_of(url)))

    def meanwhile() -> None:
        alive = replicas_of(name_of(url))
        is_time = time.monotonic() - start > 5 * (len(ended) + 1)
        if len(ended) < kills and is_time and len(alive) == expected:
            kill_one(name_of(url))
            ended.append(time.monotonic() - start)

    load = client.send(url, count, at_once, OURS, meanwhile)
    return {
        "requests": count,
        "answered": len(load.latencies),
        "killed_at_s": ended,
        "sent_again": load.tried_again,
        "lost": load.lost,
        "wrong": load.wrong,
        "seconds": load.seconds,
        "p50_ms": load.percentile(50),
        "p99_ms": load.percentile(99),
        "max_ms": load.percentile(100),
    }


def memory(client: Client, url: str, count: int, at_once: int) -> Iterator[dict[str, Any]]:
    """The memory of the replicas while they answer: what was found so far, twenty times over the requests."""
    start = time.monotonic()
    found: dict[str, Any] = {"requests": 0, "seconds": 0.0, "lost": [], "wrong": [], "samples": []}
    while found["requests"] < count:
        load = client.send(url, min(max(count // 20, 1), count - found["requests"]), at_once, OURS)
        found["requests"] += len(load.latencies) + len(load.lost)
        found["seconds"] = time.monotonic() - start
        found["lost"] += load.lost
        found["wrong"] += load.wrong
        found["samples"].append({"requests": found["requests"], **mib(replicas_of(name_of(url)))})
        yield found


def environment(replicas: int, at_once: int) -> dict[str, Any]:
    """What the numbers depend on, beside the machine."""
    return {
        "replicas": replicas,
        "at_once": at_once,
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],  # what else the machine does
        "ray": ray.__version__,
        **{name: value for name, value in os.environ.items() if name.startswith("RAY_")},
    }


def part_of(row: dict[str, Any]) -> str:
    return next((part for part in ("killed", "memory") if part in row), "compared")


def rows_of_other_parts(path: str | None, measured: set[str]) -> list[dict[str, Any]]:
    """What the file has of parts that aren't measured now."""
    if path is None or not Path(path).exists():
        return []
    return [row for row in json.loads(Path(path).read_text())["rows"] if part_of(row) not in measured]


def table_of(rows: list[dict[str, Any]]) -> Table:
    table = Table(
        title="single sentences, all on this machine", caption="ratio: median over turns of requests per second"
    )
    for column in ("deployment", "requests/s", "ratio", "p50 ms", "p95 ms", "p99 ms", "lost", "wrong", "private MiB"):
        table.add_column(column, justify="left" if column == "deployment" else "right")
    for row in rows:
        cells = [f"{row[key]:.0f}" for key in ("p50_ms", "p95_ms", "p99_ms", "lost", "wrong")]
        table.add_row(
            row["deployment"],
            f"{row['per_second']:.0f}",
            f"{row['ratio']:.2f}x",
            *cells,
            f"{row['mib']['private']:.0f} of {row['mib']['rss']:.0f}",
        )
    return table


@click.command(help=__doc__)
@click.option("--turns", default=5, show_default=True)
@click.option("--requests", default=300, show_default=True, help="Of each deployment in each turn.")
@click.option("--at-once", default=32, show_default=True, help="Requests that are under way at any time.")
@click.option("--replicas", default=2, show_default=True)
@click.option("--kill", default=0, help="So many requests more, while replicas are killed.")
@click.option("--kills", default=1, show_default=True)
@click.option("--memory", "memory_requests", default=0, help="So many requests more, while memory is looked at.")
@click.option("--only", multiple=True, type=click.Choice(list(DEPLOYMENTS)))
@click.option("--json", "json_path", type=click.Path())
def main(
    turns: int,
    requests: int,
    at_once: int,
    replicas: int,
    kill: int,
    kills: int,
    memory_requests: int,
    only: tuple[str, ...],
    json_path: str | None,
) -> None:
    console = wide_console()
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "60")
    ray.init(num_cpus=os.cpu_count(), include_dashboard=False, logging_level="warning")
    parts = {"compared": turns, "killed": kill, "memory": memory_requests}
    rows = rows_of_other_parts(json_path, {part for part, wanted in parts.items() if wanted})
    conditions = {"environment": environment(replicas, at_once)}
    wanted = {*(only or DEPLOYMENTS if turns else ()), *((OURS,) if kill or memory_requests else ())}
    with tempfile.TemporaryDirectory() as folder:
        files = {precision: saved(Path(folder), precision) for precision in (torch.float32, torch.bfloat16)}
        urls = {
            name: deploy(name, files[torch.bfloat16 if "bfloat16" in name else torch.float32], replicas)
            for name in DEPLOYMENTS
            if name in wanted
        }
        client = Client(questions())
        if turns:
            measured = compare(client, urls, turns, requests, at_once)
            console.print(table_of(measured))
            rows += [{**row, **conditions} for row in measured]
            write_json(json_path, rows)
        ours = urls[OURS] if kill or memory_requests else ""
        if kill:
            found = killed(client, ours, kill, at_once, kills)
            console.print(f"{kills} of {replicas} replicas killed: {found}")
            rows.append({"killed": found, **conditions})
            write_json(json_path, rows)
        if memory_requests:
            for found in memory(client, ours, memory_requests, at_once):
                console.print(f"memory: {found['samples'][-1]}")
                write_json(json_path, [*rows, {"memory": found, **conditions}])
        ray_serve.shutdown()
        ray.shutdown()


if __name__ == "__main__":
    main()
