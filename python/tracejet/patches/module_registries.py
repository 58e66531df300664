"""What torch.nn.Module keeps of its members, read without the generators of its public ways.

A model's `named_modules()` and their like take as long as a tenth of a trace.
"""

from __future__ import annotations

from operator import attrgetter

from torch import nn

#: A module's own children, parameters and buffers by name; None under a name that has none yet.
children_of = attrgetter("_modules")
parameters_of = attrgetter("_parameters")
buffers_of = attrgetter("_buffers")
#: The names of its own buffers that a state_dict leaves out.
transient_buffers_of = attrgetter("_non_persistent_buffers_set")

#: What gives names to what is registered; few classes (FSDP's) have a way of their own.
_NAMING = ("named_modules", "named_parameters", "named_buffers", "_named_members")


def names_otherwise(kind: type[nn.Module]) -> bool:
    """Whether a class of modules has a way of its own to name what is registered."""
    return any(getattr(kind, name) is not getattr(nn.Module, name) for name in _NAMING)
