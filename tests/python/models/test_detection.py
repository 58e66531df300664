"""torchvision's models that detect objects: how many there are is only known when the program runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_equal
from testing.torchvision_shim import import_torchvision
from tests.support.runners import RUNNERS
from tracejet import Input

torchvision = import_torchvision()
detection = torchvision.models.detection

UNTRAINED: dict[str, Any] = {"weights": None, "weights_backbone": None, "num_classes": 5}
SMALL = {**UNTRAINED, "min_size": 64, "max_size": 64}


def ssdlite(least: float) -> nn.Module:
    """As it is made, its features are all but zero, and all scores the same: its normalization has seen no images."""
    model = detection.ssdlite320_mobilenet_v3_large(**UNTRAINED, score_thresh=least)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model.head(list(model.train().backbone(torch.rand(4, 3, 320, 320)).values()))
    return model


#: By name: what makes the model, and the scores from which some of its random detections count, or most of them.
MODELS: dict[str, tuple[Callable[[float], nn.Module], float, float]] = {
    "SSDlite": (ssdlite, 0.956, 0.1),
    "RetinaNet": (lambda least: detection.retinanet_resnet50_fpn(**SMALL, score_thresh=least), 0.0145, 0.0),
    "FCOS": (lambda least: detection.fcos_resnet50_fpn(**SMALL, score_thresh=least), 0.085, 0.0),
    "Faster R-CNN": (
        lambda least: detection.fasterrcnn_mobilenet_v3_large_fpn(
            **SMALL, box_score_thresh=least, rpn_post_nms_top_n_test=30
        ),
        0.2062,
        0.05,
    ),
}


def images() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(3, 64, 64, generator=generator)
    return [noise, torch.zeros(3, 64, 64), noise.flip(0) * 4 - 1, noise.round()]


@pytest.mark.parametrize("many", [False, True], ids=["some", "many"])
@pytest.mark.parametrize("name", MODELS)
def test_detections_are_eagers(name: str, many: bool) -> None:
    make, some_from, many_from = MODELS[name]
    torch.manual_seed(0)
    model = make(many_from if many else some_from).eval()
    program = tracejet.trace(model, arg_inputs=[[images()[0]]])
    # Nothing may be rounded otherwise, for a score decides what is a detection: so no pass touches the weights.
    runs = [program.module(), tracejet.compile(program, engine="aten", skipped_passes=["fold_batch_norm"])]
    counts = set()
    for image in images():
        want = model([image])
        counts.add(len(want[0]["scores"]))
        for run in runs:
            assert_equal(want, run([image]), 0, f"{len(want[0]['scores'])} detections: ")
    assert max(counts) > 0


def test_images_of_several_sizes() -> None:
    torch.manual_seed(0)
    model = MODELS["Faster R-CNN"][0](0.05).eval()
    given = [torch.rand(3, 48, 64), torch.rand(3, 64, 40)]
    run = tracejet.trace(model, arg_inputs=[given]).module()
    for images in (given, [torch.rand_like(image) for image in given]):
        assert_equal(model(images), run(images), 0)


class Suppression(nn.Module):
    def forward(self, boxes: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor) -> Any:
        good = scores > 0.5
        boxes, scores, labels = boxes[good], scores[good], labels[good]
        kept = torchvision.ops.batched_nms(boxes, scores, labels, 0.5)
        return kept, boxes[kept[:20]], scores[kept]


@pytest.mark.parametrize("runner", [RUNNERS["module"], RUNNERS["aten"]], ids=["module", "aten"])
@pytest.mark.parametrize("most", [300, 3000])
def test_boxes_of_any_number_are_suppressed_as_in_eager(most: int, runner: Callable[[Any], Any]) -> None:
    """Above a thousand, torchvision takes another way, whose results differ in rare cases."""

    def rows(*sizes: int, **options: Any) -> Input:
        shapes = {f"{name}_shape": (count, *sizes) for name, count in (("min", 0), ("opt", 100), ("max", most))}
        return Input(**shapes, shared_dims={0: "boxes"}, **options)

    program = tracejet.trace(Suppression(), arg_inputs=[rows(4), rows(), rows(dtype=torch.int64)])
    run = runner(program)
    for count in (0, 1, 2, 100, most):
        torch.manual_seed(count)
        corner = torch.rand(count, 2) * 20
        boxes = torch.cat([corner, corner + torch.rand(count, 2) * 20], 1)
        given = boxes, torch.rand(count), torch.randint(0, 4, (count,))
        assert_equal(Suppression()(*given), run(*given), 0, f"{count} boxes: ")


def test_torchvision_is_its_own_again() -> None:
    function = torchvision.ops.batched_nms
    before = function.__code__
    tracejet.trace(Suppression(), arg_inputs=[torch.rand(9, 4), torch.rand(9), torch.zeros(9, dtype=torch.int64)])
    assert function.__code__ is before
