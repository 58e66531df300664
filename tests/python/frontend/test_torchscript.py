"""TorchScript files, traced in C++: their programs hold in Python for every batch that was declared."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import tracejet
from testing.torchvision_shim import import_torchvision

FEW = ("resnet18", "mobilenet_v2", "squeezenet1_1")
MORE = (
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet1_0",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "regnet_y_400mf",
    "resnext50_32x4d",
    "shufflenet_v2_x1_0",
    "swin_t",
    "swin_v2_t",
    "vgg11_bn",
    "vit_b_32",
    "wide_resnet50_2",
)


def assert_traced_alike(name: str, make: Callable[[nn.Module], torch.jit.ScriptModule], folder: Path) -> None:
    torch.manual_seed(0)
    size = 224 if name in ("maxvit_t", "swin_t", "swin_v2_t", "vit_b_32") else 299 if name == "inception_v3" else 96
    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model = make(import_torchvision().models.get_model(name, weights=None, **more).eval())
    model.save(folder / f"{name}.3x{size}x{size}.pt")
    command = ["build/tests/cpp/tracejet_tests", "--gtest_filter=TorchScript.FilesOfAFolder"]
    run = subprocess.run(command, env={**os.environ, "TRACEJET_SCRIPTS": str(folder)}, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    program = torch.export.load(folder / f"{name}.3x{size}x{size}.pt2").module()
    for batch in (1, 2, 8):
        x = torch.randn(batch, 3, size, size)
        with torch.no_grad():
            (result, *_), expected = program(x), model(x)
        expected = expected if isinstance(expected, torch.Tensor) else expected[0]
        torch.testing.assert_close(result, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", FEW)
def test_a_scripted_model_holds_for_every_batch(name: str, tmp_path: Path) -> None:
    assert_traced_alike(name, torch.jit.script, tmp_path)


def test_a_traced_model_holds_for_every_batch(tmp_path: Path) -> None:
    assert_traced_alike("resnet18", lambda model: torch.jit.trace(model, torch.randn(2, 3, 96, 96)), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE)
def test_more_scripted_models_hold_for_every_batch(name: str, tmp_path: Path) -> None:
    assert_traced_alike(name, torch.jit.script, tmp_path)


class Windows(nn.Module):
    """Sizes, a loop over a list, a branch on the rank, a buffer that is set."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(6))

    def forward(self, x: torch.Tensor, scale: int = 3) -> torch.Tensor:
        parts = [torch.zeros([x.size(0), 2])]
        for i in range(3):
            parts.append(x[:, 2 * i : 2 * i + 2] * (i + scale))
        if x.dim() == 2:
            parts.append(x + self.seen)
        self.seen = self.seen + x.sum(0)
        return torch.cat(parts, 1).view(x.shape[0], -1, 2)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
@pytest.mark.parametrize("is_part", [False, True], ids=["the model", "a part of it"])
def test_python_traces_scripted_modules_with_dynamic_sizes(is_part: bool, tmp_path: Path) -> None:
    torch.jit.script(Windows()).save(tmp_path / "windows.pt")

    def load() -> nn.Module:
        scripted = torch.jit.load(tmp_path / "windows.pt")
        return nn.Sequential(scripted, nn.Tanh()) if is_part else scripted

    model, eager = load(), load()
    x = tracejet.Input(min_shape=(1, 6), opt_shape=(4, 6), max_shape=(16, 6), name="x")
    program = tracejet.trace(model, arg_inputs=[x])
    assert all(not buffer.any() for buffer in model.buffers())
    module = program.module()
    for batch in (1, 2, 9, 16):
        example = torch.randn(batch, 6)
        torch.testing.assert_close(module(example), eager(example))


