"""The benchmarks run, and compare like with like."""

import json
import multiprocessing
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch.utils import _pytree as pytree

import tracejet
from bench import gpu, trace
from bench.gpu_table import BEGIN, END, write_table
from bench.latency_cases import CASES, SMALL_CASES, TEN
from bench.tracers import TRACERS
from testing.models import SMALL_MODELS


def test_a_comparison_gives_every_number_that_its_table_shows():
    with torch.no_grad():
        warm = trace.compare(SMALL_MODELS["bert"], dynamic=True, runs=1)
    first = {tool: {"first_s": 1.0, "peak_mib": 1.0} for tool in TRACERS}
    table = trace.table_of([{"model": "bert", "shapes": "dynamic", "warm": warm, "first": first}])
    assert table.row_count == 1
    assert all(times.median > 0 for times in warm.values())


def test_both_tools_leave_the_same_arithmetic():
    """Same decompositions: what is compared in speed does the same job."""
    counts = {}
    for tool, steps in TRACERS.items():
        case = SMALL_MODELS["bert"]
        with torch.no_grad():
            graph_module = [step() for step in steps(case.module(), case, dynamic=True).values()][-1]
        targets = [str(node.target) for node in graph_module.graph.nodes if node.op == "call_function"]
        heavy = ("addmm", "native_layer_norm", "scaled_dot_product_attention", "gelu", "index_select")
        counts[tool] = Counter(name for target in targets for name in heavy if name in target)
    assert counts["tracejet"] == counts["torch.export"]


def test_small_and_full_cases_have_the_same_names():
    assert list(CASES) == list(SMALL_CASES)
    assert len(TEN) == 10


@pytest.mark.parametrize("name", ["llama-decode", "mobilenet_v3", "unet", "whisper-encoder"])
def test_what_only_the_benchmark_has_is_compiled_right(name):
    case = SMALL_CASES[name]
    model = case.module()
    args, kwargs = case.tracejet_inputs()
    compiled = tracejet.compile(model, arg_inputs=args, kwarg_inputs=kwargs, engine="openvino")
    for which in ("min", "opt", "max"):
        args, kwargs = case.example(which)
        with torch.no_grad():
            expected = pytree.tree_leaves(model(*args, **kwargs))
        for found, value in zip(pytree.tree_leaves(compiled(*args, **kwargs)), expected, strict=True):
            torch.testing.assert_close(found, value, rtol=2e-3, atol=1e-4)


def test_a_runner_on_a_gpu_that_ends_or_hangs_is_a_row_that_says_so() -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bench.gpu"])
    assert gpu.alone(context, 60, dict, {"gpu_ms": 1.0}) == {"gpu_ms": 1.0}
    assert gpu.alone(context, 60, int, "x")["failed"].startswith("ValueError: invalid literal")
    assert gpu.alone(context, 60, os._exit, 3) == {"failed": "its process ended with 3"}
    assert gpu.alone(context, 0.5, time.sleep, 60) == {"failed": f"its process ended with {-signal.SIGKILL}"}


def test_the_table_of_gpus_has_the_last_results_between_its_comments(tmp_path: Path) -> None:
    def results(name: str, *rows: tuple[str, str, float]) -> str:
        machine = {"card": "A card, 1.2", "torch": "2.11", "cuda": "13.0", "cudnn": 91900, "python": "3.12"}
        numbers = [
            {"model": model, "batch": 8, "runner": runner, "gpu_ms": ms, "first_s": 1.0, "error": 1e-3, "held_mib": 9.6}
            for model, runner, ms in rows
        ]
        path = tmp_path / name
        path.write_text(json.dumps({"machine": machine, "rows": numbers}))
        return str(path)

    first = results("1.json", ("bert", "compile", 4.0), ("bert", "tracejet", 2.0), ("gpt2", "compile", 1.0))
    second = results("2.json", ("bert", "compile", 2.0), ("bert", "tracejet", 4.0))
    third = results("3.json", ("bert", "tracejet", 3.0))  # of one runner alone: the others' stay
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nbehind\n")
    for _ in range(2):
        write_table([first, second, third], str(page))
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n\nA card (driver 1.2), torch 2.11, cuDNN 9.19, Python 3.12")
    assert text.endswith(f"\n\n{END}\nbehind\n") and "old" not in text and text.count("A card") == 1
    assert "| BERT-base, 128 tokens, 8 | - | **2.00** | 3.00 | 1.50 | 1.0 s, 1.00 s | -, 1e-03 | 10, 10 |" in text
    assert "| GPT-2, 128 tokens, 8 | - | 1.00 | - | - | 1.0 s, - | -, - | 10, - |" in text
