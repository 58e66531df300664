"""What a trace does with operators: the three sets, what is changed of them, and gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._decomp import core_aten_decompositions
from torch._ops import OpOverload

import tracejet
from testing.compare import assert_equal, outcome
from testing.models import SMALL_MODELS
from tests.support.lambda_module import Lambda, batch
from tracejet import DecompositionTable, Input

aten = torch.ops.aten

#: Of torch.export's, checks of what tracing has decided.
CHECKS = {"aten::sym_size.int", "aten::_assert_tensor_metadata"}


def recorded(program: torch.export.ExportedProgram) -> set[str]:
    return {node.target.name() for node in program.graph.nodes if isinstance(node.target, OpOverload)} - CHECKS


def is_core(name: str) -> bool:
    packet, _, overload = name.removeprefix("aten::").partition(".")
    return torch.Tag.core in getattr(getattr(aten, packet), overload or "default").tags


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.linear, self.layer_norm = nn.Linear(8, 8), nn.LayerNorm(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.silu(self.norm(self.convolution(x)))
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = self.layer_norm(self.linear(x.flatten(2).transpose(1, 2))).unsqueeze(1)
        return F.scaled_dot_product_attention(x, x, x).clamp_(min=0).softmax(-1)


def trace(table: Any, **options: Any) -> torch.export.ExportedProgram:
    """A program of Net with a dynamic batch, which gives what eager gives at other sizes."""
    model = Net().eval()
    program = tracejet.trace(model, arg_inputs=[batch(3, 8, 8)], decompositions=table, **options)
    for size in (1, 5):
        x = torch.randn(size, 3, 8, 8)
        assert_equal(model(x), program.module()(x))
    return program


# Sets ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decompositions", ["core_aten", "none"])
@pytest.mark.parametrize("name", ["resnet50", "swin", "bert", "t5"])
@pytest.mark.filterwarnings("ignore")
def test_a_set_leaves_what_run_decompositions_leaves(name: str, decompositions: str) -> None:
    case = SMALL_MODELS[name]
    model, (args, kwargs) = case.module(), case.tracejet_inputs()
    program = tracejet.trace(model, arg_inputs=args, kwarg_inputs=kwargs, decompositions=decompositions)
    assert_equal(outcome(model, case.example("max")), outcome(program.module(), case.example("max")))

    example_args, example_kwargs = case.example()
    exported = torch.export.export(model, example_args, example_kwargs)
    reference = exported.run_decompositions(None if decompositions == "core_aten" else {})
    additional = recorded(program) - recorded(reference)
    if decompositions == "core_aten":
        assert {op for op in additional if not is_core(op)} == set()
    else:  # the parts of an unbind are views of their own, so that they can be written to
        assert additional <= {"aten::select.int"}


#: Operators that the default set keeps, or expands otherwise.
CORE_CALLS = {
    "glu": lambda x: F.glu(x, 1),
    "softplus": lambda x: F.softplus(x, 2.0, 3.0),
    "prelu": lambda x: F.prelu(x, torch.full((1,), 0.25)),
    "matmul": lambda x: x @ x.transpose(-1, -2),
    "mv": lambda x: torch.mv(x[0], x[0, 0]),
    "dot": lambda x: torch.dot(x[0, 0], x[0, 1]),
    "pixel_shuffle": lambda x: F.pixel_shuffle(x.unsqueeze(1).expand(-1, 4, -1, -1), 2),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x.unsqueeze(1), 2),
    "nearest": lambda x: F.interpolate(x, scale_factor=1.5),
    "nearest-exact": lambda x: F.interpolate(x, scale_factor=1.5, mode="nearest-exact"),
    "linear": lambda x: F.interpolate(x, scale_factor=2.0, mode="linear"),
    "trilinear": lambda x: F.interpolate(x[None, None], scale_factor=(1.0, 2.0, 2.0), mode="trilinear"),
    "bicubic": lambda x: F.interpolate(x.unsqueeze(1), size=(7, 9), mode="bicubic", align_corners=True),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "attention with a mask": lambda x: F.scaled_dot_product_attention(x, x, x, x.new_ones(4, 4).tril() > 0),
    "gelu": F.gelu,
    "squeeze": lambda x: x.unsqueeze(1).squeeze() + x.unsqueeze(-1).squeeze(-1),
    "padding": lambda x: F.pad(F.pad(x, (1, 2), "reflect"), (2, 1), "replicate"),
    "cross_entropy": lambda x: F.cross_entropy(x, torch.zeros(x.shape[0], x.shape[2], dtype=torch.int64)),
    "linalg_cross": lambda x: torch.linalg.cross(x[:, :, :3], x[:, :, 1:]),  # which has no decomposition in C++
    "block_diag": lambda x: torch.block_diag(x[0], x[1]),
}


@pytest.mark.parametrize("name", CORE_CALLS)
@pytest.mark.parametrize("is_dynamic", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_core_aten_leaves_operators_of_core_aten_alone(name: str, is_dynamic: bool) -> None:
    model = Lambda(CORE_CALLS[name])
    given = batch(4, 4, low=2) if is_dynamic else torch.randn(3, 4, 4)
    program = tracejet.trace(model, arg_inputs=[given], decompositions="core_aten")
    left = {op for op in recorded(program) if not is_core(op)}
    table = DecompositionTable("core_aten")
    assert all(table.decision(op)[0] == "kept" for op in left), left
    assert not left & {op.name() for op in torch.export.default_decompositions()}
    for size in (2, 5) if is_dynamic else (3,):
        x = torch.randn(size, 4, 4)
        assert_equal(model(x), program.module()(x))


def test_enable_experimental_decompositions_means_core_aten() -> None:
    program = trace("tensorrt", enable_experimental_decompositions=True)
    assert recorded(program) == recorded(trace("core_aten"))
    with pytest.raises(tracejet.InvalidInput, match="leave one of them out"):
        trace("none", enable_experimental_decompositions=True)


def test_none_keeps_what_the_model_called() -> None:
    program = trace("none")
    kept = {"aten::conv2d", "aten::silu", "aten::linear", "aten::layer_norm", "aten::scaled_dot_product_attention"}
    assert kept <= recorded(program)
    assert not recorded(program) & {"aten::reshape", "aten::flatten.using_ints", "aten::batch_norm"}, "may be views"


@pytest.mark.parametrize("table", ["tensorrt", "none", DecompositionTable("none")])
def test_decompose_attention_expands_it_whatever_the_table_says(table: Any) -> None:
    assert "aten::scaled_dot_product_attention" in recorded(trace(table))
    assert not any("scaled_dot_product" in op for op in recorded(trace(table, decompose_attention=True)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_decomposed_attention_keeps_the_layout_that_models_rely_on(dtype: torch.dtype) -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        heads = x.view(x.shape[0], 5, 2, 4).transpose(1, 2)
        return F.scaled_dot_product_attention(heads, heads, heads).transpose(1, 2).view(x.shape[0], 5, 8)

    program = tracejet.trace(Lambda(forward), arg_inputs=[batch(5, 8, dtype=dtype)], decompose_attention=True)
    x = torch.randn(3, 5, 8, dtype=dtype)
    assert_equal(forward(x), program.module()(x))


# Completeness --------------------------------------------------------------------------------------------------------

#: What PyTorch expands on the way to Core ATen, but for what is itself part of it.
EXPANDED_BY_PYTORCH = sorted(
    op.name()
    for op in core_aten_decompositions()
    if isinstance(op, OpOverload) and not op._schema.is_mutable and torch.Tag.core not in op.tags
)


@pytest.mark.parametrize("decompositions", ["tensorrt", "core_aten"])
def test_what_pytorch_expands_is_expanded_in_cpp(decompositions: str) -> None:
    table = DecompositionTable(decompositions)
    decisions = {name: table.decision(name) for name in EXPANDED_BY_PYTORCH}
    left = {name for name, (action, _) in decisions.items() if not action.startswith("expanded")}
    assert all(decisions[name] == ("kept", "engines run it whole") for name in left), left
    assert decompositions == "tensorrt" or not left


def test_windows_and_bernoulli_are_drawn_as_eager_does() -> None:
    model = Lambda(
        lambda x: (torch.bernoulli(x.sigmoid()), torch.rand(3), torch.kaiser_window(9), torch.hann_window(8))
    )
    program = tracejet.trace(model, arg_inputs=[batch(300)])
    assert not recorded(program) & {"aten::bernoulli", "aten::kaiser_window.beta", "aten::hann_window"}
    for x in (torch.randn(2, 300), torch.randn(5, 300)):
        torch.manual_seed(7)
        expected = model(x)
        torch.manual_seed(7)
        assert_equal(expected, program.module()(x))


def test_squeeze_names_the_axes_that_it_drops() -> None:
    model = Lambda(lambda x: x.unsqueeze(0).unsqueeze(-1).squeeze())
    program = tracejet.trace(model, arg_inputs=[Input(min_shape=(2, 3), opt_shape=(4, 3), max_shape=(9, 3))])
    assert "aten::squeeze" not in recorded(program)
    x = torch.randn(7, 3)
    assert_equal(model(x), program.module()(x))


def test_squeeze_drops_an_axis_where_it_is_1_and_only_there() -> None:
    model = Lambda(lambda x: x.unsqueeze(1).squeeze() * 2)
    program = tracejet.trace(model, arg_inputs=[Input(min_shape=(1, 3), opt_shape=(4, 3), max_shape=(9, 3))])
    for x in (torch.randn(1, 3), torch.randn(5, 3)):
        assert_equal(model(x), program.module()(x))


@pytest.mark.parametrize("affine", [True, False])
def test_the_gradient_of_cudas_rms_norm_is_that_of_the_other_one(affine: bool) -> None:
    """Its forward runs on CUDA alone; what is traced of its gradient runs everywhere."""
    x, grad, weight = torch.randn(2, 3, 4), torch.randn(2, 3, 4), torch.rand(4) + 0.5 if affine else None
    rstd = (x.pow(2).mean(-1, keepdim=True) + 1e-5).rsqrt()
    model = Lambda(lambda g, x, r: aten._fused_rms_norm_backward(g, x, [4], r, weight, [True, affine])[: 1 + affine])
    program = tracejet.trace(model, arg_inputs=[grad, x, rstd])
    assert "aten::_fused_rms_norm_backward" not in recorded(program)
    leaves = [t.requires_grad_(True) for t in (x.clone(), *([weight.clone()] if affine else []))]
    F.rms_norm(leaves[0], (4,), *leaves[1:], eps=1e-5).backward(grad)
    assert_equal([leaf.grad for leaf in leaves], list(program.module()(grad, x, rstd)))


# Changes -------------------------------------------------------------------------------------------------------------


def test_an_operator_is_kept_expanded_or_replaced() -> None:
    table = DecompositionTable().keep(aten.silu.default).expand("aten::_softmax")
    table.replace(aten.linear, lambda x, weight, bias=None: torch.matmul(x, weight.t()) + bias)
    found = recorded(trace(table))
    assert "aten::silu" in found
    assert "aten::_softmax" not in found
    assert "aten::matmul" in found
    assert "aten::addmm" not in found


def test_a_replacement_may_write_to_tensors_of_its_own_and_leave_calls_alone() -> None:
    def hardswish(x: torch.Tensor) -> Any:
        if x.dim() == 2:
            return NotImplemented
        result = x.clone()
        result.add_(3).clamp_(0, 6).mul_(x)
        return result / 6

    table = DecompositionTable("none").replace(aten.hardswish, hardswish)
    model = Lambda(lambda x: (F.hardswish(x), F.hardswish(x[0])))
    program = tracejet.trace(model, arg_inputs=[batch(3, 4)], decompositions=table)
    assert {"aten::hardswish", "aten::clamp"} <= recorded(program)
    x = torch.randn(5, 3, 4)
    assert_equal(model(x), program.module()(x))


@pytest.mark.parametrize("op", [aten.silu, aten.linear])
def test_a_replacement_that_calls_what_it_replaces_is_refused(op: Any) -> None:
    table = DecompositionTable().replace(op, lambda *args: op(*args) * 1)
    with pytest.raises(tracejet.UnsupportedOperator, match="would go on for ever"):
        trace(table)


def test_two_replacements_that_call_each_other_are_refused() -> None:
    table = DecompositionTable().replace(aten.silu, F.mish).replace(aten.mish, F.silu)
    with pytest.raises(tracejet.UnsupportedOperator, match=r"aten::silu\].*\n?.*for ever"):
        trace(table)


def test_a_replacement_must_return_what_the_operator_does() -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="returned a .*str.*expected Tensor"):
        trace(DecompositionTable().replace(aten.silu, lambda x: "silu"))


def test_a_replacement_may_not_write_to_its_arguments() -> None:
    with pytest.raises(tracejet.UnsupportedOperator, match="write to a clone"):
        trace(DecompositionTable().replace(aten.silu, lambda x: x.mul_(2)))


def test_an_operator_without_a_decomposition_in_cpp_is_expanded_by_pytorchs_in_python() -> None:
    table = DecompositionTable().expand(aten.addmv.default)
    assert table.decision("aten::addmv") == ("replaced", "by PyTorch's decomposition in Python (slow)")
    model = Lambda(lambda x: torch.addmv(x[:, 0], x, x[0]))
    program = tracejet.trace(model, arg_inputs=[batch(3)], decompositions=table)
    assert "aten::addmv" not in recorded(program)
    x = torch.randn(4, 3)
    assert_equal(model(x), program.module()(x))


def test_a_trace_takes_a_copy_of_the_table() -> None:
    table = DecompositionTable()
    edited = DecompositionTable(table).keep("aten::silu")
    assert "aten::silu" not in recorded(trace(table))
    assert "aten::silu" in recorded(trace(edited))


def as_tanh(x: torch.Tensor, approximate: str = "none") -> torch.Tensor:
    return torch.tanh(x)


def test_a_table_says_what_happens_to_every_operator_and_why() -> None:
    table = DecompositionTable().keep(aten.silu.default).replace(aten.gelu.default, as_tanh)
    assert table.decision(aten.silu.default) == ("kept", "as asked for by keep()")
    assert table.decision("aten::hardswish") == ("expanded in C++", "by its decomposition in C++")
    assert table.decision("aten::std") == ("expanded by ATen", "ATen makes it of other operators")
    assert table.decision("aten::matmul") == ("kept", "engines run it whole")
    assert table.decision("aten::add.Tensor") == ("kept", "no decomposition is needed")
    assert repr(table) == 'DecompositionTable("tensorrt").keep(aten.silu.default).replace(aten.gelu.default, as_tanh)'
    lines = {line.split()[0]: line for line in str(table).splitlines()[1:]}
    assert "by as_tanh, as asked for by replace()" in lines["aten::gelu"]
    assert len(lines) > 900


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: DecompositionTable("all"), 'one of "tensorrt", "core_aten", "none"'),
        (lambda: DecompositionTable().keep("aten::add"), "its overloads are aten::add.Scalar, aten::add.Tensor"),
        (lambda: DecompositionTable().keep("aten::no_such"), "no operator aten::no_such"),
        (lambda: DecompositionTable().keep("aten::add_.Tensor"), "change that one"),
        (lambda: DecompositionTable().keep("aten::reshape"), "can't be kept"),
        (lambda: DecompositionTable().expand("aten::convolution"), "by a function of yours"),
        (lambda: DecompositionTable().keep(torch.relu), "expected an operator"),  # type: ignore[arg-type]
        (lambda: trace(DecompositionTable, decompose_attention=True), "or a DecompositionTable"),
    ],
)
def test_what_a_table_cant_do_is_refused_with_what_to_do(change: Any, message: str) -> None:
    with pytest.raises(tracejet.InvalidInput, match=message):
        change()


# Gradients -----------------------------------------------------------------------------------------------------------

GRADIENTS = {
    "linear": lambda x: F.linear(x, x[:5]),
    "matmul": lambda x: x @ x.t(),
    "attention": lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None]),
    "softmax": lambda x: (x.softmax(-1), x.log_softmax(0)),
    "layer_norm": lambda x: F.layer_norm(x, (6,)),
    "group_norm": lambda x: F.group_norm(x[None], 2),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "activations": lambda x: (F.gelu(x), F.silu(x), F.elu(x), F.softplus(x), F.hardswish(x), F.mish(x), F.glu(x)),
    "convolution": lambda x: F.conv1d(x[None], x[:4, :4, None]),
    "views": lambda x: (x[1], x[:, 2:5:2], x.diagonal(1), x.unfold(0, 2, 1), x.t(), x.expand(2, 4, 6)),
    "gathers": lambda x: (x.gather(0, x.argsort(0)), x[[0, 2, 0]], F.embedding(torch.tensor([1, 1, 3]), x)),
    "max_pool2d": lambda x: F.max_pool2d(x[None, None], 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x[None, None], 2, padding=1, ceil_mode=True),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x[None, None], (3, 2)),
    "upsampling": lambda x: (F.interpolate(x[None, None], size=(7, 9)), F.interpolate(x[None], scale_factor=2.0)),
    "reflection": lambda x: (F.pad(x[None], (2, 1), "reflect"), F.pad(x[None, None], (2, 1, 0, 3), "reflect")),
    "losses": lambda x: (F.mse_loss(x, x.detach() * 2), F.cross_entropy(x, torch.tensor([1, 0, 5, 2]))),
    "norms": lambda x: (x.norm(), x.std(), x.var(0), x.logsumexp(1), x.cumsum(0), x.amax(0), x.prod(1)),
    "sorting": lambda x: (x.sort(0)[0], x.topk(2, 1)[0]),
}


def total(results: Any) -> torch.Tensor:
    return sum(r.sin().sum() for r in (results if isinstance(results, tuple) else (results,)))  # type: ignore[return-value]


def by_autograd(function: Any, x: torch.Tensor) -> torch.Tensor:
    with torch.enable_grad():
        leaf = x.detach().requires_grad_(True)
        return torch.autograd.grad(total(function(leaf)), leaf)[0]


def by_func(function: Any, x: torch.Tensor) -> torch.Tensor:
    return torch.func.grad(lambda leaf: total(function(leaf)))(x)


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize(
    ("gradient", "decompositions"),
    [(by_autograd, "tensorrt"), (by_func, "tensorrt"), (by_func, "core_aten"), (by_autograd, "none")],
)
@pytest.mark.filterwarnings("ignore")
def test_gradients_inside_of_a_model_are_eagers(name: str, gradient: Any, decompositions: str) -> None:
    function = GRADIENTS[name]
    model = Lambda(lambda x: gradient(function, x))
    x = torch.randn(4, 6)
    program = tracejet.trace(model, arg_inputs=[x], decompositions=decompositions)
    assert_equal(model(x), program.module()(x), 1e-4, least_scale=1)


def test_gradients_inside_of_a_model_hold_at_other_sizes() -> None:
    model = Lambda(lambda x: by_autograd(lambda leaf: F.linear(F.layer_norm(leaf, (6,)), leaf[:2]), x))
    x = Input(min_shape=(2, 6), opt_shape=(4, 6), max_shape=(9, 6))
    program = tracejet.trace(model, arg_inputs=[x])
    for size in (2, 7):
        given = torch.randn(size, 6)
        assert_equal(model(given), program.module()(given), 1e-4, least_scale=1)
