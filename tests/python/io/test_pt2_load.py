"""`tracejet.load`: programs that torch.export or tracejet saved run as they did."""

from __future__ import annotations

import copy
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

import tracejet
from testing.models import SMALL_MODELS
from tests.support.program_cases import Case, Tied, cases
from tracejet import Input


def run(program: torch.export.ExportedProgram, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    compiled = tracejet.compile(program, engine="aten")
    with torch.no_grad():
        return pytree.tree_leaves(compiled(*args, **kwargs))


def assert_close(results: list[Any], expected: list[Any]) -> None:
    for a, b in zip(results, expected, strict=True):
        if isinstance(a, torch.Tensor):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
        else:
            assert a == b


@pytest.mark.parametrize("case", cases(), ids=str)
@pytest.mark.parametrize("save", [torch.export.save, tracejet.save], ids=["torch", "tracejet"])
def test_a_loaded_program_gives_what_the_saved_one_gives(case: Case, save: Callable, tmp_path: Path) -> None:
    program = tracejet.trace(case.model, arg_inputs=case.args, kwarg_inputs=case.kwargs)
    save(program, tmp_path / "program.pt2")
    loaded = tracejet.load(tmp_path / "program.pt2")
    assert loaded.graph_signature == program.graph_signature
    assert loaded.range_constraints == program.range_constraints
    assert loaded.graph_module.code == program.graph_module.code
    again = copy.deepcopy((case.args, case.kwargs))  # some write to their inputs
    assert_close(run(loaded, case.args, case.kwargs), run(program, *again))


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_dynamic_models_run_at_every_size(name: str, tmp_path: Path) -> None:
    case = SMALL_MODELS[name]
    args, kwargs = case.tracejet_inputs()
    tracejet.save(tracejet.trace(case.module(), arg_inputs=args, kwarg_inputs=kwargs), tmp_path / "model.pt2")
    compiled = tracejet.compile(tracejet.load(tmp_path / "model.pt2"), engine="aten")
    for which in ("min", "opt", "max"):
        args, kwargs = case.example(which)
        with torch.no_grad():
            assert_close(
                pytree.tree_leaves(compiled(*args, **kwargs)), pytree.tree_leaves(case.module()(*args, **kwargs))
            )


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.tensor([float("-inf"), -0.0, float("nan"), float("inf")]))

    def forward(self, x: torch.Tensor) -> Any:
        rows = (x > 0).nonzero()
        scaled = torch.cond(x.sum() > 0, lambda x: x * 2, lambda x: x - 1, (x,))
        return x.masked_fill(x > 0, float("-inf")), self.table.clone(), rows, scaled, x.size(0) * 3, None, 2.5


@pytest.mark.parametrize("save", [torch.export.save, tracejet.save], ids=["torch", "tracejet"])
def test_infinities_branches_and_sizes_of_data(save: Callable, tmp_path: Path) -> None:
    model = Masked()
    x = Input(min_shape=(1, 3), opt_shape=(4, 3), max_shape=(9, 3), name="x")
    save(tracejet.trace(model, arg_inputs=[x]), tmp_path / "masked.pt2")
    loaded = tracejet.load(tmp_path / "masked.pt2")
    for rows in (1, 4, 9):
        value = torch.randn(rows, 3)
        for a, b in zip(run(loaded, (value,), {}), pytree.tree_leaves(model(value)), strict=True):
            assert torch.equal(a.isnan(), b.isnan()) if isinstance(b, torch.Tensor) and b.isnan().any() else True
            if isinstance(b, torch.Tensor):
                torch.testing.assert_close(a, b, equal_nan=True)
                if b.is_floating_point():
                    assert torch.equal(a.signbit(), b.signbit())
            else:
                assert a == b
    with pytest.raises(tracejet.InvalidInput):
        run(loaded, (torch.randn(10, 3),), {})


DTYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.float16]
DTYPES += [torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128, torch.float8_e4m3fn]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_weights_of_every_dtype_are_the_same_bytes(dtype: torch.dtype, tmp_path: Path) -> None:
    class Holds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("kept", torch.randint(0, 2, (3, 4)).to(dtype))
            self.register_buffer("turned", torch.randint(0, 2, (4, 3)).to(dtype).t())
            self.register_buffer("empty", torch.empty(0, 2, dtype=dtype))

        def forward(self, x: torch.Tensor) -> Any:
            return x + 1, self.kept.clone(), self.turned.clone(), self.empty.clone()

    model = Holds()
    program = tracejet.trace(model, arg_inputs=[torch.ones(2)])
    tracejet.save(program, tmp_path / "ours.pt2")
    torch.export.save(program, tmp_path / "theirs.pt2")
    for path in ("ours.pt2", "theirs.pt2"):
        for loaded in (tracejet.load(tmp_path / path), torch.export.load(tmp_path / path)):
            for name, tensor in model.state_dict().items():
                found = loaded.state_dict[name]
                assert found.dtype == dtype and found.stride() == tensor.stride()
                assert found.contiguous().view(torch.uint8).equal(tensor.contiguous().view(torch.uint8))


