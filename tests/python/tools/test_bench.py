"""The benchmarks run, and compare like with like."""

from collections import Counter

import torch

from bench import trace
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
