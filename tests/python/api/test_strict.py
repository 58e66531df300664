"""strict=True: TorchDynamo first, then the same trace."""

import pytest
import torch
from torch import nn

import tracejet
from testing.compare import assert_unchanged, snapshot
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


def test_strict_keeps_state_where_it_is():
    model = Model().train()
    before = snapshot(model)
    x = Input(min_shape=(2, 3, 8, 8), opt_shape=(4, 3, 8, 8), max_shape=(9, 3, 8, 8), name="x")
    program = tracejet.trace(model, arg_inputs=[x], strict=True)
    assert_unchanged(model, before)
    named = dict(model.named_parameters()) | dict(model.named_buffers())
    assert set(program.state_dict) == set(model.state_dict())
    assert all(tensor is named[name] for name, tensor in program.state_dict.items())
    writes = [spec.target for spec in program.graph_signature.output_specs if spec.kind.name == "BUFFER_MUTATION"]
    assert sorted(writes) == ["norm.num_batches_tracked", "norm.running_mean", "norm.running_var"]


def test_strict_takes_nested_and_keyword_inputs():
    class Nested(nn.Module):
        def forward(self, pair, *, scales):
            return {"y": pair[0] * scales["a"] + pair[1][0]}

    batch = {"min_shape": (1, 3), "opt_shape": (4, 3), "max_shape": (9, 3), "shared_dims": {0: "batch"}}
    program = tracejet.trace(
        Nested(), [(Input(**batch), [Input(**batch)])], kwarg_inputs={"scales": {"a": Input(**batch)}}, strict=True
    )
    a, b, c = torch.randn(3, 7, 3)
    assert torch.equal(program.module()((a, [b]), scales={"a": c})["y"], a * c + b)


REFUSED = {
    "branch on data": lambda x: x + 1 if x.sum() > 0 else x,
    "graph break": lambda x: (torch._dynamo.graph_break(), x)[1],
    "size": lambda x: x + 1 if x.shape[0] > 4 else x,
}


@pytest.mark.parametrize("function", REFUSED.values(), ids=REFUSED)
def test_errors_of_dynamo_come_as_dynamo_raised_them(function):
    class Refused(nn.Module):
        def forward(self, x):
            return function(x)

    x = Input(min_shape=(2, 3), opt_shape=(4, 3), max_shape=(9, 3), name="x")
    shapes = {"x": {0: torch.export.Dim("x_0", min=2, max=9)}}
    with pytest.raises(Exception, match=".") as ours:
        tracejet.trace(Refused(), [x], strict=True)
    with pytest.raises(Exception, match=".") as theirs:
        torch.export.export(Refused(), (torch.rand(4, 3),), dynamic_shapes=shapes, strict=True)
    assert type(ours.value) is type(theirs.value)
    assert str(ours.value).splitlines()[0] == str(theirs.value).splitlines()[0]


def test_a_failed_strict_trace_leaves_everything_as_it_was():
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("total", torch.zeros(3))

        def forward(self, x):
            self.total.add_(1)
            self.seen = x
            torch._dynamo.graph_break()
            return x + self.total

    model = Fails()
    before = snapshot(model)
    with pytest.raises(Exception, match="."):
        tracejet.trace(model, [torch.ones(3)], strict=True)
    assert_unchanged(model, before)
    assert torch.equal(model.total, torch.zeros(3))
    assert torch.equal(tracejet.trace(nn.ReLU(), [torch.ones(3)]).module()(-torch.ones(3)), torch.zeros(3))
