"""torchvision's `batched_nms`, which goes by the number of boxes: all ways of it at once, as a trace needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

import torch

from tracejet import _C
from tracejet.patches.refcounted_patch import RefcountedPatch

Nms = Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """The code that torchvision's function has while anybody traces: it sees nothing but its arguments."""
    from tracejet.patches.torchvision import batched_nms_of

    return batched_nms_of(boxes, scores, idxs, iou_threshold)


def _for_any_number(
    boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor, iou_threshold: float, limit: int, nms: Nms
) -> torch.Tensor:
    """Up to `limit` boxes are moved apart by class, more are looked at class by class. Either way is taken with all
    boxes or with none, which comes to the same as to choose: rounding differs between the two."""
    count = boxes.shape[0]
    is_many = torch.sym_ite(count > limit, 1, 0)
    if not isinstance(is_many, torch.SymInt):
        way = _class_by_class if is_many else _moved_apart
        return way(boxes, scores, idxs, iou_threshold, nms)
    many = torch.full((count,), is_many) != 0
    few, rest = torch.where(~many)[0], torch.where(many)[0]
    return torch.cat(
        [
            few[_moved_apart(boxes[few], scores[few], idxs[few], iou_threshold, nms)],
            rest[_class_by_class(boxes[rest], scores[rest], idxs[rest], iou_threshold, nms)],
        ]
    )


def _moved_apart(
    boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor, iou_threshold: float, nms: Nms
) -> torch.Tensor:
    corners = torch.cat([boxes.flatten(), boxes.new_full((1,), -torch.inf)])  # one more, as there may be none
    offsets = idxs.to(boxes) * (corners.max() + 1)
    return nms(boxes + offsets[:, None], scores, iou_threshold)


def _class_by_class(
    boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor, iou_threshold: float, nms: Nms
) -> torch.Tensor:
    classes = torch.unique(idxs)
    count = torch.full((), classes.shape[0])

    def has_next(done: torch.Tensor, is_kept: torch.Tensor) -> torch.Tensor:
        return done < count

    def next_class(done: torch.Tensor, is_kept: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        own = torch.where(idxs == classes.index_select(0, done.reshape(1)))[0]
        return done + 1, is_kept.index_fill(0, own[nms(boxes[own], scores[own], iou_threshold)], True)

    start = torch.zeros((), dtype=torch.int64), torch.zeros_like(scores, dtype=torch.bool)
    _, is_kept = torch._higher_order_ops.while_loop(has_next, next_class, start)
    kept = torch.where(is_kept)[0]
    return kept[scores[kept].sort(descending=True)[1]]


def _limits(code: CodeType) -> list[int]:
    """The numbers of coordinates up to which boxes are moved apart: on a CPU, and elsewhere."""
    return [constant for constant in code.co_consts if type(constant) is int and constant > 4]


def _switch_on() -> Callable[[], None]:
    ops: Any = sys.modules.get("torchvision.ops.boxes")
    if ops is None or len(_limits(ops.batched_nms.__code__)) != 2:
        return lambda: None
    function, code = ops.batched_nms, ops.batched_nms.__code__
    eager = FunctionType(code, function.__globals__, function.__name__)
    limits = _limits(code)

    def of_trace(boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor, iou_threshold: float) -> torch.Tensor:
        if not _C.is_tracing():
            return eager(boxes, scores, idxs, iou_threshold)
        limit = limits[boxes.device.type != "cpu"] // 4
        return _for_any_number(boxes, scores, idxs, iou_threshold, limit, ops.nms)

    global batched_nms_of
    batched_nms_of = of_trace
    function.__code__ = batched_nms.__code__

    def switch_off() -> None:
        function.__code__ = code

    return switch_off


batched_nms_of: Callable[..., torch.Tensor]

#: While it is held, models that detect objects can be traced. Whoever has imported the function has this one, too.
batched_nms_for_any_number = RefcountedPatch(_switch_on)
