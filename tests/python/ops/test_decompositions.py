"""What a trace does with operators: the three sets."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch._decomp import core_aten_decompositions
from torch._ops import OpOverload

import tracejet
from testing.compare import assert_equal, outcome
from testing.models import SMALL_MODELS
from tests.support.decompositions import aten, recorded, trace
from tests.support.lambda_module import Lambda, batch
from tracejet import DecompositionTable, Input


def is_core(name: str) -> bool:
    packet, _, overload = name.removeprefix("aten::").partition(".")
    return torch.Tag.core in getattr(getattr(aten, packet), overload or "default").tags


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
