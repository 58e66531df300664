"""Arrays of other libraries at compiled programs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import tracejet
from tracejet import Input, InvalidInput

X = Input(min_shape=(0, 8), opt_shape=(4, 8), max_shape=(16, 8), name="x")


class Exchanged:
    """An array of some library that speaks DLPack."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __dlpack__(self, **keywords):
        return self.tensor.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.tensor.__dlpack_device__()


@pytest.fixture(scope="module")
def pair():
    model = nn.Sequential(nn.Linear(8, 4), nn.ReLU()).eval()
    return model, tracejet.compile(model, arg_inputs=[X])


@pytest.mark.parametrize("size", [0, 1, 4, 16])
@pytest.mark.parametrize("kind", ["numpy", "read-only", "strided", "DLPack"])
def test_an_array_is_a_tensor(pair, kind, size):
    model, compiled = pair
    tensor = torch.randn(size, 8)
    array = tensor.numpy()
    if kind == "read-only":
        array = array.copy()
        array.flags.writeable = False
    if kind == "strided":
        array = np.repeat(array, 2, axis=1)[:, ::2]
    given = Exchanged(tensor) if kind == "DLPack" else array
    torch.testing.assert_close(compiled(given), model(tensor), rtol=1e-4, atol=1e-5)


class Counter(nn.Module):
    def forward(self, x):
        x.add_(1)
        return x * 2


def test_what_a_program_writes_is_seen_in_the_array():
    compiled = tracejet.compile(Counter(), arg_inputs=[Input((3,), name="x")])
    array = np.zeros(3, dtype=np.float32)
    assert compiled(array).tolist() == [2, 2, 2] and array.tolist() == [1, 1, 1]
    fixed = np.zeros(3, dtype=np.float32)
    fixed.flags.writeable = False
    assert compiled(fixed).tolist() == [2, 2, 2] and fixed.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((4, 8)),  # float64
        np.zeros((4, 7), dtype=np.float32),
        np.zeros((17, 8), dtype=np.float32),
        np.zeros((4, 8), dtype=">f4"),
        np.zeros((4, 8), dtype=np.float32)[:, ::-1],
        np.array([["a"] * 8] * 4),
        [[0.0] * 8],
        3,
        None,
    ],
)
def test_what_cant_be_the_traced_tensor_is_refused(pair, given):
    with pytest.raises(InvalidInput, match="input|structure"):
        pair[1](given)
