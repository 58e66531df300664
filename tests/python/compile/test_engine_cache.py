"""The engine cache: what is compiled is found again, for the very same program only."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from testing.models import SMALL_MODELS
from tests.support.engine_cache import Net, assert_same, compiled_in, convolutions, entries, is_hit, run_python
from tests.support.lambda_module import Lambda, batch
from tests.support.small_models import Counter


def test_the_second_time_a_program_is_loaded_and_gives_the_same(tmp_path: Path) -> None:
    first = compiled_in(tmp_path, Net())
    assert not is_hit(first) and len(entries(tmp_path)) == 1
    second = compiled_in(tmp_path, Net())
    assert is_hit(second) and "from the engine cache" in str(second.report)
    assert second.report.to_json()["parts"][0]["is_cached"] is True
    assert_same(second, first)
    with pytest.raises(tracejet.InvalidInput, match="axis 0 is 99"):
        second(torch.randn(99, 8))
    assert tracejet.verify(tracejet.trace(Net(), arg_inputs=[batch(8)]), second).ok


def test_nothing_is_kept_and_nothing_used_unless_asked_for(tmp_path: Path) -> None:
    compiled_in(tmp_path, Net(), cache_built_engines=False)
    assert not entries(tmp_path)
    compiled_in(tmp_path, Net(), reuse_cached_engines=False)
    assert len(entries(tmp_path)) == 1
    assert not is_hit(compiled_in(tmp_path, Net(), reuse_cached_engines=False))
    before = entries(tmp_path)[0].stat().st_mtime_ns
    assert is_hit(compiled_in(tmp_path, Net(), cache_built_engines=False))
    assert entries(tmp_path)[0].stat().st_mtime_ns >= before


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_a_model_from_the_cache_is_the_model(name: str, tmp_path: Path) -> None:
    case = SMALL_MODELS[name]
    model = case.module()
    args, kwargs = case.tracejet_inputs()
    settings = {"kwarg_inputs": kwargs, "engine": "auto"}
    first = compiled_in(tmp_path, model, *args, **settings)
    second = compiled_in(tmp_path, model, *args, **settings)
    assert is_hit(second) and not is_hit(first)
    for which in ("min", "opt", "max"):
        inputs, keywords = case.example(which)
        torch.testing.assert_close(second(*inputs, **keywords), first(*inputs, **keywords), rtol=0, atol=0)


def clamped(low: float, high: float) -> nn.Module:
    return Lambda(lambda x: x.clamp(low, high))


#: Programs that an engine mustn't take for each other, by what tells them apart.
PAIRS: dict[str, tuple[Callable[[], tuple[nn.Module, Any]], Callable[[], tuple[nn.Module, Any]]]] = {
    "numbers among the arguments": (lambda: (clamped(0, 1), batch(8)), lambda: (clamped(0, 6), batch(8))),
    "the order of operands": (
        lambda: (Lambda(lambda x: (x - x.exp()).softmax(-1)), batch(8)),
        lambda: (Lambda(lambda x: (x.exp() - x).softmax(-1)), batch(8)),
    ),
    "edges": (
        lambda: (Lambda(lambda x: x.exp() + x.sin().exp()), batch(8)),
        lambda: (Lambda(lambda x: x.exp() + x.exp().sin()), batch(8)),
    ),
    "lists": (
        lambda: (Lambda(lambda x: x.permute(0, 2, 1).reshape(-1)), batch(4, 4)),
        lambda: (Lambda(lambda x: x.permute(2, 0, 1).reshape(-1)), batch(4, 4)),
    ),
    "text": (
        lambda: (nn.GELU(approximate="none"), batch(8)),
        lambda: (nn.GELU(approximate="tanh"), batch(8)),
    ),
    "an axis": (lambda: (Lambda(lambda x: x.cumsum(0)), batch(8)), lambda: (Lambda(lambda x: x.cumsum(1)), batch(8))),
    "weights": (lambda: (Net(0), batch(8)), lambda: (Net(1), batch(8))),
    "ranges": (lambda: (Net(), batch(8)), lambda: (Net(), batch(8, high=12))),
    "static sizes": (lambda: (Net(), batch(8)), lambda: (Net(), torch.randn(4, 8))),
    "dtypes": (
        lambda: (Lambda(lambda x: x + x), batch(8)),
        lambda: (Lambda(lambda x: x + x), batch(8, dtype=torch.int32)),
    ),
    "strides": (
        lambda: (Lambda(lambda x: x + 1), torch.randn(4, 4)),
        lambda: (Lambda(lambda x: x + 1), torch.randn(4, 4).t()),
    ),
    "what is given": (
        lambda: (Lambda(lambda x: (x.exp(), x.sin())), batch(8)),
        lambda: (Lambda(lambda x: (x.sin(), x.exp())), batch(8)),
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_programs_that_differ_are_kept_apart(pair: str, tmp_path: Path) -> None:
    for make in PAIRS[pair]:
        model, given = make()
        compiled = compiled_in(tmp_path, model, given)
        assert not is_hit(compiled), f"{pair} makes no difference to the engine cache"
        x = given if isinstance(given, torch.Tensor) else (3 * torch.randn(given.opt_shape)).to(given.dtype)
        torch.testing.assert_close(compiled(x), model(x), rtol=1e-5, atol=1e-6)
    for make in PAIRS[pair]:
        model, given = make()
        assert is_hit(compiled_in(tmp_path, model, given)), pair


def test_weights_of_the_same_bytes_and_other_shapes_are_kept_apart(tmp_path: Path) -> None:
    class Scaled(nn.Module):
        def __init__(self, *shape: int):
            super().__init__()
            self.scale = nn.Parameter(torch.arange(4.0).reshape(shape))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.scale

    for shape in ((4,), (1, 4), (4, 1)):
        assert not is_hit(compiled_in(tmp_path, Scaled(*shape), torch.randn(4, 4)))


def test_buffers_that_the_program_changes_are_no_part_of_the_key(tmp_path: Path) -> None:
    model = Counter()
    x = torch.zeros(2, 8)
    assert compiled_in(tmp_path, model)(x)[0, 0] == 1
    model.count.fill_(5)
    second = compiled_in(tmp_path, model)
    assert is_hit(second)
    assert second(x)[0, 0] == 6 and second(x)[0, 0] == 7


@pytest.mark.parametrize("setting", [{"precision": torch.bfloat16}, {"threads": 1}, {"threads": 3}])
def test_settings_that_engines_depend_on_are_part_of_the_key(setting: dict[str, Any], tmp_path: Path) -> None:
    compiled_in(tmp_path, Net())
    assert not is_hit(compiled_in(tmp_path, Net(), **setting))
    assert is_hit(compiled_in(tmp_path, Net(), **setting))
    assert is_hit(compiled_in(tmp_path, Net(), pass_through_build_failures=True))


def test_a_program_that_is_in_use_is_shared(tmp_path: Path) -> None:
    model = Net()
    first = compiled_in(tmp_path, model)
    for entry in entries(tmp_path):
        entry.unlink()
    second = compiled_in(tmp_path, model)  # nothing is read
    assert is_hit(second) and not entries(tmp_path)
    assert_same(second, first)
    del first
    third = compiled_in(tmp_path, model)
    assert is_hit(third)
    in_turns = [second, third] * 20
    with ThreadPoolExecutor(4) as threads:
        inputs = [torch.randn(1 + i % 9, 8) for i in range(40)]
        found = list(threads.map(lambda run, x: run(x), in_turns, inputs))
    for x, values in zip(inputs, found, strict=True):
        torch.testing.assert_close(values, model(x))
    del in_turns, second, third
    assert not is_hit(compiled_in(tmp_path, model))


def test_a_program_is_shared_in_its_own_cache_and_where_that_is_asked_for_only(tmp_path: Path) -> None:
    model = Net()
    kept = compiled_in(tmp_path / "one", model)
    assert not is_hit(compiled_in(tmp_path / "other", model))
    assert not is_hit(compiled_in(tmp_path / "one", model, reuse_cached_engines=False))
    assert is_hit(compiled_in(tmp_path / "one", model))
    del kept


def test_weights_of_another_model_are_its_own(tmp_path: Path) -> None:
    """An engine may read weights where they are: equal ones aren't the same."""

    class Table(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.table = nn.Embedding(100, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.table(x)

    one, other, x = Table(), Table(), torch.arange(5)
    of_one, of_other = (compiled_in(tmp_path, model, x) for model in (one, other))
    assert is_hit(of_other)
    with torch.no_grad():
        one.table.weight.zero_()
    torch.testing.assert_close(of_other(x), other(x))
    zeros = compiled_in(tmp_path, one, x)
    assert not is_hit(zeros)
    assert not zeros(x).any()
    with torch.no_grad():
        one.table.weight.copy_(other.table.weight)
    again = compiled_in(tmp_path, one, x)
    assert is_hit(again)
    torch.testing.assert_close(again(x), other(x))
    del of_one


def test_a_program_outlives_its_entry(tmp_path: Path) -> None:
    model = convolutions()
    image = batch(512, 3, 3)
    compiled_in(tmp_path, model, image)
    loaded = compiled_in(tmp_path, convolutions(), image)
    assert is_hit(loaded)
    tracejet._C.clear_engine_cache(str(tmp_path))
    for rows in (1, 3):  # OpenVINO reads weights when it meets a shape
        x = torch.randn(rows, 512, 3, 3)
        torch.testing.assert_close(loaded(x), model(x), rtol=1e-3, atol=1e-4)


def test_a_split_program_is_found_again_with_all_that_engines_refused(tmp_path: Path) -> None:
    model = Lambda(lambda x: (torch.fft.fft(x.exp() * 2).abs() + 1).sin().sigmoid())
    settings = {"engine": "auto", "min_block_size": 1, "torch_executed_ops": ["aten.abs"]}
    first = compiled_in(tmp_path, model, **settings)
    second = compiled_in(tmp_path, model, **settings)
    assert first.report.engines == second.report.engines == ("openvino", "aten")
    assert [part.is_cached for part in second.report.parts] == [p.engine == "openvino" for p in second.report.parts]
    assert [(c.operator, c.reason, c.line) for c in first.report.fallbacks] == [
        (c.operator, c.reason, c.line) for c in second.report.fallbacks
    ]
    assert_same(second, first)


def test_a_refusal_is_kept_with_its_lines(tmp_path: Path) -> None:
    class Refused(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.linalg.eigvals(x).abs()

    messages = []
    for _ in range(2):
        with pytest.raises(tracejet.UnsupportedOperator, match="return torch.linalg.eigvals") as caught:
            compiled_in(tmp_path, Refused(), torch.randn(4, 4))
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert [entry.refused > 0 for entry in tracejet._C.cached_engines(str(tmp_path))] == [True]


def test_the_next_process_finds_what_this_one_compiled(tmp_path: Path) -> None:
    case = SMALL_MODELS["bert"]
    args, kwargs = case.tracejet_inputs()
    compiled_in(tmp_path, Net())
    compiled_in(tmp_path, case.module(), *args, kwarg_inputs=kwargs, engine="auto")
    found = run_python(
        """
        assert is_hit(compiled_in(folder, Net()))
        case = SMALL_MODELS["bert"]
        args, kwargs = case.tracejet_inputs()
        assert is_hit(compiled_in(folder, case.module(), *args, kwarg_inputs=kwargs, engine="auto"))
        """,
        tmp_path,
    )
    assert found.returncode == 0, found.stderr
