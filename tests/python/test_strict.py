"""strict=True: TorchDynamo first, then the same trace."""

import pytest
import torch
from torch import nn

import tracejet
from tracejet import Input


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 2)

    def forward(self, x, *, scale=1.0):
        return {"logits": self.head(self.norm(self.conv(x)).relu().mean((2, 3))) * scale}


def operators(program):
    return [str(node.target) for node in program.graph.nodes if node.op == "call_function"]


def test_strict_gives_the_same_program():
    model = Model().eval()
    x = Input(min_shape=(1, 3, 8, 8), opt_shape=(4, 3, 8, 8), max_shape=(9, 3, 8, 8), name="x")
    loose = tracejet.trace(model, arg_inputs=[x], kwarg_inputs={"scale": 0.5})
    strict = tracejet.trace(model, arg_inputs=[x], kwarg_inputs={"scale": 0.5}, strict=True)
    assert operators(strict) == operators(loose)
    assert set(strict.state_dict) <= set(loose.state_dict)  # Dynamo drops what forward does not use
    for batch in (1, 2, 9):
        image = torch.randn(batch, 3, 8, 8)
        torch.testing.assert_close(strict.module()(image, scale=0.5), model(image, scale=0.5))


def test_strict_refuses_in_dynamos_words():
    class Prints(nn.Module):
        def forward(self, x):
            return x * len(open(__file__).read(1))

    with pytest.raises(Exception, match="(?i)dynamo|unsupported") as error:
        tracejet.trace(Prints(), arg_inputs=[torch.ones(3)], strict=True)
    assert not isinstance(error.value, tracejet.Error)
