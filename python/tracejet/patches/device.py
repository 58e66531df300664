"""Traces for a device that needn't be there: what Python code learns of devices, and what it may ask of CUDA."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch

from tracejet import _C
from tracejet.patches.refcounted_patch import RefcountedPatch, patched_attribute


@contextmanager
def devices_of_a_trace(types: set[str], is_elsewhere: bool) -> Iterator[None]:
    """Lets this thread trace for devices of these types; `is_elsewhere`: the model's tensors claim another device."""
    with ExitStack() as stack:
        if "cuda" in types:
            stack.enter_context(_without_cuda.held())
            for switch in _autocast_for_cuda:
                stack.enter_context(switch.held())
            stack.enter_context(_constants_made_on_cpu())
        if is_elsewhere:
            stack.enter_context(_claimed_devices.held())
        yield


@contextmanager
def _constants_made_on_cpu() -> Iterator[None]:
    """`torch.tensor([...], device="cuda")` makes its tensor on the CPU, and moves it by an operator."""
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        yield
    finally:
        torch._C._set_only_lift_cpu_tensors(before)


def _leave_cuda_alone() -> Callable[[], None]:
    """PyTorch starts CUDA when Python code names it, and fails where there is none."""
    if torch.cuda.is_initialized():
        return lambda: None
    _C.set_requires_cuda_init(False)
    return lambda: _C.set_requires_cuda_init(not torch.cuda.is_initialized())


_without_cuda = RefcountedPatch(_leave_cuda_alone)

#: Where there is no GPU, autocast("cuda") would silently do nothing; the GPU that a trace is for has all it takes.
_autocast_for_cuda = (
    patched_attribute(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False),
    patched_attribute(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True),
)


def _claim_devices() -> Callable[[], None]:
    """Parameters and buffers are real tensors to Python, and say where they are; in a trace they claim to be where
    the program will run."""
    claims = {
        "device": property(_C.device_of),
        "is_cuda": property(lambda tensor: _C.device_of(tensor).type == "cuda"),
        "is_cpu": property(lambda tensor: _C.device_of(tensor).type == "cpu"),
        "is_meta": property(lambda tensor: _C.device_of(tensor).type == "meta"),
        "get_device": lambda tensor: -1 if (index := _C.device_of(tensor).index) is None else index,
    }
    for name, claim in claims.items():
        setattr(torch.Tensor, name, claim)

    def restore() -> None:
        for name in claims:
            delattr(torch.Tensor, name)  # the inherited one is back

    return restore


_claimed_devices = RefcountedPatch(_claim_devices)
