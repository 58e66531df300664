"""Every way in which Python code learns something of a traced tensor or size: what a model may ask, as data.

A row is a name of PyTorch's class, a model that asks, and the verdict. `RIGHT`: the program is right at every declared
size. `REFUSED`: the trace says so, with the axis or the model's line. `CHECKED`: the program refuses
sizes that go the other way when it runs. Names that tell nothing of sizes or values stand
in `SAYS_NOTHING`, with the reason. What is neither here nor an operator that gives tensors fails the test: see
`test_questions.py`.
"""

from __future__ import annotations

import collections
import copy
import decimal
import json
import math
import numbers
import operator
import pickle
import random
import statistics
from collections.abc import Callable
from math import ldexp
from math import sqrt as root
from typing import Any

import numpy as np
import torch

RIGHT, REFUSED, CHECKED = "right", "refused", "checked"

Model = Callable[[torch.Tensor], Any]
Row = tuple[Model, str]


def when(condition: Callable[[torch.Tensor], Any]) -> Model:
    """Whose result differs with the condition."""
    return lambda x: x * (2 if condition(x) else 3)


def times(number: Callable[[torch.Tensor], Any]) -> Model:
    return lambda x: x * number(x)


def n(x: torch.Tensor) -> Any:
    """The dynamic size."""
    return x.shape[0]


def channels(x: torch.Tensor) -> torch.Tensor:
    """An image whose channels are the dynamic size."""
    return x.view(2, n(x), 2, 1)


def halvings(x: torch.Tensor) -> Any:
    size, count = n(x), 0
    while size > 1:
        size, count = size // 2, count + 1
    return x * count


def matched(x: torch.Tensor) -> torch.Tensor:
    match n(x):
        case 1:
            return x * 2
        case int():
            return x * 3
    return x


def is_symbol(size: Any) -> bool:
    return hasattr(size, "node")


def node_of(x: torch.Tensor) -> bool:
    try:
        return bool(n(x).node)
    except AttributeError:
        return False


