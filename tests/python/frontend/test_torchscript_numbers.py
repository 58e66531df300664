"""Arithmetic on sizes in TorchScript: a program gives the script's value, dtype and kind of number, or is refused."""

from __future__ import annotations

import importlib.util
import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

import tracejet

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated", "ignore::torch.jit.TracerWarning")

SIZES = (1, 2, 3, 4, 5, 7, 10, 16)
# With a size n; where it is refused in a script, a part of the error.
OF_SIZES: dict[str, str | None] = {
    "n + 3": None,
    "5 - n": None,
    "n * 2 - n": None,
    "-n": None,
    "n // 3": None,
    "(-n) // 3": None,
    "n // (-3)": None,
    "n % 3": None,
    "(-n) % 3": None,
    "n % (-3)": None,
    "n / 3": None,
    "3 / n": None,
    "n * 0.5": None,
    "n & 1": None,
    "n | 1": None,
    "(n + 2) & (n - 1)": None,
    "n ^ 5": None,
    "n << 1": None,
    "n >> 1": None,
    "n ** 2": None,
    "n ** 0.5": None,
    "2 ** n": None,
    "abs(n - 5)": None,
    "n > 3": None,
    "n == 4": None,
    "n != n + 1": None,
}
IN_SCRIPTS: dict[str, str | None] = {
    "int(n / 3)": None,
    "int(-n / 3)": None,
    "int(float(n) - 7.5)": None,
    "float(n) // 3.0": None,
    "float(-n) % 3.0": None,
    "float(-n) // 3.0": None,
    "max(n, 5)": None,
    "min(n, 5)": None,
    "max(float(n), 2.5)": None,
    "math.floor(-n / 3)": None,
    "math.ceil(n / 3)": None,
    "bool(n & 4)": None,
    "(n > 2) & (n < 9)": None,
    "(n > 2) | (n == 1)": None,
    "not (n > 2)": None,
    "(n > 2) == (n < 9)": None,
    "(n > 2) ^ (n < 9)": None,
    "round(n / 2)": None,
    "round(n)": None,
    "abs(n / 3 - 2)": None,
    "math.sqrt(n)": None,
    "math.cos(n / 3)": None,
    "(n / 2) ** n": None,
    "int(n ** 2)": None,
    "torch.tensor(n)": None,
    "torch.tensor(n / 3)": None,
    "torch.tensor(n > 3)": None,
    "torch.tensor(n, dtype=torch.float16)": None,
    "torch.tensor([n, 3, n * 2])": None,
    "torch.tensor([[n / 2, 1.0], [2.0, n / 3]])": None,
    "math.exp(n)": r"\[aten::exp\] .*x\[0\]",
    "[n, n, 3000].count(3000)": r"\[aten::count\] .*\(of x\[0\]\)",
    "[n, x.size(1), 3].count(4)": r"\[aten::count\] .*\(of x\[0\], x\[1\]\)",
}
OF_TENSORS = (
    "n.to(torch.int32) * 3",
    "(n * 200).to(torch.uint8) + 0",
    "n.to(torch.float16) * 3",
    "(n * 0.5).floor()",
    "(n / 3).floor() + 0",
    "n.float() / 3",
    "n.bool()",
    "(n / 3).sum()",
    "torch.stack([n, n * 2])",
    "torch.where(n > 3, n, -n)",
    "torch.clamp(n, max=5)",
    "torch.div(n, 3, rounding_mode='trunc')",
    "torch.maximum(n, torch.tensor(5))",
    "torch.add(n, 3, alpha=2)",
    "~n",
    "n.unsqueeze(0)",
    "n.clone().add_(1)",
    "n.add_(1) + n",
    "torch.ones(n // 3 + 1, n & 6).sum(1)",
    "x[: n // 2 + 1].sum()",
    "torch.floor(n / 3).to(torch.int64) + n",
    "x.mean() * 0.5",
    "x.sum().int() + 7",
    "x.mean() - 1.5",
    "x.mean() / 3",
    "x.half().mean() * 0.1",
    "0.5 * x.mean()",
    "2.5 - x.mean()",
    "x.mean() ** 2.0",
    "(x.sum() > 0) * 2",
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, type[nn.Module]]]:
    """One module for each expression: TorchScript reads its source from a file."""
    path = tmp_path_factory.mktemp("models") / "models_of_sizes.py"
    code = "import math\nimport torch\nfrom torch import nn\n"
    expressions = [*OF_SIZES, *IN_SCRIPTS, *OF_TENSORS]
    for i, expression in enumerate(expressions):
        code += f"class M{i}(nn.Module):\n    def forward(self, x):\n        n = x.size(0)\n        v = {expression}\n"
        code += "        return x + 1, v\n"
    path.write_text(code)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield {expression: getattr(module, f"M{i}") for i, expression in enumerate(expressions)}
    del sys.modules[path.stem]


