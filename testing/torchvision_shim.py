"""Lets torchvision be imported beside a torch that its compiled extension doesn't load with.

PyPI's torchvision is built against CUDA, so beside a CPU build of torch its extension is skipped. Importing it then
fails all the same, because it registers shape functions for two operators that only the extension defines. The
operators that detection calls are defined here, with kernels in Python; others of the extension stay missing.
"""

import importlib
import sys
from types import ModuleType

import torch

_MISSING = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, "
    "int sampling_ratio, bool aligned) -> Tensor",
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
    torchvision = importlib.import_module("torchvision")
    _define_kernels(_library)
    return torchvision


def _define_kernels(library: torch.library.Library) -> None:
    """What the extension would bring, and torchvision's word that it is there."""
    library.impl("nms", _nms, "CPU")
    library.impl("roi_align", _roi_align, "CPU")
    shapes = sys.modules["torchvision._meta_registrations"]
    torch.library.register_fake("torchvision::roi_align", shapes.meta_roi_align, lib=library)
    for module in ("torchvision.extension", "torchvision.ops.roi_align"):
        sys.modules[module]._has_ops = lambda: True


def _nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """The best box of all is kept, and those that overlap it too much are not; so it goes on with the others."""
    boxes_of = sys.modules["torchvision.ops.boxes"]
    order = scores.argsort(descending=True, stable=True)
    overlaps = boxes_of.box_iou(boxes[order], boxes[order]) > iou_threshold
    is_kept = torch.ones(len(order), dtype=torch.bool)
    for i in range(len(order)):
        if is_kept[i]:
            is_kept[i + 1 :] &= ~overlaps[i, i + 1 :]
    return order[is_kept]


def _roi_align(input: torch.Tensor, rois: torch.Tensor, *settings: object) -> torch.Tensor:
    align = sys.modules["torchvision.ops.roi_align"]._roi_align
    return align.__wrapped__(input, rois, *settings)  # not the compiled one
