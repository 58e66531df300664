"""AOTInductor as an engine. Each program takes seconds to compile: there are few, and each promises several things."""

from __future__ import annotations

import copy
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch._inductor import lowering
from torch._inductor.exc import CppCompileError, InductorError

import tracejet
from tests.support.lambda_module import Lambda, batch
from tracejet.engines.inductor import build, toolchain
from tracejet.engines.inductor.code import Code
from tracejet.export.engine_view import EngineView

pytestmark = pytest.mark.skipif(bool(toolchain.missing()), reason=toolchain.missing())

ROWS = tracejet.Input(min_shape=(0, 8), opt_shape=(4, 8), max_shape=(16, 8), name="rows")


class Net(nn.Module):
    """Weights of all sizes, some of which Inductor would rather have in its code."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first, self.norm, self.last = nn.Linear(8, 16), nn.LayerNorm(16), nn.Linear(16, 8)
        self.scale = nn.Parameter(torch.rand(()) + 1)
        self.register_buffer("few", torch.rand(2))
        self.register_buffer("ones", torch.full((16,), float(seed + 1)))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        hidden = self.norm(torch.relu(self.first(rows))) * self.scale * self.ones
        hidden = (hidden.reshape(rows.shape[0], 8, 2) * self.few).flatten(1)
        return self.last(hidden) + rows.softmax(-1)


@pytest.fixture(scope="module")
def compiled() -> tracejet.CompiledModule:
    return tracejet.compile(Net().eval(), arg_inputs=[ROWS], engine="inductor")


def failing(error: Exception) -> Any:
    def compile(*_: Any, **__: Any) -> Any:
        raise error

    return compile


def rows_of_all_kinds() -> list[torch.Tensor]:
    wide = torch.randn(16, 16)
    plain = [torch.randn(rows, 8) for rows in (0, 1, 2, 4, 7, 16)]
    return [
        *plain,
        wide[:, ::2],
        torch.randn(8, 5).T,
        torch.randn(1, 8).expand(6, 8),
    ]


def test_it_gives_what_eager_gives_at_every_size_and_in_every_layout(compiled: tracejet.CompiledModule) -> None:
    model = Net().eval()
    for rows in rows_of_all_kinds():
        before = rows.clone()
        torch.testing.assert_close(compiled(rows), model(rows), rtol=1e-4, atol=1e-5)
        assert torch.equal(rows, before) and not compiled(rows).requires_grad
    assert compiled.report.engines == ("inductor",)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (torch.randn(17, 8), "axis 0 is 17"),
        (torch.randn(4, 9), "axis 1 is 9"),
        (torch.randn(4, 8).double(), "its dtype is Double"),
        (torch.randn(4, 8, 1), "it has 3 axes"),
        (torch.randn(4, 8, device="meta"), "it is on meta"),
    ],
)
def test_what_the_code_would_not_notice_is_refused(
    compiled: tracejet.CompiledModule, rows: torch.Tensor, message: str
) -> None:
    with pytest.raises(tracejet.InvalidInput, match=message):
        compiled(rows)


def test_calls_come_from_several_threads(compiled: tracejet.CompiledModule) -> None:
    inputs = [torch.randn(rows, 8) for rows in range(1, 9)]
    expected = [compiled(rows) for rows in inputs]
    wrong: list[int] = []

    def call(index: int) -> None:
        wrong.extend(index for _ in range(50) if not torch.equal(compiled(inputs[index]), expected[index]))

    threads = [threading.Thread(target=call, args=(index,)) for index in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_new_weights_need_no_compiler(compiled: tracejet.CompiledModule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_compile", lambda *_: pytest.fail("it was compiled again"))
    fitted = tracejet.refit_module_weights(compiled, Net(1).eval(), arg_inputs=[ROWS])
    rows = torch.randn(3, 8)
    torch.testing.assert_close(fitted(rows), Net(1).eval()(rows), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(compiled(rows), Net(0).eval()(rows), rtol=1e-4, atol=1e-5)


def test_files_hold_no_code_and_none_of_a_file_is_run(
    compiled: tracejet.CompiledModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, forged = tmp_path / "net.pt2", tmp_path / "forged.pt2"
    compiled.save(path)
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if "tracejet/part" in name]
        assert not any(b"\x7fELF" in archive.read(name) for name in archive.namelist())
    asked: list[Any] = []
    real = build._compile
    monkeypatch.setattr(build, "_compile", lambda *given: asked.append(given) or real(*given))
    monkeypatch.setattr(Code, "loaded", lambda *_: pytest.fail("code of a file"))
    forge(path, forged)
    for file in (path, forged):
        loaded = tracejet.load(file)
        rows = torch.randn(3, 8)
        torch.testing.assert_close(loaded(rows), compiled(rows))
        assert loaded.report.engines == ("inductor",)
    assert len(asked) == 2


def forge(path: Path, target: Path) -> None:
    """A file that says it has code for the part."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith("tracejet/compiled.json"):
                content = content.replace(b'"engine":"inductor",', b'"engine":"inductor","entry":"tracejet/part_0",')
                assert b"part_0" in content
                archive.writestr(entry.filename.replace("compiled.json", "part_0"), b"code")
            archive.writestr(entry, content)


