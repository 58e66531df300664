"""Constants that are applied to norms, of every shape: OpenVINO takes some for the norm's own weights."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F

from tests.support.openvino_shapes import assert_right, dynamic

NORMS = {
    "rms_norm": lambda x: F.rms_norm(x, x.shape[-1:]),
    "by hand": lambda x: x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6),
    "layer_norm": lambda x: F.layer_norm(x, x.shape[-1:]),
    "group_norm": lambda x: F.group_norm(x, 1),
    "normalize": lambda x: F.normalize(x, dim=-1),
}

USES = {
    "product": lambda y, scale: y * scale,
    "difference": lambda y, scale: scale - y,
    "product and sum": lambda y, scale: y * scale + scale,
}


@pytest.mark.parametrize("last", [1, 4])
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("norm", NORMS)
def test_constants_of_any_shape_are_applied_to_norms(norm, use, last):
    generator = torch.Generator().manual_seed(0)
    wide = 3 if last == 1 else last
    low, high = (1, 2, last), (4, 2, last)
    # Each in a program of its own: nothing is fused with a norm that is used twice.
    for shape in [(wide,), (2, wide), (1, 1, 1, last), (1, 1, 1, 1), (5, 1, 1, wide)]:
        scale = torch.randn(shape, generator=generator)
        assert_right(partial(_used, norm, use, scale), dynamic(low, high, high), high, low)


@pytest.mark.parametrize("norm", NORMS)
def test_norms_of_one_element_are_broadcast(norm):
    assert_right(
        lambda x: NORMS[norm](x).expand(-1, 2, 3), dynamic((1, 2, 1), (4, 2, 1), (4, 2, 1)), (4, 2, 1), (1, 2, 1)
    )


def _used(norm, use, scale, x):
    return USES[use](NORMS[norm](x), scale)
