"""Lets torchvision be imported beside a torch that its compiled extension doesn't load with.

PyPI's torchvision is built against CUDA, so beside a CPU build of torch its extension is skipped. Importing it then
fails all the same, because it registers shape functions for two operators that only the extension defines. Defining
these two schemas is all it takes; models that call them (detection) still can't run.
"""

import importlib
from types import ModuleType

import torch

_MISSING = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library: torch.library.Library | None = None


def import_torchvision() -> ModuleType:
    """torchvision, with or without its extension. Import timm only after this: timm imports torchvision."""
    global _library
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    _library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _MISSING:
        _library.define(schema)
    return importlib.import_module("torchvision")
