"""Templates of lines that arrange, make or overwrite tensors: views, joins, new tensors, writes in place."""

from __future__ import annotations

import torch

from tests.support.random_lines import Scope, Variable, template

# Views ---------------------------------------------------------------------------------------------------------------


@template(8)
def reshape(s: Scope) -> list[str]:
    x = s.any(lambda v: v.rank > 0)
    sizes = [x.size(axis) for axis in range(x.rank)]
    options = [f"{x}.reshape(-1)", f"{x}.flatten()", f"{x}.reshape({sizes[0]}, -1)", f"{x}.reshape(-1, {sizes[-1]})"]
    if x.rank > 1:
        at = s.rng.randint(1, x.rank - 1)
        merged = ", ".join([*sizes[: at - 1], f"{x}.shape[{at - 1}] * {x}.shape[{at}]", *sizes[at + 1 :]])
        options += [f"{x}.flatten({at - 1}, {at})", f"{x}.view({merged})", f"{x}.reshape({merged})",
                    f"{x}.view({sizes[0]}, -1)", f"{x}.view(*{x}.shape[:-1], 1, -1)"]  # fmt: skip
    even = [axis for axis in range(x.rank) if x.is_fixed(axis) and x.least(axis) in (2, 4, 6, 8)]
    if even:
        axis = s.choice(*even)
        options += [
            f"{x}.unflatten({axis}, (2, -1))",
            f"{x}.reshape({', '.join([*sizes[:axis], '2', '-1', *sizes[axis + 1 :]])})",
        ]
    return options


@template(6)
def reorder(s: Scope) -> list[str]:
    x = s.any(lambda v: v.rank > 1)
    a, b = s.rng.sample(range(x.rank), 2)
    return [
        f"{x}.transpose({a}, {b})", f"{x}.permute({s.order(x)})", f"{x}.movedim({a}, {b})", f"{x}.flip({s.axes(x)})",
        f"{x}.roll({s.choice(1, -2)}, {a})", f"{x}.mT", f"{x}.contiguous()", f"{x}.transpose({a}, {b}).contiguous()",
        f"{x}.permute({s.order(x)}).clone()", f"torch.rot90({x}, 1, ({a}, {b}))",
    ]  # fmt: skip


@template(6)
def spread(s: Scope) -> list[str]:
    x = s.any(lambda v: v.rank < 5)
    ones = [axis for axis in range(x.rank) if x.is_fixed(axis) and x.least(axis) == 1]
    options = [f"{x}.unsqueeze({s.rng.randint(-x.rank - 1, x.rank)})", f"{x}[None]", f"{x}[..., None]",
               f"{x}.expand({', '.join(['3', *['-1'] * x.rank])})",
               f"{x}.repeat({', '.join(['2', *['1'] * x.rank])})"]  # fmt: skip
    if x.rank:
        axis = s.axis(x)
        options += [
            f"{x}.repeat_interleave(2, {axis})",
            f"{x}.tile(2)",
            f"{x}.unsqueeze({axis}).expand({spliced(x, axis, s.size_of_any())})",
        ]
    for axis in ones:
        options += [
            f"{x}.squeeze({axis})",
            f"{x}.expand({replaced(x, axis, s.size_of_any())})",
            f"{x}.expand({replaced(x, axis, '3')})",
        ]
    return options


def spliced(x: Variable, axis: int, size: str) -> str:
    sizes = [x.size(i) for i in range(x.rank)]
    return ", ".join([*sizes[:axis], size, *sizes[axis:]])


def replaced(x: Variable, axis: int, size: str) -> str:
    return ", ".join([x.size(i) if i != axis else size for i in range(x.rank)])


@template(8)
def part(s: Scope) -> list[str]:
    x = s.any(lambda v: v.rank > 0)
    axis = s.axis(x)
    at, size = ":, " * axis, f"{x}.shape[{axis}]"
    options = [f"{x}[{at}0]", f"{x}[{at}-1]", f"{x}[{at}1:]", f"{x}[{at}:-1]", f"{x}[{at}::2]",
               f"{x}[{at}:{size} // 2]",
               f"{x}[{at}{size} // 2:]", f"{x}[{at}:2]", f"{x}[{at}-2:]", f"{x}[{at}1:{size} - 1]",
               f"{x}[{at}:{size} + 3]", f"{x}[{at}{size} - 2:]", f"{x}[{at}:{size} - 3]", f"{x}[{at}-({size} // 2):]",
               f"{x}[{at}{size} - 3:{size} - 1]", f"{x}[{at}3 - {size}:]", f"{x}[{at}:-({size} % 3)]",
               f"{x}.narrow({axis}, 0, {size} - 1)", f"{x}.narrow({axis}, {size} // 2, 1)", f"{x}.narrow({axis}, 1, 1)",
               f"{x}.split([1, {size} - 1], {axis})[1]", f"{x}.split([{size} // 2, {size} - {size} // 2], {axis})[0]",
               f"{x}.unfold({axis}, 2, 1)"]  # fmt: skip
    if x.is_fixed(axis):
        options += [f"{x}.chunk(2, {axis})[-1]", f"{x}.split(2, {axis})[-1]", f"{x}.unbind({axis})[-1]",
                    f"{x}.tensor_split(2, {axis})[0]"] * 2  # fmt: skip
    if x.rank > 1:
        options += [f"{x}.diagonal()", f"{x}.diagonal({s.choice(1, -1)}, 0, -1)"]
    return options


