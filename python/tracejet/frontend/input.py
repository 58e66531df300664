"""`Input`: what the tracer has to know of a tensor that it will only see when the program runs."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tracejet import _C
from tracejet._C import ErrorCode, InvalidInput
from tracejet.frontend import dynamic_specs
from tracejet.frontend.input_shapes import MODES, Ranges, as_int, read_ranges, shown, span

_DEFAULT_DOMAIN = (0.0, 2.0)
_RANK_OF_FORMAT = {torch.contiguous_format: None, torch.channels_last: 4, torch.channels_last_3d: 5}


class Input:
    """Describes one tensor input: its shape, or the range of its shape, its dtype and its memory format. Called as
    Torch-TensorRT's `Input`.

    Five ways to say the shape::

        Input((1, 3, 224, 224))                                         # static
        Input(min_shape=(1, 3), opt_shape=(8, 3), max_shape=(16, 3))    # axis 0 is dynamic, axis 1 static
        Input(profiles=[decode, prefill])                               # several such ranges, each tuned for by itself
        Input((Dim("batch", max=16), 3))                                # the same with torch.export's Dim
        Input(torch_tensor=x)                                           # static, everything taken from x

    An axis is dynamic where its min and max differ. `opt` is the size that engines tune for.

    Args:
        shape: the static shape. With `torch.export.Dim`s in it, their ranges; Dims of one name are one dimension. Its
            usual sizes are those of `opt_shape`, or of `torch_tensor`, or else the greatest.
        min_shape, opt_shape, max_shape: the range of the shape; all three together, instead of `shape`. Named tuples
            name the dynamic axes after their fields, as `shared_dims` would.
        profiles: optimization profiles, instead of the other shapes: a list of dicts with the keys "min_shape",
            "opt_shape" and "max_shape". The model is traced for the range that takes in all of them, with the first
            one's opt. All Inputs of a model that have profiles have equally many.
        dtype: the tensor's dtype; by default `torch_tensor`'s, else float32.
        format: `torch.contiguous_format`, `torch.channels_last` (rank 4) or `torch.channels_last_3d` (rank 5).
        name: names the dynamic axes `name_0`, `name_1`, …; by default the name of forward's parameter. Inputs that
            are given the same name share these axes.
        shared_dims: `{axis: "dimension"}`. Axes with the same dimension name, in this or another Input, always have
            the same size: `{0: "batch"}` on two inputs ties their batches together.
        name_dims: another spelling of `shared_dims`.
        tensor_domain: values of example tensors are drawn from [low, high); [0, 2) by default.
        torch_tensor: an example; it must fit what else is said here.
        device: where the tensor will be; by default where `torch_tensor` is, else where the model is.

    Raises:
        InvalidInput: with the axis, what was got and what was expected.
    """

    class _ShapeMode(enum.Enum):
        STATIC = 0
        DYNAMIC = 1

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        *,
        min_shape: Sequence[int] | None = None,
        opt_shape: Sequence[int] | None = None,
        max_shape: Sequence[int] | None = None,
        profiles: Sequence[Mapping[str, Sequence[int]]] | None = None,
        dtype: torch.dtype | None = None,
        format: torch.memory_format = torch.contiguous_format,
        name: str = "",
        shared_dims: Mapping[int, str] | None = None,
        name_dims: Mapping[int, str] | None = None,
        tensor_domain: tuple[float, float] | None = None,
        torch_tensor: torch.Tensor | None = None,
        device: torch.device | str | None = None,
    ):
        self.name = _checked_name(name)
        here = self._label()
        if torch_tensor is not None and not isinstance(torch_tensor, torch.Tensor):
            raise InvalidInput(
                f"{here}: torch_tensor must be a torch.Tensor, got {shown(torch_tensor)}", ErrorCode.INPUT_DECLARATION
            )
        if shared_dims is not None and name_dims is not None:
            raise InvalidInput(
                f"{here}: shared_dims and name_dims are two names of one argument; pass one of them",
                ErrorCode.INPUT_DECLARATION,
            )

        ranges = read_ranges(here, shape, (min_shape, opt_shape, max_shape), profiles, torch_tensor)
        self.min_shape, self.opt_shape, self.max_shape = ranges.envelope
        #: The optimization profiles as they were given, or None.
        self.profiles = None if profiles is None else [profile.as_dict() for profile in ranges.profiles]
        self.dtype = _checked_dtype(here, dtype, torch_tensor)
        _C.check_memory(here, self.opt_shape, self.dtype)
        self.format = _checked_format(here, format, rank=len(self.opt_shape))
        self.shared_dims = self._checked_shared_dims(shared_dims if shared_dims is not None else name_dims, ranges)
        self.tensor_domain = _checked_domain(here, tensor_domain)
        self.device = _checked_device(here, device, torch_tensor)
        self._torch_tensor = self._checked_example(torch_tensor)
        dynamic_specs.claim_names(self, shape)

    @classmethod
    def from_tensor(cls, t: torch.Tensor, disable_memory_format_check: bool = False, *, name: str = "") -> Input:
        """A static Input with the shape, dtype, memory format and device of `t`, which it keeps as its example.

        Raises InvalidInput where `t` is in none of the formats that an Input can have; with
        `disable_memory_format_check` such a tensor counts as contiguous.
        """
        if not isinstance(t, torch.Tensor):
            raise InvalidInput(
                f"Input.from_tensor: expected a torch.Tensor, got {shown(t)}", ErrorCode.INPUT_DECLARATION
            )
        format = _format_of(t)
        if format is None and not disable_memory_format_check:
            raise InvalidInput(
                f"Input.from_tensor: strides {tuple(t.stride())} of shape {tuple(t.shape)} are neither contiguous nor "
                "channels_last; pass t.contiguous()",
                ErrorCode.INPUT_DECLARATION,
            )
        return cls(t.shape, dtype=t.dtype, format=format or torch.contiguous_format, name=name, torch_tensor=t)

    @classmethod
    def from_tensors(cls, ts: Sequence[torch.Tensor], disable_memory_format_check: bool = False) -> list[Input]:
        """`from_tensor` of each tensor in a list or tuple."""
        if not isinstance(ts, (list, tuple)):
            raise InvalidInput(
                f"Input.from_tensors: expected a list or tuple of tensors, got {shown(ts)}", ErrorCode.INPUT_DECLARATION
            )
        return [cls.from_tensor(t, disable_memory_format_check) for t in ts]

    @property
    def is_dynamic(self) -> bool:
        """Whether any axis may vary."""
        return self.min_shape != self.max_shape

    @property
    def shape_mode(self) -> Input._ShapeMode:
        """`Input._ShapeMode.DYNAMIC` where any axis may vary, else `STATIC`, as Torch-TensorRT has it."""
        return Input._ShapeMode.DYNAMIC if self.is_dynamic else Input._ShapeMode.STATIC

    @property
    def shape(self) -> tuple[int, ...] | dict[str, tuple[int, ...]]:
        """The shape where it is static, else `{"min_shape": …, "opt_shape": …, "max_shape": …}`."""
        if not self.is_dynamic:
            return self.opt_shape
        return {"min_shape": self.min_shape, "opt_shape": self.opt_shape, "max_shape": self.max_shape}

    @property
    def name_dims(self) -> dict[int, str]:
        """Another spelling of `shared_dims`: the dimension's name by axis."""
        return self.shared_dims

    @property
    def torch_tensor(self) -> torch.Tensor:
        """The example this Input was made with, or a random one at the opt shape."""
        if self._torch_tensor is None:
            self._torch_tensor = self.example_tensor()
        return self._torch_tensor

    def example_tensor(self, mode: str = "opt") -> torch.Tensor:
        """A random tensor as described here, at the "min", "opt" or "max" shape ("min_shape", … work too).

        Floating point values are uniform in `tensor_domain`, integers are drawn from it, booleans are either.
        """
        if not isinstance(mode, str) or mode.removesuffix("_shape") not in MODES:
            raise InvalidInput(
                f'{self._label()}: example_tensor takes "min", "opt" or "max", got {shown(mode)}',
                ErrorCode.INPUT_DECLARATION,
            )
        size = getattr(self, f"{mode.removesuffix('_shape')}_shape")
        low, high = self.tensor_domain
        device = self.device or torch.device("cpu")
        if self.dtype == torch.bool:
            values = torch.rand(size, device=device) < 0.5
        elif self.dtype.is_floating_point or self.dtype.is_complex:
            real = torch.rand(size, dtype=torch.float64, device=device) * (high - low) + low
            values = real.to(self.dtype)
        else:
            first = math.ceil(low)
            values = torch.randint(first, max(first + 1, math.ceil(high)), size, device=device).to(self.dtype)
        return values.contiguous(memory_format=self.format)

    def __repr__(self) -> str:
        if self.profiles is not None:
            parts = [f"profiles={self.profiles}"]
        elif self.is_dynamic:
            parts = [f"{mode}_shape={getattr(self, mode + '_shape')}" for mode in MODES]
        else:
            parts = [f"shape={self.opt_shape}"]
        parts.append(f"dtype={self.dtype}")
        if self.format != torch.contiguous_format:
            parts.append(f"format={self.format}")
        if self.name:
            parts.append(f"name={self.name!r}")
        if self.shared_dims:
            parts.append(f"shared_dims={self.shared_dims}")
        if self.tensor_domain != _DEFAULT_DOMAIN:
            parts.append(f"tensor_domain={self.tensor_domain}")
        if self.device is not None:
            parts.append(f"device={str(self.device)!r}")
        return f"Input({', '.join(parts)})"

    def _label(self) -> str:
        return f"Input '{self.name}'" if self.name else "Input"

    def _checked_shared_dims(self, shared: Mapping[int, str] | None, ranges: Ranges) -> dict[int, str]:
        if shared is None:
            return ranges.axis_names
        here, rank = self._label(), len(self.opt_shape)
        if ranges.axis_names:
            raise InvalidInput(
                f"{here}: the shapes name the axes (named tuples, or Dims); leave out shared_dims",
                ErrorCode.INPUT_DECLARATION,
            )
        if not isinstance(shared, Mapping):
            raise InvalidInput(
                f'{here}: shared_dims must be a dict like {{0: "batch"}}, got {shown(shared)}',
                ErrorCode.INPUT_DECLARATION,
            )
        named: list[tuple[int, str]] = []
        for key, dim in shared.items():
            axis = as_int(key)
            if axis is None:
                raise InvalidInput(
                    f"{here}: shared_dims names axis {key!r}, but the shape has {rank} axes (0 to {rank - 1})",
                    ErrorCode.INPUT_DECLARATION,
                )
            if not isinstance(dim, str) or not dim.isidentifier():
                raise InvalidInput(
                    f"{here}: shared_dims[{key!r}] must be an identifier like 'batch', got {shown(dim)}",
                    ErrorCode.INPUT_DECLARATION,
                )
            named.append((axis, dim))
        return _C.checked_shared_dims(here, rank, named)

    def _checked_example(self, t: torch.Tensor | None) -> torch.Tensor | None:
        if t is None:
            return None
        here = self._label()
        if t.dtype != self.dtype:
            raise InvalidInput(
                f"{here}: torch_tensor has dtype {t.dtype}, expected {self.dtype}", ErrorCode.INPUT_DECLARATION
            )
        if t.dim() != len(self.opt_shape):
            raise InvalidInput(
                f"{here}: torch_tensor has rank {t.dim()}, expected {len(self.opt_shape)}", ErrorCode.INPUT_DECLARATION
            )
        for axis, (low, size, high) in enumerate(zip(self.min_shape, t.shape, self.max_shape, strict=True)):
            if not low <= size <= high:
                raise InvalidInput(
                    f"{here}: axis {axis} of torch_tensor has size {size}, expected {span(low, high)}",
                    ErrorCode.INPUT_DECLARATION,
                )
        return t


