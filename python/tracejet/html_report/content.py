"""What a report shows of a program and its compilation, gathered for the page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import Node
from torch.utils import _pytree as pytree

from tracejet._C import GraphOutput
from tracejet.api.compile_report import CompileReport
from tracejet.api.kernel_profile import Kernel
from tracejet.api.session_program import graph_of
from tracejet.api.verify import Verification
from tracejet.export.exported_program import ExportedProgram
from tracejet.export.summary import dimensions, shape_text, weights_of
from tracejet.frontend.binding import Leaf
from tracejet.frontend.input_shapes import UNBOUNDED
from tracejet.frontend.report import Report
from tracejet.html_report.latency import Latency
from tracejet.html_report.module_tree import Module, line_of, module_tree, modules_of


@dataclass(frozen=True)
class Content:
    """All of a page."""

    title: str
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    dimensions: list[dict[str, Any]]
    checks: list[dict[str, Any]]  #: what the program asserts when it runs
    nodes: list[dict[str, Any]]
    operators: list[tuple[str, int]]
    weights: list[dict[str, Any]]
    weight_bytes: int
    modules: Module
    kernels: list[Kernel]  #: the slowest first; empty where they weren't measured
    compiled: CompileReport | None
    verification: Verification | None
    latency: Latency | None
    diagnosis: Report | None


def content_of(
    title: str,
    program: ExportedProgram,
    compiled: CompileReport | None,
    verification: Verification | None,
    latency: Latency | None,
    diagnosis: Report | None,
) -> Content:
    graph, leaves = graph_of(program), program._tracejet_call_spec.inputs
    calls = [node for node in program.graph.nodes if node.op == "call_function"]
    names = _names_of_symbols(program, leaves)
    weights = sorted(weights_of(graph), key=lambda weight: -_bytes(weight[1]))
    kernels = latency.profile.kernels if latency is not None and latency.profile is not None else ()
    return Content(
        title=title,
        inputs=[{"name": leaf.path, "text": _leaf_text(leaf)} for leaf in leaves],
        outputs=_outputs(program),
        dimensions=_dimensions(leaves),
        checks=[_check(node) for node in calls if _operator(node) == "aten._assert_scalar.default"],
        nodes=[_node(node, names) for node in calls],
        operators=Counter(_operator(node) for node in calls).most_common(),
        weights=[_weight(name, tensor) for name, tensor in weights],
        weight_bytes=sum(_bytes(tensor) for _, tensor in weights),
        modules=module_tree(calls, weights, compiled.fallbacks if compiled else (), kernels),
        kernels=sorted(kernels, key=lambda kernel: -kernel.milliseconds),
        compiled=compiled,
        verification=verification,
        latency=latency,
        diagnosis=diagnosis,
    )


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _leaf_text(leaf: Leaf) -> str:
    return shape_text(leaf) if leaf.shape is not None else f"always {leaf.value!r}"


_KINDS = {
    GraphOutput.Kind.BUFFER_MUTATION: "written to a buffer",
    GraphOutput.Kind.INPUT_MUTATION: "written to an input",
}


def _outputs(program: ExportedProgram) -> list[dict[str, Any]]:
    graph, spec = graph_of(program), program._tracejet_call_spec
    numbered = pytree.tree_unflatten(list(range(spec.out_spec.num_leaves)), spec.out_spec)
    paths = ["output" + pytree.keystr(path) for path, _ in pytree.tree_flatten_with_path(numbered)[0]]
    found, user = [], 0
    for output in graph.outputs:
        if output.kind == GraphOutput.Kind.USER:
            name, user = paths[user], user + 1
        else:
            name = graph.inputs[output.target].name
        found.append(
            {"name": name, "text": _graph_value_text(output.value), "kind": _KINDS.get(output.kind, "returned")}
        )
    return found


def _graph_value_text(value: Any) -> str:
    if value is None:
        return "a constant"
    return (
        f"{str(value.dtype).removeprefix('torch.')}[{', '.join(map(str, value.shape))}]"
        if value.is_tensor
        else "a number"
    )


def _dimensions(leaves: list[Leaf]) -> list[dict[str, Any]]:
    tensors = [leaf for leaf in leaves if leaf.shape is not None]
    places: dict[str, list[str]] = {}
    for leaf in tensors:
        for axis, size in enumerate(leaf.shape or ()):
            if not isinstance(size, int):
                places.setdefault(size.name, []).append(f"{leaf.path}[{axis}]")
    return [
        {
            "name": name,
            "min": dim.min,
            "opt": dim.opt,
            "max": dim.max if dim.max < UNBOUNDED else None,
            "places": places[name],
            "profiles": dim.profiles,
        }
        for name, dim in dimensions(tensors).items()
    ]


def _operator(node: Node) -> str:
    text = str(node.target)
    return text if text[0] != "<" else getattr(node.target, "__name__", text)


def _check(node: Node) -> dict[str, Any]:
    file, line, text = line_of(node)
    message = str(node.args[1]) if len(node.args) > 1 else ""
    return {"message": message, "file": file, "line": line, "text": text, "module": modules_of(node)[0]}


def _node(node: Node, names: Mapping[str, str]) -> dict[str, Any]:
    file, line, text = line_of(node)
    path, _ = modules_of(node)
    return {
        "name": node.name,
        "operator": _operator(node),
        "gives": re.sub(r"\b\w+\b", lambda word: names.get(word[0], word[0]), _value_text(node.meta.get("val"))),
        "module": path,
        "file": file.rpartition("/")[2],
        "line": line,
        "text": text,
    }


def _names_of_symbols(program: ExportedProgram, leaves: Sequence[Leaf]) -> dict[str, str]:
    """What users call the symbols of the Python side: {"s0": "batch"}."""
    tensors = [leaf for leaf in leaves if leaf.shape is not None]
    user_inputs = set(program.graph_signature.user_inputs)
    values = [node.meta.get("val") for node in program.graph.nodes if node.name in user_inputs]
    given = [value for value in values if isinstance(value, torch.Tensor)]
    return {
        str(symbol): dim.name
        for leaf, value in zip(tensors, given)
        for dim, symbol in zip(leaf.shape or (), value.shape)
        if not isinstance(dim, int)
    }


def _value_text(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}[{', '.join(map(str, value.shape))}]"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_value_text, value))
    return "" if value is None else type(value).__name__


def _weight(name: str, tensor: torch.Tensor) -> dict[str, Any]:
    return {
        "name": name,
        "text": f"{str(tensor.dtype).removeprefix('torch.')}[{', '.join(map(str, tensor.shape))}]",
        "bytes": _bytes(tensor),
    }