@template(3)
def triangle(s: Scope) -> list[str]:
    x = s.any(lambda v: v.rank >= 2)
    options = [
        f"{x}.tril()",
        f"{x}.triu(1)",
        f"{x}.tril(-1)",
        f"torch.diag_embed({x})",
        f"{x}.triu({x}.shape[-1] - {x}.shape[-2])",
    ]
    if x.rank == 2 and x.dtype is not torch.bool:
        options += [f"torch.trace({x})", f"torch.diag({x})"]
    return options


# Joins ---------------------------------------------------------------------------------------------------------------


@template(6)
def join(s: Scope) -> list[str]:
    x = s.any(lambda v: 0 < v.rank < 5)
    y = s.same_shape(x)
    axis = s.signed_axis(x)
    longer = f"torch.cat([{x}, {y}, {x}], {axis})"
    options = [f"torch.cat([{x}, {y}], {axis})", longer, f"torch.stack([{x}, {y}], {axis})",
               f"torch.hstack([{x}, {y}])",
               f"torch.cat([{x}, {x}[:1]])", f"torch.stack([{x}, {y}, {x}], -1)",
               f"torch.vstack([{x}, {y}])"]  # fmt: skip
    if x.rank == 1:
        options += [f"torch.meshgrid({x}, {y}, indexing='ij')[0]", f"torch.meshgrid({x}, {x}, indexing='xy')[1]"]
    return options


# New tensors ---------------------------------------------------------------------------------------------------------


@template(6)
def creation(s: Scope) -> list[str]:
    x = s.any(lambda v: v.rank > 0)
    size, other = s.size_of_any(), s.size_of_any()
    return [
        f"torch.zeros({size}, {other}, dtype=FLOAT)", f"torch.ones({size}, 2, dtype=torch.int64)",
        f"torch.full(({size},), {other})",
        f"torch.arange({size})", f"torch.arange({size}, dtype=FLOAT)", f"torch.arange(0, {size} * 2, 2)",
        f"torch.arange({size} - 1, -1, -1)", f"torch.eye({size}, dtype=FLOAT)",
        f"torch.eye({size}, {other}, dtype=FLOAT)",
        "torch.linspace(0, 1, 5, dtype=FLOAT)", f"torch.zeros_like({x})",
        f"torch.ones_like({x}, dtype=FLOAT)",
        f"{x}.new_full(({size}, 2), 3)", f"{x}.new_zeros({x}.shape)", f"torch.full_like({x}, 2)",
        f"torch.ones({size}, {size}, dtype=torch.bool).tril()",
        f"torch.arange({size})[:, None] - torch.arange({other})[None, :]",
        f"torch.empty_like({x}).fill_(1)", "torch.tensor([1.5, 2.5], dtype=FLOAT)",
        f"torch.tensor({s.choice(2, 0.5)})",
    ]  # fmt: skip


# Writes in place -----------------------------------------------------------------------------------------------------


@template(4)
def write(s: Scope) -> list[str]:
    x = s.number()
    return [f"{x}.add_({s.choice(1, 2)})", f"{x}.mul_(2)", f"{x} *= 2", f"{x} += 1", f"{x}.clamp_(-1, 2)",
                    f"{x}.relu_()", f"{x}.zero_()", f"{x}.neg_()", f"{x}.fill_(3)",
                    f"{x} -= {x}.sum().to({x}.dtype) * 0"]  # fmt: skip


@template(7)
def write_part(s: Scope) -> list[str]:
    x = s.number(1)
    axis = s.axis(x)
    at = ":, " * axis
    options = [f"{x}[{at}0] = {s.choice(1, 2)}", f"{x}[{at}1:].mul_(2)", f"{x}[{at}:-1] += 1", f"{x}[{at}::2] = 3",
               f"{x}.select({axis}, -1).add_(1)", f"{x}.narrow({axis}, 0, 1).zero_()", f"{x}.unsqueeze(0).mul_(-1)",
               f"{x}[{at}{x}.shape[{axis}] // 2:] = 0",
               f"{x}[{at}{x}.shape[{axis}] - 2:] = 2", f"{x}[{at}-({x}.shape[{axis}] // 2):].add_(1)"]  # fmt: skip
    if x.rank > 1:
        options += [f"{x}.transpose(0, -1).add_(1)", f"{x}.diagonal().fill_(2)", f"{x}.permute({s.order(x)})[0] = 1",
                    f"{x}.view({x}.shape[0], -1).mul_(2)"]  # fmt: skip
    same = [v for v in s.variables if v.shape == x.shape and v.dtype == x.dtype and v.name != x.name]
    options += [line for v in same for line in (f"{x}.copy_({v})", f"{x}.add_({v})", f"{x}[:1] = {v}[:1]")]
    masks = [v for v in s.variables if v.shape == x.shape and v.dtype is torch.bool]
    options += [line for v in masks for line in (f"{x}[{v}] = 2", f"{x}.masked_fill_({v}, 1)")]
    indices = [v for v in s.variables if v.rank == 1 and v.dtype is torch.int64]
    options += [
        line for v in indices for line in (f"{x}[{v} % {x}.shape[0]] = 2", f"{x}.index_fill_(0, {v} % {x}.shape[0], 1)")
    ]
    return options
