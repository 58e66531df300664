"""Calls of PyTorch's operators, from its own database of samples, and what comes of tracing them."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import nn
from torch.testing._internal import common_methods_invocations
from torch.testing._internal.opinfo.core import OpInfo, SampleInput
from torch.utils import _pytree as pytree

from tests.support.database_samples import Result, Sample, traced, traced_with_any_dynamic_axis, worst

SAMPLES_PER_DTYPE = 5
SAMPLES_LOOKED_AT = 40

#: The database seeds its random operators inside of what is traced, which is refused; here, the caller does.
common_methods_invocations.wrapper_set_seed = lambda op, *args, **kwargs: op(*args, **kwargs)

#: Kernels that read or write where their pivots or offsets say, wherever that is: so these can't be made up.
TRUSTS_ITS_INDICES = ("lu_unpack", "lu_solve", "linalg_lu_solve", "linalg_ldl_solve", "nn_functional_embedding_bag")

#: The values are whatever was in memory.
UNINITIALIZED = ("empty", "new_empty", "resize_")


class Call(nn.Module):
    """One operator; what isn't a tensor is part of the module."""

    def __init__(self, op: OpInfo, leaves: list[Any], spec: pytree.TreeSpec):
        super().__init__()
        self.op = op.op
        self.spec = spec
        self.constants = {i: leaf for i, leaf in enumerate(leaves) if not isinstance(leaf, torch.Tensor)}

    def forward(self, *tensors: torch.Tensor) -> Any:
        remaining = iter(tensors)
        count = len(self.constants) + len(tensors)
        leaves = [self.constants[i] if i in self.constants else next(remaining) for i in range(count)]
        args, kwargs = pytree.tree_unflatten(leaves, self.spec)
        return self.op(*args, **kwargs)


def _call(op: OpInfo, sample: SampleInput) -> Sample:
    leaves, spec = pytree.tree_flatten(((sample.input, *sample.args), sample.kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    return Sample(Call(op, leaves, spec), tensors, {}, has_arbitrary_values=op.name.startswith(UNINITIALIZED))


def dtypes_of(op: OpInfo) -> list[torch.dtype]:
    """float32, and an integer or complex one."""
    preferred = [[torch.float32, torch.float64], [torch.int64, torch.bool, torch.complex64]]
    found = [next((d for d in group if op.supports_dtype(d, "cpu")), None) for group in preferred]
    return [d for d in found if d is not None] or list(op.dtypes)[:1]


def calls(op: OpInfo, dtype: torch.dtype) -> list[Sample]:
    """Some of the operator's samples, spread over the first ones."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        samples = list(itertools.islice(op.sample_inputs("cpu", dtype), SAMPLES_LOOKED_AT))
    return [_call(op, sample) for sample in samples[:: max(1, len(samples) // SAMPLES_PER_DTYPE)]]


def traced_statically(op: OpInfo) -> Result | None:
    """Of all of the operator's calls the worst; None where there is none that eager accepts."""
    return worst([traced(call) for dtype in dtypes_of(op) for call in calls(op, dtype)])


def traced_dynamically(op: OpInfo) -> Result | None:
    """Of its dtypes the worst; None where no call has an axis to be made dynamic."""
    if op.formatted_name in TRUSTS_ITS_INDICES:
        return None
    return worst([traced_with_any_dynamic_axis(calls(op, dtype)) for dtype in dtypes_of(op)])
