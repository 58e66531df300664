"""Input says what a tensor will be, and refuses what no tensor can be."""

import math

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tracejet import Error, InvalidInput
from tracejet.frontend.input import Input

RANGE = {"min_shape": (1, 3, 8), "opt_shape": (4, 3, 8), "max_shape": (16, 3, 32)}


@pytest.mark.parametrize(
    "make", [lambda: Input((2, 3)), lambda: Input([2, 3]), lambda: Input(shape=torch.Size((2, 3)))]
)
def test_a_shape_is_static(make):
    x = make()
    assert x.shape == (2, 3)
    assert not x.is_dynamic
    assert x.shape_mode is Input._ShapeMode.STATIC
    assert x.min_shape == x.opt_shape == x.max_shape == (2, 3)
    assert x.dtype == torch.float32
    assert x.format == torch.contiguous_format
    assert x.name == ""


def test_a_range_is_dynamic():
    x = Input(**RANGE, dtype=torch.float16, name="x")
    assert x.is_dynamic
    assert x.shape_mode is Input._ShapeMode.DYNAMIC
    assert x.shape == RANGE
    assert (x.min_shape, x.opt_shape, x.max_shape) == tuple(RANGE.values())
    assert x.dtype == torch.float16


def test_a_range_of_one_size_is_static():
    x = Input(min_shape=(2, 3), opt_shape=(2, 3), max_shape=(2, 3))
    assert x.shape == (2, 3)
    assert not x.is_dynamic


def test_numpy_integers_are_sizes():
    assert Input([numpy.int64(2), numpy.int32(3)]).shape == (2, 3)


def test_scalar_and_empty_tensors_can_be_inputs():
    assert Input(()).example_tensor().shape == ()
    assert Input((0, 3)).example_tensor().shape == (0, 3)
    assert Input(min_shape=(0,), opt_shape=(2,), max_shape=(4,)).example_tensor("min").shape == (0,)


def test_shared_dims_count_from_either_end_and_have_upstreams_spelling_too():
    assert Input(**RANGE, shared_dims={0: "batch", -1: "seq"}).shared_dims == {0: "batch", 2: "seq"}
    assert Input(**RANGE, name_dims={0: "batch"}).shared_dims == {0: "batch"}
    assert Input(**RANGE, name_dims={0: "batch"}).name_dims == {0: "batch"}


def test_everything_unsaid_comes_from_the_torch_tensor():
    t = torch.ones(2, 3, dtype=torch.int64)
    x = Input(torch_tensor=t)
    assert x.shape == (2, 3)
    assert x.dtype == torch.int64
    assert x.torch_tensor is t
    assert x.device == t.device


def test_a_torch_tensor_may_be_an_example_of_a_range():
    t = torch.ones(2, 3, 8)
    x = Input(**RANGE, torch_tensor=t)
    assert x.is_dynamic
    assert x.torch_tensor is t


def test_without_a_torch_tensor_the_example_is_made_once():
    x = Input(**RANGE)
    assert x.torch_tensor.shape == (4, 3, 8)
    assert x.torch_tensor is x.torch_tensor


@pytest.mark.parametrize(
    ("format", "size"), [(torch.channels_last, (2, 3, 4, 5)), (torch.channels_last_3d, (2, 3, 4, 5, 6))]
)
def test_from_tensor_keeps_the_memory_format(format, size):
    t = torch.randn(size).to(memory_format=format)
    x = Input.from_tensor(t, name="x")
    assert x.format == format
    assert x.shape == size
    assert x.torch_tensor is t
    assert x.name == "x"
    assert x.example_tensor().stride() == t.stride()


def test_from_tensor_refuses_other_strides_unless_told():
    t = torch.randn(4, 3).t()
    with pytest.raises(InvalidInput, match=r"strides \(1, 3\) of shape \(3, 4\)"):
        Input.from_tensor(t)
    assert Input.from_tensor(t, disable_memory_format_check=True).format == torch.contiguous_format


def test_from_tensors_gives_one_input_each():
    a, b = Input.from_tensors([torch.ones(2), torch.ones(3, dtype=torch.int32)])
    assert a.shape == (2,)
    assert b.dtype == torch.int32
    with pytest.raises(InvalidInput, match="list or tuple"):
        Input.from_tensors(torch.ones(2))
    with pytest.raises(InvalidInput, match="got int 3"):
        Input.from_tensors([3])


