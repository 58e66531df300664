"""PyTorch's modules with the samples of its own database, and what comes of tracing them."""

from __future__ import annotations

import torch
from torch.testing._internal.common_modules import ModuleInfo

from tests.support.database_samples import Result, Sample, traced, traced_with_any_dynamic_axis, worst

DTYPE = torch.float32

#: Called with one vector each: there is no batch that could vary, and weights fix the number of features.
HAVE_NO_BATCH = ("nn_RNNCell", "nn_GRUCell", "nn_LSTMCell")


def samples_of(info: ModuleInfo, training: bool) -> list[Sample]:
    """The module with every choice of settings and arguments that the database has for it."""
    samples = []
    with torch.random.fork_rng():
        torch.manual_seed(0)
        inputs = info.module_inputs_func(info, "cpu", DTYPE, requires_grad=False, training=training)
        for given in inputs:
            args, kwargs = given.constructor_input.args, given.constructor_input.kwargs
            module = info.module_cls(*args, **kwargs).to(DTYPE).train(training)
            forward = given.forward_input
            if info.is_lazy:  # the first call makes its parameters
                module(*forward.args, **forward.kwargs)
            samples.append(Sample(module, forward.args, forward.kwargs))
    return samples


def traced_statically(info: ModuleInfo, training: bool) -> Result | None:
    """Of all samples the worst."""
    return worst([traced(sample) for sample in samples_of(info, training)])


def traced_dynamically(info: ModuleInfo, training: bool) -> Result | None:
    """None where no sample has an axis to be made dynamic."""
    if info.formatted_name in HAVE_NO_BATCH:
        return None
    return traced_with_any_dynamic_axis(samples_of(info, training))