OF_TENSOR: dict[str, Row] = {
    # sizes and strides
    "shape": (when(lambda x: x.shape == (1, 4)), REFUSED),
    "size": (times(lambda x: x.size(0) + x.size()[1]), RIGHT),
    "dim": (times(lambda x: x[:, None].dim()), RIGHT),
    "ndim": (times(lambda x: x.squeeze().ndim), REFUSED),
    "ndimension": (times(lambda x: x.ndimension()), RIGHT),
    "numel": (times(lambda x: x.numel()), RIGHT),
    "nelement": (times(lambda x: x[:, 1:].nelement()), RIGHT),
    "nbytes": (times(lambda x: x.half().nbytes), RIGHT),
    "__len__": (times(lambda x: len(x)), RIGHT),
    "__iter__": (lambda x: sum(row for row in x), REFUSED),
    "__reversed__": (lambda x: reversed(x), RIGHT),
    "__contains__": (when(lambda x: 1.0 in x), REFUSED),
    "is_same_size": (when(lambda x: x.is_same_size(torch.ones(1, 4))), REFUSED),
    "is_contiguous": (lambda x: x.t() * 3 if x.t().is_contiguous() else x.t(), REFUSED),
    "stride": (times(lambda x: x.t().contiguous().stride(1)), REFUSED),
    "dim_order": (times(lambda x: x.t().dim_order()[0]), REFUSED),
    "storage_offset": (times(lambda x: x[-1:].storage_offset()), RIGHT),
    "_has_symbolic_sizes_strides": (when(lambda x: x.is_contiguous()), RIGHT),  # PyTorch's own, of no use to a model
    # what doesn't change with sizes
    "element_size": (times(lambda x: x.half().element_size()), RIGHT),
    "itemsize": (times(lambda x: x.double().itemsize), RIGHT),
    "dtype": (when(lambda x: (x + 1).dtype == torch.float32), RIGHT),
    "device": (when(lambda x: x.t().device.type == "cpu"), RIGHT),
    "get_device": (times(lambda x: x.get_device()), RIGHT),
    "layout": (when(lambda x: x.layout is torch.strided), RIGHT),
    "type": (when(lambda x: x.type() == "torch.FloatTensor"), RIGHT),
    "is_floating_point": (when(lambda x: x.long().is_floating_point()), RIGHT),
    "is_complex": (when(lambda x: x.is_complex()), RIGHT),
    "is_signed": (when(lambda x: x.is_signed()), RIGHT),
    "is_conj": (when(lambda x: x.is_conj()), RIGHT),
    "is_neg": (when(lambda x: x.is_neg()), RIGHT),
    "is_inference": (when(lambda x: (x + 1).is_inference()), RIGHT),
    "is_distributed": (when(lambda x: x.is_distributed()), RIGHT),
    "is_leaf": (when(lambda x: (x * 2).is_leaf), RIGHT),
    "requires_grad": (when(lambda x: (x * 2).requires_grad), RIGHT),
    "retains_grad": (when(lambda x: x.retains_grad), RIGHT),
    "grad_fn": (when(lambda x: (x * 2).grad_fn is None), RIGHT),
    "_version": (times(lambda x: x.clone().add_(1)._version + 1), RIGHT),
    "output_nr": (times(lambda x: x.output_nr + 1), RIGHT),
    **{
        f"is_{kind}": (when(lambda x, kind=kind: getattr(x, f"is_{kind}")), RIGHT)  # type: ignore[misc]
        for kind in "cpu cuda ipu maia meta mkldnn mps mtia nested quantized sparse sparse_csr vulkan xla xpu".split()
    },
    # values
    "item": (times(lambda x: x.sum().item()), RIGHT),
    "tolist": (times(lambda x: x.sum(0).tolist()[0]), RIGHT),
    "is_nonzero": (when(lambda x: x.sum().is_nonzero()), REFUSED),
    "__bool__": (when(lambda x: bool(x.sum() > 0)), REFUSED),
    "__float__": (times(lambda x: float(x.sum())), RIGHT),
    "__int__": (times(lambda x: int(x.sum())), RIGHT),
    "__long__": (times(lambda x: x.sum().long().__long__()), REFUSED),
    "__index__": (lambda x: torch.ones(9)[operator.index(x.sum().long())], REFUSED),
    "equal": (when(lambda x: x.equal(torch.ones(1, 4))), REFUSED),
    "allclose": (when(lambda x: x.allclose(torch.ones(1, 4))), REFUSED),
    "numpy": (times(lambda x: float(x.numpy().sum())), REFUSED),
    "__array__": (times(lambda x: float(np.asarray(x).sum())), REFUSED),
    "__dlpack__": (lambda x: torch.from_dlpack(x), REFUSED),
    "apply_": (lambda x: x.clone().apply_(lambda value: value + 1), REFUSED),
    "map_": (lambda x: x.clone().map_(x, lambda a, b: a + b), REFUSED),
    "map2_": (lambda x: x.clone().map2_(x, x, lambda a, b, c: a + b + c), REFUSED),
    # memory and identity
    "data_ptr": (when(lambda x: x.data_ptr() == x.view(-1).data_ptr()), REFUSED),
    "const_data_ptr": (when(lambda x: x.const_data_ptr() == x.view(-1).const_data_ptr()), REFUSED),
    "is_set_to": (when(lambda x: x.is_set_to(x.view(x.shape))), REFUSED),
    "is_pinned": (when(lambda x: x.is_pinned()), REFUSED),
    "_is_view": (when(lambda x: x.t().contiguous()._is_view()), REFUSED),
    "_base": (when(lambda x: x.t().contiguous()._base is None), REFUSED),
    "storage": (times(lambda x: len(x.storage())), REFUSED),
    "untyped_storage": (times(lambda x: x.untyped_storage().nbytes()), RIGHT),
    # copies and text
    "__deepcopy__": (lambda x: copy.deepcopy(x).add_(n(x)) + x, RIGHT),
    "__reduce_ex__": (times(lambda x: len(pickle.dumps(x))), REFUSED),
    "__repr__": (times(lambda x: len(repr(x))), REFUSED),
    "__format__": (times(lambda x: len(f"{x.sum()}")), REFUSED),
    "__hash__": (when(lambda x: hash(x) == hash(x)), RIGHT),
    "new": (lambda x: x.new(n(x), 4).fill_(n(x)), RIGHT),
    "new_tensor": (lambda x: x * x.new_tensor([n(x)]), RIGHT),
}