@pytest.mark.parametrize(
    ("mode", "batch"), [("min", 1), ("opt", 4), ("max", 16), ("min_shape", 1), ("opt_shape", 4), ("max_shape", 16)]
)
def test_example_tensor_has_the_size_asked_for(mode, batch):
    assert Input(**RANGE).example_tensor(mode).shape[0] == batch


DTYPES = [
    torch.bool,
    torch.uint8,
    torch.int8,
    torch.int32,
    torch.int64,
    torch.bfloat16,
    torch.float16,
    torch.float32,
    torch.float64,
    torch.complex64,
    torch.float8_e4m3fn,
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_example_tensor_has_the_dtype_asked_for(dtype):
    assert Input((3, 4), dtype=dtype).example_tensor().dtype == dtype


def test_example_tensor_stays_in_its_domain():
    floats = Input((1000,), tensor_domain=(-3, 5)).example_tensor()
    assert floats.min() >= -3
    assert floats.max() < 5
    integers = Input((1000,), dtype=torch.int64, tensor_domain=(5, 9)).example_tensor()
    assert set(integers.tolist()) == {5, 6, 7, 8}


SHAPE3 = {"opt_shape": (4, 3), "max_shape": (8, 3)}
BAD = [
    ({}, "no shape; pass shape, or all of min_shape, opt_shape and max_shape"),
    (
        {"shape": (1,), "min_shape": (1,), "opt_shape": (1,), "max_shape": (1,)},
        "both shape and min_shape, opt_shape, max_shape",
    ),
    ({"min_shape": (1,), "max_shape": (2,)}, "got min_shape, max_shape without opt_shape"),
    (dict(min_shape=(9, 3), **SHAPE3), "axis 0 has min 9 and max 8; expected min <= max"),
    (dict(min_shape=(5, 3), **SHAPE3), "axis 0 has opt 4; expected 5 to 8"),
    ({"min_shape": (1, 3), "opt_shape": (9, 3), "max_shape": (8, 3)}, "axis 0 has opt 9; expected 1 to 8"),
    (dict(min_shape=(1,), **SHAPE3), "have ranks 1, 2 and 2; expected equal ranks"),
    (dict(min_shape=(-1, 3), **SHAPE3), "axis 0 of min_shape is -1; expected an integer >= 0"),
    ({"shape": (2, -3)}, "axis 1 of shape is -3; expected an integer >= 0"),
    ({"shape": (2, 3.0)}, "axis 1 of shape is 3.0; expected an integer"),
    ({"shape": (True, 3)}, "axis 0 of shape is True; expected an integer"),
    ({"shape": (None, 3)}, "axis 0 of shape is None; expected an integer"),
    ({"shape": (2**63, 3)}, "axis 0 of shape is 9223372036854775808; expected an integer >= 0 of at most 64 bits"),
    ({"shape": (2**62, 4)}, r"\[4611686018427387904, 4\] is more than 64 bits count bytes of"),
    ({"shape": (2,) * 62}, "is more than 64 bits count bytes of"),
    ({"shape": (2, 3), "dtype": torch.qint8}, "its dtype is QInt8; expected floating-point or complex numbers"),
    ({"shape": (2, 3), "dtype": torch.bits8}, "its dtype is Bits8; expected"),
    ({"shape": 7}, "shape must be a tuple or list of sizes, got int 7"),
    ({"shape": "nchw"}, "shape must be a tuple or list of sizes, got str 'nchw'"),
    ({"shape": (1,), "dtype": "float32"}, "dtype must be a torch.dtype like torch.float32, got str 'float32'"),
    ({"shape": (1,), "dtype": float}, "dtype must be a torch.dtype"),
    ({"shape": (1, 2), "format": torch.channels_last}, "needs rank 4, got rank 2"),
    ({"shape": (1, 2), "format": torch.preserve_format}, "format must be one of torch.contiguous_format"),
    ({"shape": (1, 2), "format": "NCHW"}, "format must be one of"),
    ({"shape": (1, 2), "shared_dims": {2: "b"}}, "shared_dims names axis 2, but the shape has 2 axes"),
    ({"shape": (1, 2), "shared_dims": {-3: "b"}}, "shared_dims names axis -3"),
    ({"shape": (1, 2), "shared_dims": {"0": "b"}}, "shared_dims names axis '0'"),
    ({"shape": (1, 2), "shared_dims": {0: 3}}, r"shared_dims\[0\] must be an identifier like 'batch', got int 3"),
    ({"shape": (1, 2), "shared_dims": {0: "a b"}}, "must be an identifier"),
    ({"shape": (1, 2), "shared_dims": ["b"]}, "shared_dims must be a dict"),
    ({"shape": (1, 2), "shared_dims": {0: "a", -2: "b"}}, "gives axis 0 two names, 'a' and 'b'"),
    ({"shape": (1, 2), "shared_dims": {0: "a"}, "name_dims": {0: "a"}}, "two names of one argument"),
    ({"shape": (1, 2), "tensor_domain": (2, 2)}, "tensor_domain .* is empty"),
    ({"shape": (1, 2), "tensor_domain": 3}, "tensor_domain must be two numbers"),
    ({"shape": (1, 2), "torch_tensor": [1, 2]}, "torch_tensor must be a torch.Tensor, got list"),
    ({"shape": (1, 2), "torch_tensor": torch.ones(1)}, "torch_tensor has rank 1, expected 2"),
    ({"shape": (1, 2), "torch_tensor": torch.ones(1, 3)}, "axis 1 of torch_tensor has size 3, expected 2"),
    ({"shape": (1,), "dtype": torch.int64, "torch_tensor": torch.ones(1)}, "dtype torch.float32, expected torch.int64"),
    ({"shape": (1,), "device": "nowhere"}, "device must be a torch.device"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_wrong_arguments_are_refused_with_what_was_got_and_expected(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        Input(**arguments)


def test_an_error_names_its_input():
    with pytest.raises(Error, match=r"^Input 'tokens': axis 0 "):
        Input((-1,), name="tokens")
    with pytest.raises(InvalidInput, match=r"name must be an identifier like 'x', got str 'a.b'"):
        Input((1,), name="a.b")
    with pytest.raises(InvalidInput, match='takes "min", "opt" or "max", got str \'best\''):
        Input((1,)).example_tensor("best")


sizes = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)).map(sorted)
identifiers = st.sampled_from(["", "x", "tokens", "_1", "größe"])


@st.composite
def inputs(draw, max_rank=4):
    axes = draw(st.lists(sizes, max_size=max_rank))
    low, opt, high = (tuple(axis[i] for axis in axes) for i in range(3))
    named = draw(st.sets(st.integers(0, len(axes) - 1))) if axes else ()
    dtype = draw(st.sampled_from(DTYPES))
    return Input(
        min_shape=low,
        opt_shape=opt,
        max_shape=high,
        dtype=dtype,
        name=draw(identifiers),
        shared_dims={axis: f"d{axis}" for axis in named},
        tensor_domain=draw(st.sampled_from([None, (0, 1), (-2, 7)])) if dtype != torch.uint8 else None,
        device=draw(st.sampled_from([None, "cpu"])),
    )


@given(inputs())
def test_repr_says_everything(x):
    again = eval(repr(x), {"Input": Input, "torch": torch})
    assert repr(again) == repr(x)
    for field in (
        "min_shape",
        "opt_shape",
        "max_shape",
        "dtype",
        "format",
        "name",
        "shared_dims",
        "shape_mode",
        "tensor_domain",
        "device",
    ):
        assert getattr(again, field) == getattr(x, field)


@given(inputs(), st.sampled_from(["min", "opt", "max"]))
def test_an_example_is_an_example(x, mode):
    t = x.example_tensor(mode)
    assert t.shape == getattr(x, f"{mode}_shape")
    assert t.numel() == math.prod(t.shape)
    same = Input(min_shape=x.min_shape, opt_shape=x.opt_shape, max_shape=x.max_shape, torch_tensor=t)
    assert same.dtype == x.dtype


@given(inputs())
def test_from_tensor_describes_the_tensor(x):
    t = x.example_tensor()
    back = Input.from_tensor(t)
    assert (back.shape, back.dtype, back.format) == (tuple(t.shape), t.dtype, torch.contiguous_format)
