"""The modules of a program: how many nodes and how much memory each of them stands for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch.fx import Node

from tracejet.api.compile_report import Fallback
from tracejet.api.kernel_profile import Kernel

_FRAME = re.compile(r'File "(.*)", line (\d+), in (\S+)\n\s*(.*)')
_IN_MODULE = re.compile(r"\bin ([\w.]+) \([^()]*\)\s*$")


@dataclass
class Module:
    """A module with all that is inside of it."""

    path: str
    type: str = ""
    nodes: int = 0
    weight_bytes: int = 0
    fallbacks: int = 0  #: of its nodes, those that another engine than the first one runs
    milliseconds: float = 0  #: of the kernels that run its nodes, where they were measured
    children: dict[str, Module] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2] or "the model"

    def chain(self, path: str) -> Iterator[Module]:
        """This module and those on the way to `path`, which are made where there are none."""
        module = self
        yield module
        for name in path.split(".") if path else ():
            inner = f"{module.path}.{name}" if module.path else name
            module = module.children.setdefault(name, Module(inner))
            yield module

    def used(self) -> Iterator[Module]:
        """The children that have nodes or weights."""
        return (child for child in self.children.values() if child.nodes or child.weight_bytes)


def module_tree(
    nodes: Sequence[Node],
    weights: Sequence[tuple[str, torch.Tensor]],
    fallbacks: Sequence[Fallback],
    kernels: Sequence[Kernel],
) -> Module:
    """The modules of a program, from its fx nodes."""
    root = Module("")
    for node in nodes:
        path, types = modules_of(node)
        for module in root.chain(path):
            module.nodes += 1
            module.type = module.type or types.get(module.path, "")
    for name, tensor in weights:
        for module in root.chain(name.rpartition(".")[0]):
            module.weight_bytes += tensor.numel() * tensor.element_size()
    counts = Counter(found[1] if (found := _IN_MODULE.search(call.where)) else "" for call in fallbacks)
    for path, count in counts.items():
        for module in root.chain(path):
            module.fallbacks += count
    for kernel in kernels:
        for module in root.chain(kernel.module):
            module.milliseconds += kernel.milliseconds
    return root


def modules_of(node: Node) -> tuple[str, Mapping[str, str]]:
    """The path of the module whose forward called a node, and the types of all that were running by their paths."""
    types: dict[str, str] = {}
    path = ""
    for given, kind in (node.meta.get("nn_module_stack") or {}).values():
        path = given
        types[path] = (kind if isinstance(kind, str) else kind.__qualname__).rpartition(".")[2]
    return path, types


def line_of(node: Node) -> tuple[str, int, str]:
    """File, line and text of the model's line that called a node; empty where nobody knows."""
    found = _FRAME.findall(node.meta.get("stack_trace") or "")
    if not found:
        return "", 0, ""
    file, line, _, text = found[-1]
    return file, int(line), text.strip()
