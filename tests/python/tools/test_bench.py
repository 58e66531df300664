"""The benchmarks run, and compare like with like."""

from collections import Counter

import pytest
import torch
from torch.utils import _pytree as pytree

import tracejet
from bench import trace
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