def test_the_engine_cache_keeps_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"cache_built_engines": True, "reuse_cached_engines": True, "engine_cache_dir": str(tmp_path)}
    first = tracejet.compile(Net().eval(), arg_inputs=[ROWS], engine="inductor", **settings)
    monkeypatch.setattr(build, "_compile", lambda *_: pytest.fail("it was compiled again"))
    second = tracejet.compile(Net().eval(), arg_inputs=[ROWS], engine="inductor", **settings)
    assert second.report.parts[0].is_cached
    rows = torch.randn(3, 8)
    assert torch.equal(second(rows), first(rows))


class Mixed(nn.Module):
    """Inputs and results of all kinds, state, and memory that two results share."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(8))

    def forward(self, x: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor, half: torch.Tensor) -> tuple[Any, ...]:
        self.calls += 1
        self.mean.mul_(0.5).add_(x.float().mean(0))
        x.mul_(2)
        table = torch.arange(10, dtype=torch.int64)
        picked = torch.where(mask, x, x.new_zeros(())).cumsum(0)
        return picked, table[ids] // 3, half * half, x.shape[0] + 1, ids.T, self.mean * 1, x.sum(1).argmax(), None


def test_state_mutation_dtypes_and_numbers() -> None:
    model = Mixed().eval()
    eager = copy.deepcopy(model)

    def arguments(rows: int) -> list[torch.Tensor]:
        torch.manual_seed(rows)
        ids, mask = torch.randint(-10, 10, (rows, 3)), torch.rand(rows, 8) > 0.5
        return [torch.randn(rows, 8, dtype=torch.float64), ids, mask, torch.randn(rows, 2).bfloat16()]

    axes = ((8, torch.float64), (3, torch.int64), (8, torch.bool), (2, torch.bfloat16))
    inputs = [batch(size, dtype=dtype) for size, dtype in axes]
    compiled = tracejet.compile(model, arg_inputs=inputs, engine="inductor")
    for rows in (1, 2, 9):
        given, expected = arguments(rows), arguments(rows)
        results, wanted = compiled(*given), eager(*expected)
        for result, want in zip(results, wanted, strict=True):
            torch.testing.assert_close(result, want)
        for changed, want in zip(given, expected, strict=True):
            torch.testing.assert_close(changed, want)


def test_what_it_does_not_take_is_said_with_the_line() -> None:
    def forward(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        spectrum = torch.fft.rfft(x)
        noise = torch.rand_like(x)
        chosen = torch.cond(x.sum() > 0, lambda x: x.exp(), lambda x: x.tanh(), (x,))
        return spectrum.abs(), noise, chosen, x[x > 0]

    report = tracejet.check(Lambda(forward), engine="inductor", arg_inputs=[batch(8)])
    reasons = {call.operator.split(".")[0]: call.reason for call in report.refused}
    assert reasons["aten::_fft_r2c"].startswith("computes in complex numbers")
    assert any(reason.startswith("draws random numbers") for op, reason in reasons.items() if "rand" in op)
    assert reasons["higher_order::cond"].startswith("runs graphs of its own")
    assert any("depend on data" in reason for reason in reasons.values())
    assert any("torch.fft.rfft(x)" in call.line.text for call in report.refused if call.line)
    with pytest.raises(tracejet.UnsupportedOperator, match="inductor can't run"):
        tracejet.compile(Lambda(forward), engine="inductor", arg_inputs=[batch(8)])


def test_what_fails_to_build_is_our_error_or_goes_to_the_next_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        return x.exp() * 2

    told = InductorError(CppCompileError(["c++", "a.cpp"], "/tmp/a.cpp:3: error: no such thing\n  3 | int"), None)
    monkeypatch.setattr(build, "_compile", failing(told))
    with pytest.raises(tracejet.UnsupportedOperator, match="can't be compiled by Inductor: error: no such thing"):
        tracejet.compile(Lambda(forward), engine="inductor", arg_inputs=[batch(8)])
    with pytest.warns(tracejet.BuildWarning, match="inductor failed to build .*no such thing"):
        compiled = tracejet.compile(Lambda(forward), engine=["inductor"], min_block_size=1, arg_inputs=[batch(8)])
    assert compiled.report.engines == ("aten",)
    monkeypatch.undo()
    monkeypatch.setitem(lowering.lowerings, torch.ops.aten.exp.default, failing(ValueError("oh")))
    with pytest.raises(tracejet.UnsupportedOperator, match="aten::exp can't be compiled by Inductor") as caught:
        tracejet.compile(Lambda(forward), engine="inductor", arg_inputs=[batch(8)])
    assert "return x.exp() * 2" in str(caught.value)


def test_what_it_takes_for_granted_of_sizes_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    import sympy

    def at_most_four(view: Any) -> list[Any]:
        (symbol,) = view.symbols().values()
        return [sympy.Le(symbol, 4)]

    monkeypatch.setattr(EngineView, "guards", at_most_four)
    small = Lambda(lambda x: x.exp() * 2)
    compiled = tracejet.compile(small, engine="inductor", arg_inputs=[batch(8)])
    x = torch.randn(4, 8)
    torch.testing.assert_close(compiled(x), x.exp() * 2)
    with pytest.raises(tracejet.InvalidInput, match="for sizes of which .* <= 4 holds.*aten"):
        compiled(torch.randn(5, 8))


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(tracejet.InvalidInput, match="compiles with no-such-compiler, which isn't installed"):
        tracejet.compile(Net().eval(), arg_inputs=[ROWS], engine="inductor")
    with pytest.warns(tracejet.BuildWarning, match="effort: nothing is held against others: .*no-such-compiler"):
        tracejet.compile(Net().eval(), arg_inputs=[ROWS], effort="max")


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_it_computes_float32_in_float32(precision: torch.dtype) -> None:
    with pytest.raises(tracejet.InvalidInput, match="inductor computes float32 in float32"):
        tracejet.compile(Net().eval(), arg_inputs=[ROWS], engine="inductor", precision=precision)


def test_convolutions_of_any_batch_are_right_or_refused() -> None:
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=2))
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)).eval()
    compiled = tracejet.compile(model, arg_inputs=[batch(3, 16, 16)], engine="inductor")
    for rows in (2, 4, 7):
        x = torch.randn(rows, 3, 16, 16)
        torch.testing.assert_close(compiled(x), model(x), rtol=1e-4, atol=1e-5)
    for rows in (1, 9):
        x = torch.randn(rows, 3, 16, 16)
        try:
            y = compiled(x)
        except tracejet.InvalidInput:  # a condition that it was compiled for
            continue
        torch.testing.assert_close(y, model(x), rtol=1e-4, atol=1e-5)