#: Of `torch.SymInt`, which stands for an int: also what functions of Python's and of libraries make of it.
OF_SIZE: dict[str, Row] = {
    "__class__": (when(lambda x: isinstance(n(x), int)), RIGHT),
    "__repr__": (times(lambda x: len(str(n(x)))), REFUSED),
    "__str__": (when(lambda x: str(n(x)) == "1"), REFUSED),
    "__format__": (when(lambda x: f"n{n(x):02d}" == "n07"), REFUSED),
    "__hash__": (when(lambda x: n(x) in {1, 2}), REFUSED),
    "__eq__": (when(lambda x: n(x) in [1, 2]), REFUSED),
    "__ne__": (when(lambda x: n(x) != 16), REFUSED),
    "__lt__": (when(lambda x: n(x) < 9), REFUSED),
    "__le__": (when(lambda x: n(x) <= 16), RIGHT),
    "__gt__": (when(lambda x: n(x) > 1), REFUSED),
    "__ge__": (when(lambda x: n(x) >= 1), RIGHT),
    "__bool__": (when(lambda x: n(x) - 1), REFUSED),
    "__int__": (times(lambda x: int(n(x))), RIGHT),
    "__index__": (times(lambda x: operator.index(n(x))), REFUSED),
    "__round__": (times(lambda x: round(n(x))), RIGHT),
    "__trunc__": (times(lambda x: math.trunc(n(x))), RIGHT),
    "__floor__": (times(lambda x: math.floor(n(x))), RIGHT),
    "__ceil__": (times(lambda x: math.ceil(n(x))), RIGHT),
    "__abs__": (times(lambda x: abs(n(x) - 5)), RIGHT),
    "__neg__": (times(lambda x: -n(x)), RIGHT),
    "__pos__": (times(lambda x: +n(x)), RIGHT),
    "__add__": (times(lambda x: n(x) + 1), RIGHT),
    "__radd__": (times(lambda x: 1 + n(x)), RIGHT),
    "__sub__": (times(lambda x: n(x) - 1), RIGHT),
    "__rsub__": (times(lambda x: 1 - n(x)), RIGHT),
    "__mul__": (times(lambda x: n(x) * 3), RIGHT),
    "__rmul__": (times(lambda x: 3 * n(x)), RIGHT),
    "__truediv__": (times(lambda x: n(x) / 3), RIGHT),
    "__rtruediv__": (times(lambda x: 3 / n(x)), RIGHT),
    "__floordiv__": (times(lambda x: n(x) // 3), RIGHT),
    "__rfloordiv__": (times(lambda x: 9 // n(x)), RIGHT),
    "__mod__": (times(lambda x: n(x) % 3), RIGHT),
    "__rmod__": (times(lambda x: 9 % n(x)), RIGHT),
    "__divmod__": (times(lambda x: divmod(n(x), 3)[1]), RIGHT),
    "__rdivmod__": (times(lambda x: divmod(9, n(x))[0]), RIGHT),
    "__pow__": (times(lambda x: n(x) ** 2), RIGHT),
    "__rpow__": (times(lambda x: 2 ** n(x)), RIGHT),
    "__and__": (times(lambda x: n(x) & 3), RIGHT),
    "__rand__": (times(lambda x: 3 & n(x)), RIGHT),
    "__or__": (times(lambda x: n(x) | 8), RIGHT),
    "__ror__": (times(lambda x: 8 | n(x)), RIGHT),
    "__lshift__": (times(lambda x: n(x) << 1), RIGHT),
    "__rlshift__": (times(lambda x: 1 << n(x)), RIGHT),
    "__rshift__": (times(lambda x: n(x) >> 1), RIGHT),
    "__rrshift__": (times(lambda x: 64 >> n(x)), RIGHT),
    "__invert__": (times(lambda x: ~n(x)), RIGHT),
    "real": (times(lambda x: n(x).real), RIGHT),
    "imag": (times(lambda x: n(x).imag + 1), RIGHT),
    "numerator": (times(lambda x: n(x).numerator), RIGHT),
    "denominator": (times(lambda x: n(x).denominator), RIGHT),
    "to_bytes": (times(lambda x: n(x).to_bytes(2, "big")[1]), REFUSED),
    "bit_count": (times(lambda x: n(x).bit_count()), REFUSED),
    "__copy__": (times(lambda x: copy.copy(n(x))), RIGHT),
    "__deepcopy__": (times(lambda x: copy.deepcopy([n(x)])[0]), RIGHT),
    "__reduce_ex__": (times(lambda x: len(pickle.dumps(n(x)))), REFUSED),
    "as_integer_ratio": (times(lambda x: n(x).as_integer_ratio()[0]), RIGHT),
    "bit_length": (times(lambda x: n(x).bit_length()), REFUSED),
    "conjugate": (times(lambda x: n(x).conjugate()), RIGHT),
    "node": (when(lambda x: hasattr(n(x), "node")), RIGHT),
    "__array_ufunc__": (times(lambda x: int(np.multiply(n(x), 2) + np.arange(3)[1] * n(x))), RIGHT),
}

#: Of `torch.SymFloat`, where it isn't as of a size.
OF_FLOAT: dict[str, Row] = {
    "__class__": (when(lambda x: isinstance(n(x) / 2, float)), RIGHT),
    "__repr__": (when(lambda x: str(n(x) / 2) == "0.5"), REFUSED),
    "__hash__": (when(lambda x: n(x) / 2 in {0.5}), REFUSED),
    "__eq__": (when(lambda x: n(x) / 2 == 0.5), REFUSED),
    "__float__": (times(lambda x: math.sqrt(n(x) / 2)), RIGHT),
    "hex": (times(lambda x: len((n(x) / 2).hex())), REFUSED),
    "is_integer": (when(lambda x: (n(x) / 2).is_integer()), CHECKED),
}

OF_BOOL: dict[str, Row] = {
    "__class__": (when(lambda x: isinstance(n(x) == 1, bool)), RIGHT),
    "__bool__": (when(lambda x: n(x) == 1), REFUSED),
    "__repr__": (when(lambda x: str(n(x) == 1) == "True"), REFUSED),
    "__hash__": (when(lambda x: (n(x) == 1) in {True}), REFUSED),
    "__int__": (times(lambda x: int(n(x) == 1)), REFUSED),
}

OF_SHAPE: dict[str, Row] = {
    "__repr__": (times(lambda x: len(f"{x.shape}")), REFUSED),
    "__hash__": (when(lambda x: x.shape in {(1, 4): 0}), REFUSED),
    "__eq__": (when(lambda x: x.shape == x.t().shape), REFUSED),
    "__lt__": (when(lambda x: x.shape < (2, 0)), REFUSED),
    "__len__": (times(lambda x: len(x.shape)), RIGHT),
    "__contains__": (when(lambda x: 1 in x.shape), REFUSED),
    "__iter__": (times(lambda x: sum(x.shape)), RIGHT),
    "__getitem__": (times(lambda x: x.shape[-2]), RIGHT),
    "__add__": (lambda x: x.reshape(x.shape + (1,)), RIGHT),  # noqa: RUF005
    "__mul__": (times(lambda x: (x.shape * 2)[2]), RIGHT),
    "count": (times(lambda x: x.shape.count(1)), REFUSED),
    "index": (times(lambda x: x.shape.index(4)), REFUSED),
    "numel": (times(lambda x: x.shape.numel()), REFUSED),
}

#: What functions make of sizes.
BY_FUNCTION: dict[str, Row] = {
    "math.gcd": (times(lambda x: math.gcd(n(x), 2)), REFUSED),
    "math.log": (times(lambda x: math.log(n(x))), REFUSED),
    "math.ldexp": (times(lambda x: math.ldexp(0.5, n(x))), RIGHT),
    "math.sin": (times(lambda x: math.sin(n(x))), REFUSED),
    "math.log2": (times(lambda x: math.log2(n(x))), REFUSED),
    "math.radians": (times(lambda x: math.radians(n(x)) + math.degrees(n(x) / 2)), RIGHT),
    "math.isnan": (when(lambda x: math.isnan(n(x)) or not math.isfinite(n(x))), RIGHT),
    "math.isinf of a fraction": (when(lambda x: math.isinf(n(x) / 2)), REFUSED),
    "sqrt by its name alone": (times(lambda x: root(n(x))), RIGHT),
    "ldexp by its name alone": (times(lambda x: ldexp(0.5, n(x))), RIGHT),
    "statistics.mean": (times(lambda x: statistics.mean([n(x), 3])), REFUSED),
    "statistics.median": (times(lambda x: statistics.median([n(x)])), RIGHT),
    "hasattr by a variable": (when(lambda x: any(hasattr(n(x), name) for name in ("node", "shape"))), RIGHT),
    "hasattr elsewhere": (when(lambda x: is_symbol(n(x))), RIGHT),
    "getattr": (when(lambda x: getattr(n(x) / 2, "node", None) is not None), RIGHT),
    "an attribute of no int": (when(node_of), RIGHT),
    "math.prod": (times(lambda x: math.prod(x.shape)), RIGHT),
    "range": (lambda x: sum((x * i for i in range(n(x))), x), REFUSED),
    "np.int64": (times(lambda x: int(np.int64(n(x)))), REFUSED),
    "dict.get": (times(lambda x: {1: 2}.get(n(x), 3)), REFUSED),
    "Counter": (times(lambda x: collections.Counter(x.shape)[1]), REFUSED),
    "list.index": (times(lambda x: [1, 4, 16].index(n(x)) if n(x) in (1, 4, 16) else 5), REFUSED),
    "sorted": (times(lambda x: sorted([n(x), 5])[0]), REFUSED),
    "percent d": (times(lambda x: len("%d" % n(x))), REFUSED),  # noqa: UP031
    "percent s": (times(lambda x: len("%s" % n(x))), REFUSED),  # noqa: UP031
    "text shown": (lambda x: x * len([f"a batch of {n(x)}", f"{x}"]), RIGHT),
    "is_contiguous, for nothing": (lambda x: x.t() if x.t().is_contiguous() else x.t().contiguous(), RIGHT),
    "stride, for nothing": (lambda x: x.as_strided(x.shape, x.stride()), RIGHT),
    "type": (when(lambda x: type(n(x)) is int), RIGHT),
    "type of a fraction": (when(lambda x: type(n(x) / 2) in (int, float)), RIGHT),
    "numbers.Integral": (when(lambda x: isinstance(n(x), numbers.Integral)), RIGHT),
    "np.sqrt": (times(lambda x: float(np.sqrt(n(x)))), RIGHT),
    "np.isnan": (when(lambda x: np.isnan(n(x)) or np.isnan(2)), RIGHT),
    "np.isfinite of a fraction": (when(lambda x: np.isfinite(n(x) / 2)), REFUSED),
    "np.log": (times(lambda x: float(np.log(n(x)))), REFUSED),
    "an array times": (times(lambda x: int((np.array([2, 3]) * n(x))[1])), RIGHT),
    "a tensor of an array": (lambda x: x * torch.from_numpy(np.arange(4) * n(x)), REFUSED),
    "np.prod": (times(lambda x: int(np.prod(x.shape))), RIGHT),
    "an array's index": (times(lambda x: int(np.arange(20)[n(x)])), REFUSED),
    "json.dumps": (times(lambda x: len(json.dumps({"rows": n(x)}))), REFUSED),
    "Decimal": (times(lambda x: int(decimal.Decimal(n(x)))), REFUSED),
    "random": (times(lambda x: random.Random(0).randint(n(x), n(x))), REFUSED),
    "a list's length": (times(lambda x: len([0] * n(x))), REFUSED),
    "a slice of a list": (times(lambda x: len([1, 2, 3, 4, 5, 6, 7][: n(x)])), REFUSED),
    "while": (halvings, REFUSED),
    "match": (matched, REFUSED),
    "and": (times(lambda x: (n(x) - 1) and 5), REFUSED),
    "text in a table": (times(lambda x: {"1": 2, "9": 5}.get(str(n(x)), 3)), REFUSED),
    "text of a fraction": (when(lambda x: str(n(x) / 2) == "4.5"), REFUSED),
    "rounded text": (when(lambda x: f"{n(x) / 3:.2f}" == "2.33"), REFUSED),
    "text of digits": (when(lambda x: f"{n(x):03d}" == "009"), REFUSED),
    "text of a comparison": (when(lambda x: str(n(x) == 1) == "True"), REFUSED),
    "number of pieces": (times(lambda x: len(x.split(2))), REFUSED),
    "where a copy begins": (times(lambda x: x[:, 1:].contiguous().storage_offset()), REFUSED),
    "memory of a copy": (times(lambda x: x[:, :2].contiguous().untyped_storage().nbytes()), REFUSED),
    "strides of zeros_like": (times(lambda x: torch.zeros_like(x.t()).stride(1)), RIGHT),
    "is_contiguous of a crop": (when(lambda x: x[: n(x) // 2 * 2].t().is_contiguous()), REFUSED),
    "is_contiguous of rows": (when(lambda x: x.view(n(x), 2, 2).permute(1, 0, 2).is_contiguous()), REFUSED),
    "is_contiguous in a format": (
        when(lambda x: channels(x).is_contiguous(memory_format=torch.channels_last)),
        REFUSED,
    ),
    "squeeze": (lambda x: x[:, None].squeeze() * 2, RIGHT),
    "squeeze and a copy": (lambda x: torch.zeros(n(x), 4).copy_(x.squeeze()), RIGHT),
    "squeeze to nothing": (lambda x: x.mean(1, keepdim=True).squeeze(), RIGHT),
    "squeeze and expand": (lambda x: x.squeeze().expand(3, n(x), 4), RIGHT),
    "squeeze of an axis": (lambda x: x.squeeze(0) * 2, RIGHT),
    "squeeze and a size": (lambda x: x.squeeze() / x.squeeze().shape[0], REFUSED),
}

#: Names that tell a model nothing of sizes or values.
SAYS_NOTHING: dict[str, set[str]] = {
    "Python's own": set(
        "__annotations__ __dict__ __module__ __weakref__ __getattribute__ __setattr__ __delattr__ __init__ __new__ "
        "__init_subclass__ __subclasshook__ __doc__ __dir__ __getstate__ __setstate__ __reduce__ __sizeof__ "
        "__class_getitem__ __getnewargs__ __match_args__ __slotnames__".split()
    ),
    "of PyTorch's machinery": set(
        "__array_priority__ __array_wrap__ __cuda_array_interface__ __dlpack_c_exchange_api__ __dlpack_device__ "
        "__torch_dispatch__ __torch_function__ _backward_hooks _cdata _clear_non_serializable_cached_data "
        "_dtensor__new__ _fix_weakref _grad_fn _make_subclass _make_wrapper_subclass _post_accumulate_grad_hooks "
        "_python_dispatch _reduce_ex_internal _rev_view_func_unsafe _typed_storage _use_count _view_func "
        "_view_func_unsafe as_subclass backward grad_dtype module_load name register_hook "
        "register_post_accumulate_grad_hook "
        "record_stream retain_grad reinforce share_memory_ is_shared storage_type volatile "
        "_is_zerotensor _sympy_".split()
    ),
    "operators by another name": set(
        "H T __delitem__ __iadd__ __idiv__ __ifloordiv__ __imod__ __imul__ __invert__ __ipow__ __isub__ __itruediv__ "
        "__mod__ __pos__ __radd__ __rdiv__ __rfloordiv__ __rlshift__ __rmatmul__ __rmod__ __rmul__ __ror__ __rpow__ "
        "__rrshift__ __rtruediv__ __rxor__ __setitem__ __truediv__ bfloat16 bool byte cdouble cfloat char double float "
        "__floordiv__ __getitem__ half int ipu long mtia short to_sparse_coo unique xpu "
        "eig lstsq lu solve symeig".split()
    ),
    "of sparse and quantized tensors, which are refused": set(
        "_dimI _dimV _nnz dense_dim sparse_dim is_coalesced q_per_channel_axis q_scale q_zero_point qscheme".split()
    ),
    "right, but PyTorch's verifier takes no program with it": {"__xor__", "__rxor__"},
    "how torch's own functions (torch.sym_max, ...) ask": set(
        "__float_pow__ __float_truediv__ __int_floordiv__ __int_truediv__ __pow_by_natural__ __rfloat_pow__ "
        "__rfloat_truediv__ __rint_floordiv__ __rint_truediv__ __rpow_by_natural__ __sym_acos__ __sym_asin__ "
        "__sym_atan__ __sym_cos__ __sym_cosh__ __sym_float__ __sym_int__ __sym_ite__ __sym_log2__ __sym_max__ "
        "__sym_min__ __sym_not__ __sym_sin__ __sym_sinh__ __sym_sqrt__ __sym_tan__ __sym_tanh__".split()
    ),
}
