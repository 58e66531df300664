"""What is different in the process while a model is traced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from tracejet._control_flow import CONTROL_FLOW_SWITCHES
from tracejet._custom_operators import with_dynamic_sizes
from tracejet._distributed import traceable_communication
from tracejet._indexing import symbolic_indices
from tracejet._random_state import refused_seeding
from tracejet._shared_switch import SharedSwitch, switched_attribute, together, without_collections
from tracejet._symbolic_builtins import calls_of_builtins
from tracejet._symbolic_math import symbolic_math
from tracejet._tensor_methods import traced_tensor_methods
from tracejet._torch_modules import traceable_modules
from tracejet._torchvision import batched_nms_for_any_number
from tracejet._triton import kernel_launches


def _without_fast_path() -> Callable[[], None]:
    """torch.nn's attention modules have kernels of their own for inference, which no other engine has."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    return lambda: torch.backends.mha.set_fastpath_enabled(before)


#: Make models take the path that an exported program needs.
_changes = together(
    # Libraries (transformers among them) choose code without data-dependent branches under these two.
    switched_attribute(torch.compiler, "_is_exporting_flag", True),
    switched_attribute(torch.compiler, "_is_compiling_flag", True),
    SharedSwitch(_without_fast_path),
    traced_tensor_methods,
    calls_of_builtins,
    *symbolic_math,
    symbolic_indices,
    *traceable_modules,
    batched_nms_for_any_number,
    *refused_seeding,
    SharedSwitch(with_dynamic_sizes),
    *traceable_communication,
    *CONTROL_FLOW_SWITCHES,
    kernel_launches,
)


@contextmanager
def tracing_environment() -> Iterator[None]:
    """No gradients, and all of these changes."""
    with torch.no_grad(), _changes.held(), without_collections.held():
        yield