OF_LISTS = {
    "a list": "x * torch.tensor([1.0, 2.0, 3.0, 4.0])",
    "of a dtype": "x + torch.tensor([1, 2, 3, 4], dtype=torch.int64)",
    "nested": "x @ torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])",
    "of booleans": "torch.where(torch.tensor([True, False, True, False]), x, -x)",
    "as a tensor": "x * torch.as_tensor([1.0, 2.0, 3.0, 4.0])",
    "an index": "x[:, [0, 2]]",
    "an index that is a tensor": "x[:, torch.tensor([3, 0])]",
    "written in place": "torch.tensor([1.0, 2.0, 3.0, 4.0]).mul_(2).add_(x.sum())",
    "a batch of them": "x + torch.tensor([1.0, 2.0, 3.0, 4.0]).expand(x.shape[0], 4)",
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
@pytest.mark.parametrize("case", OF_LISTS)
def test_tensors_of_lists_are_new_in_every_call(case: str, tmp_path: Path) -> None:
    (tmp_path / "of_lists.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n"
        f"    def forward(self, x: torch.Tensor) -> torch.Tensor:\n        return {OF_LISTS[case]}\n"
    )
    spec = importlib.util.spec_from_file_location("of_lists", tmp_path / "of_lists.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    scripted = torch.jit.script(module.Net())
    x = tracejet.Input(min_shape=(1, 4), opt_shape=(2, 4), max_shape=(8, 4), name="x")
    program = tracejet.trace(scripted, arg_inputs=[x])
    for run in (program.module(), tracejet.compile(program, engine="aten"), tracejet.compile(program)):
        for batch in (1, 2, 2, 5, 8):
            example = torch.randn(batch, 4)
            torch.testing.assert_close(run(example), scripted(example))


class Seeds(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(3)
        return torch.rand_like(x)


class Lists(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        numbers: list[float] = x[0].tolist()
        return x * numbers[0]


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
@pytest.mark.parametrize(("model", "message"), [(Seeds(), "manual_seed.*generator"), (Lists(), "tolist.*data")])
def test_what_works_on_data_or_a_generator_at_once_is_refused_with_its_line(model: nn.Module, message: str) -> None:
    torch.manual_seed(7)
    drawn = torch.rand(2)
    torch.manual_seed(7)
    with pytest.raises(tracejet.UnsupportedOperator, match=f"(?s){message}.*test_torchscript.py"):
        tracejet.trace(torch.jit.script(model), arg_inputs=[tracejet.Input((2, 4))])
    assert torch.equal(torch.rand(2), drawn)


class Pairs(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, list[torch.Tensor]]]:
        triple = (x, x + 1, x * 2)
        first, second = triple[1:]
        return first, (second, [x, first])


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
def test_python_gets_the_tuples_and_lists_of_a_script() -> None:
    model = torch.jit.script(Pairs())
    x = tracejet.Input(min_shape=(1, 6), opt_shape=(4, 6), max_shape=(16, 6), name="x")
    module = tracejet.trace(model, arg_inputs=[x]).module()
    for batch in (1, 4, 16):
        example = torch.randn(batch, 6)
        torch.testing.assert_close(module(example), model(example))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
def test_python_names_the_axis_that_a_scripted_branch_fixes() -> None:
    model = torch.jit.script(Branching())
    x = tracejet.Input(min_shape=(1, 6), opt_shape=(4, 6), max_shape=(16, 6), name="x")
    with pytest.raises(tracejet.ConstraintViolation, match=r"x\[0\]"):
        tracejet.trace(model, arg_inputs=[x], prefer_deferred_runtime_asserts_over_guards=False)


class Branching(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 if x.size(0) > 8 else x


class Remembering(nn.Module):
    """What it remembers is no buffer, and has another shape before the first call."""

    def __init__(self) -> None:
        super().__init__()
        self.past = torch.zeros(0)
        self.rate = 0

    def forward(self, x: torch.Tensor, rate: int) -> torch.Tensor:
        if not len(self.past) or self.rate != rate:
            self.past = torch.zeros([x.size(0), 2])
        y = torch.cat([self.past, x], 1)
        self.past = y[:, -2:]
        self.rate = rate
        return y


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
@pytest.mark.parametrize("is_part", [False, True], ids=["the model", "a part of it"])
def test_tensors_that_a_script_remembers_are_state(is_part: bool, tmp_path: Path) -> None:
    class Around(nn.Module):
        def __init__(self, part: nn.Module) -> None:
            super().__init__()
            self.part = part

        def forward(self, x: torch.Tensor, rate: int) -> torch.Tensor:
            return self.part(x, rate) * 2

    torch.jit.script(Remembering()).save(tmp_path / "remembering.pt")
    scripted, eager = (torch.jit.load(tmp_path / "remembering.pt") for _ in range(2))
    x = torch.randn(3, 4)
    with pytest.raises(tracejet.UnsupportedOperator, match=r"past from CPUFloatType\[0\].*call the module once"):
        tracejet.trace(scripted, arg_inputs=[x, 8])
    for each in (scripted, eager):
        each(x, 8)
    past = scripted.past.clone()
    module = tracejet.trace(Around(scripted) if is_part else scripted, arg_inputs=[x, 8]).module()
    assert torch.equal(scripted.past, past)
    for _ in range(3):
        x = torch.randn(3, 4)
        torch.testing.assert_close(module(x, 8), eager(x, 8) * (2 if is_part else 1))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
def test_scripted_transformers_take_their_fast_path(norm_first: bool, is_masked: bool) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=norm_first)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    scripted = torch.jit.script(model)
    x = tracejet.Input(min_shape=(1, 5, 16), opt_shape=(2, 5, 16), max_shape=(8, 5, 16), name="x")
    mask = nn.Transformer.generate_square_subsequent_mask(5) if is_masked else None
    module = tracejet.trace(scripted, arg_inputs=[x, mask] if is_masked else [x]).module()
    for batch in (1, 2, 8):
        example = torch.randn(batch, 5, 16)
        arguments = (example, mask) if is_masked else (example,)
        with torch.no_grad():
            torch.testing.assert_close(module(*arguments), model(*arguments), rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
def test_scripted_attention_takes_its_fast_path() -> None:
    torch.manual_seed(0)
    model = nn.MultiheadAttention(16, 4, batch_first=True).eval()
    x = tracejet.Input(min_shape=(1, 5, 16), opt_shape=(2, 5, 16), max_shape=(8, 5, 16), name="x")
    module = tracejet.trace(torch.jit.script(model), arg_inputs=[x, x, x]).module()
    for batch in (1, 2, 8):
        example = torch.randn(batch, 5, 16)
        with torch.no_grad():
            torch.testing.assert_close(module(example, example, example), model(example, example, example))


def silero() -> torch.jit.ScriptModule:
    """The file as it is published: detects speech, and remembers what it has heard."""
    package = importlib.util.find_spec("silero_vad")  # not imported: it would want torchaudio
    assert package is not None and package.origin is not None
    return torch.jit.load(Path(package.origin).parent / "data/silero_vad.jit").eval()


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
@pytest.mark.parametrize(("part", "samples"), [("_model", 576), ("_model_8k", 288)])
def test_the_networks_of_silero_vad_hold_for_every_batch(part: str, samples: int) -> None:
    model = getattr(silero(), part)
    x, state = (
        tracejet.Input(**dict(zip(("min_shape", "opt_shape", "max_shape"), shapes)), shared_dims={axis: "batch"})
        for axis, shapes in ((0, [(b, samples) for b in (1, 4, 16)]), (1, [(2, b, 128) for b in (1, 4, 16)]))
    )
    module = tracejet.trace(model, arg_inputs=[x, state]).module()
    for batch in (1, 4, 16):
        arguments = torch.randn(batch, samples) * 0.1, torch.randn(2, batch, 128)
        with torch.no_grad():
            torch.testing.assert_close(module(*arguments), model(*arguments), rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
def test_silero_vad_remembers_between_calls() -> None:
    torch.manual_seed(0)
    model, eager = silero(), silero()
    speech = torch.randn(6, 1, 512) * 0.1
    for each in (model, eager):
        each(speech[0], 16000)  # before it, its state has no shape
    program = tracejet.trace(model, arg_inputs=[speech[0], 16000])
    compiled = tracejet.compile(program)
    for chunk in speech[1:]:
        with torch.no_grad():
            torch.testing.assert_close(compiled(chunk, 16000), eager(chunk, 16000), rtol=1e-4, atol=1e-5)
