"""Every way in which Python code learns something of a traced tensor or size: what a model may ask, as data.

A row is a name of PyTorch's class, a model that asks, and the verdict. `RIGHT`: the program is right at every declared
size. `REFUSED`: the trace says so, with the axis or the model's line. `CHECKED`: the program refuses
sizes that go the other way when it runs. Names that tell nothing of sizes or values stand
in `SAYS_NOTHING`, with the reason. What is neither here nor an operator that gives tensors fails the test: see
`test_questions.py`.
"""

from __future__ import annotations

import copy
import math
import operator
import pickle
from collections.abc import Callable
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
