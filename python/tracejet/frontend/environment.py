"""What is different in the process while a model is traced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from tracejet.frontend.symbolic_builtins import calls_of_builtins
from tracejet.patches.control_flow import CONTROL_FLOW_PATCHES
from tracejet.patches.custom_operators import with_dynamic_sizes
from tracejet.patches.distributed import traceable_communication
from tracejet.patches.indexing import symbolic_indices
from tracejet.patches.math_functions import symbolic_math
from tracejet.patches.random_state import refused_seeding
from tracejet.patches.refcounted_patch import RefcountedPatch, patched_attribute, together
from tracejet.patches.tensor_methods import traced_tensor_methods
from tracejet.patches.torch_modules import traceable_modules
from tracejet.patches.torchvision import batched_nms_for_any_number
from tracejet.patches.triton import kernel_launches


def _without_fast_path() -> Callable[[], None]:
    """torch.nn's attention modules have kernels of their own for inference, which no other engine has."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    return lambda: torch.backends.mha.set_fastpath_enabled(before)


#: Make models take the path that an exported program needs.
_PATCHES = together(
    # Libraries (transformers among them) choose code without data-dependent branches under these two.
    patched_attribute(torch.compiler, "_is_exporting_flag", True),
    patched_attribute(torch.compiler, "_is_compiling_flag", True),
    RefcountedPatch(_without_fast_path),
    traced_tensor_methods,
    calls_of_builtins,
    *symbolic_math,
    symbolic_indices,
    *traceable_modules,
    batched_nms_for_any_number,
    *refused_seeding,
    RefcountedPatch(with_dynamic_sizes),
    *traceable_communication,
    *CONTROL_FLOW_PATCHES,
    kernel_launches,
)


@contextmanager
def tracing_environment() -> Iterator[None]:
    """No gradients, and every patch held."""
    with torch.no_grad(), _PATCHES.held():
        yield
