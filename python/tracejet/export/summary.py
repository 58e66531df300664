"""What matters of a program, in a line: for `repr`."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tracejet._C import Graph, GraphInput
from tracejet.frontend.binding import Dim, Leaf

#: How many inputs are named before the rest is only counted.
_SHOWN = 4


def shape_text(leaf: Leaf) -> str:
    """ "float32[batch, 3]"."""
    sizes = ", ".join(size.name if isinstance(size, Dim) else str(size) for size in leaf.shape or ())
    return f"{str(leaf.dtype).removeprefix('torch.')}[{sizes}]"


def dimensions(leaves: Sequence[Leaf]) -> dict[str, Dim]:
    """The dynamic ones by name."""
    return {size.name: size for leaf in leaves for size in leaf.shape or () if isinstance(size, Dim)}


def inputs_text(leaves: Sequence[Leaf]) -> str:
    """ "x: float32[batch, 3], mask: bool[batch], with batch 1 to 16"."""
    tensors = [leaf for leaf in leaves if leaf.shape is not None]
    texts = [f"{leaf.path}: {shape_text(leaf)}" for leaf in tensors[:_SHOWN]]
    if len(tensors) > _SHOWN:
        texts.append(f"{len(tensors) - _SHOWN} more inputs")
    ranges = [f"{name} {dim.min} to {dim.max}" for name, dim in dimensions(tensors[:_SHOWN]).items()]
    return ", ".join(texts or ["no inputs"]) + (f", with {', '.join(ranges)}" if ranges else "")


def weights_of(graph: Graph) -> list[tuple[str, torch.Tensor]]:
    """Parameters, buffers and constants by name, each tensor once."""
    found: dict[int, tuple[str, torch.Tensor]] = {}
    for given in graph.inputs:
        if given.kind != GraphInput.Kind.USER and given.data is not None:
            found.setdefault(id(given.data), (given.name, given.data))
    return list(found.values())


def content_text(graph: Graph) -> str:
    """ "45 nodes, 12 weights (0.4 MiB)"."""
    weights = weights_of(graph)
    size = sum(tensor.numel() * tensor.element_size() for _, tensor in weights)
    return f"{len(graph)} nodes, {len(weights)} weights ({size / 2**20:.1f} MiB)"