def _checked_name(name: Any) -> str:
    if name is None:
        return ""
    if not isinstance(name, str) or (name and not name.isidentifier()):
        raise InvalidInput(
            f"Input: name must be an identifier like 'x', got {shown(name)}", ErrorCode.INPUT_DECLARATION
        )
    return name


def _checked_dtype(here: str, dtype: Any, example: torch.Tensor | None) -> torch.dtype:
    if dtype is None:
        return torch.float32 if example is None else example.dtype
    if not isinstance(dtype, torch.dtype):
        raise InvalidInput(
            f"{here}: dtype must be a torch.dtype like torch.float32, got {shown(dtype)}", ErrorCode.INPUT_DECLARATION
        )
    return dtype


def _checked_format(here: str, format: Any, rank: int) -> torch.memory_format:
    if not isinstance(format, torch.memory_format) or format not in _RANK_OF_FORMAT:
        known = ", ".join(str(f) for f in _RANK_OF_FORMAT)
        raise InvalidInput(f"{here}: format must be one of {known}, got {shown(format)}", ErrorCode.INPUT_DECLARATION)
    if _RANK_OF_FORMAT[format] not in (None, rank):
        raise InvalidInput(
            f"{here}: format {format} needs rank {_RANK_OF_FORMAT[format]}, got rank {rank}",
            ErrorCode.INPUT_DECLARATION,
        )
    return format