@pytest.mark.parametrize("save", [torch.export.save, tracejet.save], ids=["torch", "tracejet"])
def test_a_loaded_program_is_a_module_that_trains(save: Callable, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).eval()
    save(tracejet.trace(model, arg_inputs=[torch.ones(2, 4)]), tmp_path / "model.pt2")
    loaded = tracejet.load(tmp_path / "model.pt2")
    module, x = loaded.module(), torch.randn(2, 4)
    torch.testing.assert_close(module(x), model(x))
    module(x).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    for again in (torch.export.save, tracejet.save):
        again(loaded, tmp_path / "again.pt2")
        torch.testing.assert_close(torch.export.load(tmp_path / "again.pt2").module()(x), model(x))


def test_tied_weights_are_one_memory(tmp_path: Path) -> None:
    tracejet.save(tracejet.trace(Tied(), arg_inputs=[torch.tensor([[1, 2]])]), tmp_path / "tied.pt2")
    state = tracejet.load(tmp_path / "tied.pt2").state_dict
    assert len({tensor.data_ptr() for tensor in state.values()}) == 1
    with zipfile.ZipFile(tmp_path / "tied.pt2") as archive:
        assert sum("/weight_" in name for name in archive.namelist()) == 1


def test_what_a_program_writes_doesnt_reach_the_file(tmp_path: Path) -> None:
    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls.add_(1)
            return x + self.calls

    path = tmp_path / "counts.pt2"
    tracejet.save(tracejet.trace(Counts(), arg_inputs=[torch.zeros(2)]), path)
    before = path.read_bytes()
    compiled = tracejet.compile(tracejet.load(path), engine="aten")
    assert [compiled(torch.zeros(2))[0].item() for _ in range(3)] == [1, 2, 3]
    assert path.read_bytes() == before
    assert tracejet.compile(tracejet.load(path), engine="aten")(torch.zeros(2))[0] == 1


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.qkv = nn.LayerNorm(8), nn.Linear(8, 24)
        self.register_buffer("mask", torch.full((16, 16), float("-inf")).triu(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, _ = x.shape
        q, k, v = self.qkv(self.norm(x)).view(batch, length, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q @ k.transpose(-1, -2) + self.mask[:length, :length]).softmax(-1)
        return (scores @ v).transpose(1, 2).reshape(batch, length, 8)


class Halves(nn.Module):
    def forward(self, x: torch.Tensor, pair: dict[str, list[torch.Tensor]]) -> Any:
        first, second = pair["both"]
        return {"halves": x.view(2, -1), "sum": [first + second[: first.size(0)], None]}, x.size(0) // 2


class Complex(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("turn", torch.polar(torch.ones(4), torch.arange(4.0)))

    def forward(self, x: torch.Tensor) -> Any:
        return torch.view_as_real(torch.view_as_complex(x) * self.turn), (x > 0).any(), x.half(), x.to(torch.int16)


class Chosen(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        count = (x > 0).sum().item()
        torch._check(count >= 0)
        torch._check(count <= 100)
        picked = torch.cond(x.sum() > 0, lambda x: x.sin() * 2, lambda x: x.cos(), (x,))
        return picked, torch.arange(count), x[x > 0]


AUTO = torch.export.Dim.AUTO
EXPORTED = {
    "attention": (Attends, lambda n: (torch.randn(n, 5, 8),), ({0: AUTO, 1: AUTO},), (2, 3, 8)),
    "guards": (
        Halves,
        lambda n: (torch.randn(n, 3), {"both": [torch.randn(n), torch.randn(n + 1)]}),
        ({0: AUTO}, {"both": [{0: AUTO}, {0: AUTO}]}),
        (4, 6, 10),
    ),
    "complex": (Complex, lambda n: (torch.randn(n, 4, 2),), ({0: AUTO},), (2, 3)),
    "data": (Chosen, lambda n: (torch.randn(n, 3),), ({0: AUTO},), (2, 5)),
}


@pytest.mark.parametrize("name", EXPORTED)
@pytest.mark.parametrize("engine", ["aten", "auto"])
def test_what_torch_export_exports_runs_at_other_sizes(name: str, engine: str, tmp_path: Path) -> None:
    make, inputs, dynamic, sizes = EXPORTED[name]
    torch.manual_seed(0)
    model = make().eval()
    exported = torch.export.export(model, inputs(4), dynamic_shapes=dynamic).run_decompositions()
    torch.export.save(exported, tmp_path / "exported.pt2")
    compiled = tracejet.compile(tracejet.load(tmp_path / "exported.pt2"), engine=engine)
    for size in sizes:
        args = inputs(size)
        with torch.no_grad():
            found, expected = compiled(*args), model(*args)
        assert pytree.tree_structure(found) == pytree.tree_structure(expected)
        assert_close(pytree.tree_leaves(found), pytree.tree_leaves(expected))


class Sized(nn.Module):
    def __init__(self, size: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> Any:
        batch, length = x.shape
        size = self.size(batch, length)
        return torch.zeros(size * batch), torch.ones(batch, size, length).view(-1, length), torch.full((size + 1,), 2)


SIZES: dict[str, Callable[[Any, Any], Any]] = {
    "ceil": lambda batch, length: math.ceil(length * 0.7),
    "floor": lambda batch, length: math.floor(length * 0.7),
    "negative": lambda batch, length: 40 + math.floor(length * -0.7) + math.ceil(length * -0.3),
    "trunc": lambda batch, length: int(length * 0.7),
    "truth": lambda batch, length: 1 + int(torch.sym_ite(length > batch, 1, 0)),
    "choice": lambda batch, length: torch.sym_ite(length > batch, length, batch),
    "quotients": lambda batch, length: length // 2 + length % 3 + 1,
    "extremes": lambda batch, length: torch.sym_max(length, 7) + torch.sym_min(batch, 3),
    "arange": lambda batch, length: torch.arange(length, -length, -1.0).shape[0],
}


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("save", [torch.export.save, tracejet.save], ids=["torch", "tracejet"])
def test_sizes_come_back_as_they_are_computed(name: str, save: Callable, tmp_path: Path) -> None:
    model = Sized(SIZES[name])
    x = Input(min_shape=(2, 2), opt_shape=(4, 9), max_shape=(8, 31), name="x")
    program = tracejet.trace(model, arg_inputs=[x])
    save(program, tmp_path / "sized.pt2")
    loaded = tracejet.load(tmp_path / "sized.pt2")
    assert loaded.graph_module.code == program.graph_module.code
    for shape in ((2, 2), (3, 10), (8, 31), (5, 7)):
        assert_close(run(loaded, (torch.ones(shape),), {}), list(model(torch.ones(shape))))


def test_the_guards_of_a_file_are_checked(tmp_path: Path) -> None:
    make, inputs, dynamic, _ = EXPORTED["guards"]
    torch.export.save(torch.export.export(make(), inputs(4), dynamic_shapes=dynamic), tmp_path / "guards.pt2")
    compiled = tracejet.compile(tracejet.load(tmp_path / "guards.pt2"), engine="aten")
    x, pair = inputs(4)
    with pytest.raises(tracejet.InvalidInput, match="Guard failed"):
        compiled(torch.randn(5, 3), pair)
    pair["both"][1] = torch.randn(2)
    with pytest.raises(tracejet.InvalidInput):
        compiled(x, pair)


class Halves(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(x.shape[0] // 2, 2, 4).sum(1) * x.shape[0]


class Neighbours(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x[1:] + x[:-1]).reshape(x.shape[0] - 1, 2, 2)


class Both(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.reshape(x.shape[0] // 2, 8), y.reshape(y.shape[0] // 3, 12)], 1)


HALF = torch.export.Dim("half", min=2, max=8)  # torch.export takes sizes of 0 and 1 for others
DERIVED: dict[str, tuple[nn.Module, tuple[Any, ...], list[tuple[int, ...]]]] = {
    "2 * half": (Halves(), ({0: 2 * HALF},), [(4,), (6,), (16,)]),
    "half + 1": (Neighbours(), ({0: HALF + 1},), [(3,), (4,), (9,)]),
    "two multiples": (Both(), ({0: 2 * HALF}, {0: 3 * HALF}), [(4, 6), (6, 9), (16, 24)]),
    "found while tracing": (Halves(), ({0: torch.export.Dim.AUTO},), [(4,), (6,), (16,)]),
}


@pytest.mark.parametrize("case", DERIVED)
def test_sizes_that_follow_from_a_size_that_no_axis_has(case: str, tmp_path: Path) -> None:
    model, dynamic_shapes, sizes = DERIVED[case]
    example = tuple(torch.randn(size, 4) for size in sizes[1])
    program = torch.export.export(model, example, dynamic_shapes=dynamic_shapes)
    torch.export.save(program, tmp_path / "derived.pt2")
    loaded = tracejet.load(tmp_path / "derived.pt2")
    runs = [loaded.module(), tracejet.compile(loaded, engine="aten"), tracejet.compile(loaded)]
    if case != "found while tracing":  # which says more of its sizes by guards than by ranges
        runs.append(tracejet.compile(tracejet.trace(loaded)))
    tracejet.save(loaded, tmp_path / "again.pt2")
    runs += [torch.export.load(tmp_path / "again.pt2").module(), tracejet.load(tmp_path / "again.pt2").module()]
    for run_program in runs:
        for each in sizes:
            args = tuple(torch.randn(size, 4) for size in each)
            torch.testing.assert_close(run_program(*args), model(*args))
    if case == "2 * half":
        with pytest.raises(tracejet.Error, match="Guard failed"):
            runs[1](torch.randn(7, 4))
