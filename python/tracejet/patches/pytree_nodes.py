"""How PyTorch's pytrees know a container; there is no public way to ask for it."""

from __future__ import annotations

from typing import Any

from torch.utils import _pytree as pytree

#: The type that a value's containers are registered under: its own, or `namedtuple` for any of these.
node_type = pytree._get_node_type


def node_of(value: Any) -> pytree.NodeDef | None:
    """How `value` is flattened; None for a leaf."""
    return pytree.SUPPORTED_NODES.get(node_type(value))