def _checked_domain(here: str, domain: Any) -> tuple[float, float]:
    if domain is None:
        return _DEFAULT_DOMAIN
    try:
        low, high = (float(bound) for bound in domain)
    except (TypeError, ValueError):
        raise InvalidInput(
            f"{here}: tensor_domain must be two numbers (low, high), got {shown(domain)}", ErrorCode.INPUT_DECLARATION
        ) from None
    if not low < high:
        raise InvalidInput(
            f"{here}: tensor_domain ({low}, {high}) is empty; expected low < high", ErrorCode.INPUT_DECLARATION
        )
    return low, high


def _checked_device(here: str, device: Any, example: torch.Tensor | None) -> torch.device | None:
    if device is None:
        return None if example is None else example.device
    try:
        return torch.device(device)
    except (RuntimeError, TypeError):
        raise InvalidInput(
            f"{here}: device must be a torch.device or its name, got {shown(device)}", ErrorCode.INPUT_DECLARATION
        ) from None


def _format_of(t: torch.Tensor) -> torch.memory_format | None:
    for format, rank in _RANK_OF_FORMAT.items():
        if rank in (None, t.dim()) and t.is_contiguous(memory_format=format):
            return format
    return None


def example_of(value: Any) -> Any:
    """An Input's example tensor; anything else as it is."""
    return value.example_tensor() if isinstance(value, Input) else value


def input_like(tensor: torch.Tensor, sizes: Sequence[tuple[int, int, int]], names: Mapping[int, str]) -> Input:
    """An Input for what `tensor` stands for: (min, opt, max) of each axis, and the dimensions of those with names."""
    min_shape, opt_shape, max_shape = ([size[mode] for size in sizes] for mode in range(3))
    return Input(
        min_shape=min_shape,
        opt_shape=opt_shape,
        max_shape=max_shape,
        dtype=tensor.dtype,
        device=tensor.device,
        shared_dims=names,
    )