def reloaded(script: torch.jit.ScriptModule) -> torch.jit.ScriptModule:
    file = io.BytesIO()
    torch.jit.save(script, file)
    file.seek(0)
    return torch.jit.load(file)


def is_same(got: Any, expected: Any) -> bool:
    if isinstance(expected, torch.Tensor):
        return (
            isinstance(got, torch.Tensor)
            and got.dtype == expected.dtype
            and got.shape == expected.shape
            and torch.allclose(got.double(), expected.double(), rtol=1e-6 if got.dtype != torch.float16 else 1e-3)
        )
    return type(got) is type(expected) and got == expected


def dynamic(columns: int = 4) -> tracejet.Input:
    return tracejet.Input(min_shape=(1, 4), opt_shape=(4, 4), max_shape=(16, columns), name="x")


def assert_alike(script: torch.jit.ScriptModule) -> None:
    module = tracejet.trace(script, arg_inputs=[dynamic()]).module()
    for size in SIZES:
        example = torch.randn(size, 4)
        (_, got), (_, expected) = module(example), script(example)
        assert is_same(got, expected), (size, got, expected)


@pytest.mark.parametrize("is_loaded", [False, True], ids=["scripted", "from a file"])
@pytest.mark.parametrize("expression", [*OF_SIZES, *IN_SCRIPTS])
def test_a_script_computes_with_sizes(models: dict[str, type[nn.Module]], expression: str, is_loaded: bool) -> None:
    script = torch.jit.script(models[expression]())
    script = reloaded(script) if is_loaded else script
    refusal = {**OF_SIZES, **IN_SCRIPTS}[expression]
    if refusal is None:
        assert_alike(script)
        return
    with pytest.raises(tracejet.UnsupportedOperator, match=refusal) as raised:
        tracejet.trace(script, arg_inputs=[dynamic(columns=9 if "size(1)" in expression else 4)])
    assert "in TorchScript" in str(raised.value) and "make the axis static" in str(raised.value)


class OddRows(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 if x.size(0) & 1 else x


class Rows(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for i in range(x.size(0)):
            x = x + i
        return x


@pytest.mark.parametrize(("model", "line"), [(OddRows, "x.size(0) & 1"), (Rows, "range(x.size(0))")])
def test_a_way_that_sizes_decide_names_class_and_line(model: type[nn.Module], line: str) -> None:
    script, guards = torch.jit.script(model()), {"prefer_deferred_runtime_asserts_over_guards": False}
    with pytest.raises(tracejet.ConstraintViolation) as raised:
        tracejet.trace(script, arg_inputs=[dynamic()], **guards)
    text = str(raised.value)
    assert line in text and "in TorchScript" in text and f"({model.__name__})" in text, text


class Containers(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[list[float], dict[str, float], tuple[bool, int]]:
        n = x.size(0)
        return [n / 3, 2.0], {"half": n * 0.5}, (n > 3, n & 6)


def test_numbers_of_sizes_are_results_in_containers() -> None:
    script = torch.jit.script(Containers())
    module = tracejet.trace(script, arg_inputs=[dynamic()]).module()
    for size in SIZES:
        example = torch.randn(size, 4)
        assert module(example) == script(example)


class Counting(nn.Module):
    """A buffer without axes is no constant, though it may be a number to PyTorch's optimizer once it is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x.shape[0] * self.calls + x


@pytest.mark.parametrize("is_loaded", [False, True], ids=["traced", "from a file"])
def test_a_number_that_is_state_is_no_constant(is_loaded: bool) -> None:
    scripts = [torch.jit.trace(Counting(), torch.randn(4, 4), check_trace=False) for _ in range(2)]
    traced, eager = (reloaded(script) if is_loaded else script for script in scripts)
    module = tracejet.trace(traced, arg_inputs=[dynamic()]).module()
    for size in SIZES:
        example = torch.randn(size, 4)
        torch.testing.assert_close(module(example), eager(example))


@pytest.mark.parametrize("is_loaded", [False, True], ids=["traced", "from a file"])
@pytest.mark.parametrize("expression", [*OF_SIZES, *OF_TENSORS])
def test_what_was_traced_computes_with_sizes(
    models: dict[str, type[nn.Module]], expression: str, is_loaded: bool
) -> None:
    script = torch.jit.trace(models[expression](), torch.randn(4, 4), check_trace=False)
    assert_alike(reloaded(script) if is_loaded else script)
