"""torch.compile: options of the backend, how it is found, and whole models."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch._dynamo
from torch.utils import _pytree as pytree

import tracejet
from testing.models import SMALL_MODELS
from testing.torchvision_shim import import_torchvision
from tests.support.torch_compile import ROOT, Scaled, assert_same, rand
from tracejet.dynamo import Backend

# ---- options and failures ------------------------------------------------------------------------------------------


def fails(x: torch.Tensor) -> torch.Tensor:
    return torch.linalg.eig(x)[0].abs().sort().values


def test_a_build_that_fails_raises_or_runs_in_eager_with_a_warning() -> None:
    with pytest.raises(Exception, match="linalg_eig"):
        torch.compile(fails, backend="tracejet", options={"engine": "openvino"})(rand(3, 3))
    backend = Backend(engine="openvino", on_failure="eager")
    x = rand(3, 3)
    with pytest.warns(tracejet.dynamo.EagerWarning, match=r"(?s)in fails: the graph runs in eager.*linalg_eig"):
        assert_same(torch.compile(fails, backend=backend)(x), fails(x))
    assert backend.report().in_eager == 1 and "linalg_eig" in backend.report().graphs[0].failure


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engin": "aten"}, "there is no option 'engin'; did you mean 'engine'"),
        ({"on_failure": "ignore"}, "on_failure"),
        ({"engine": "abacus"}, "abacus"),
    ],
)
def test_options_that_make_no_sense_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(Exception, match=message):
        torch.compile(lambda x: x + 1, backend="tracejet", options=options)(rand(3))


def test_modes_are_inductors() -> None:
    with pytest.raises(Exception, match="mode is 'max-autotune'"):
        torch.compile(lambda x: x + 1, backend="tracejet", mode="max-autotune")(rand(3))


def test_options_are_those_of_trace_and_compile() -> None:
    x = rand(2, 4)
    options = {"engine": "openvino", "precision": torch.bfloat16, "decompositions": "core_aten"}
    model = Scaled().eval()
    with torch.no_grad():
        assert_same(torch.compile(model, backend="tracejet", options=options)(x), model(x), tolerance=5e-2)


# ---- how it is found -----------------------------------------------------------------------------------------------


def python(code: str, path: str) -> str:
    environment = {**os.environ, "PYTHONPATH": path}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert found.returncode == 0, found.stderr
    return found.stdout


def entry_points() -> dict[str, str]:
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["entry-points"]["torch_dynamo_backends"]


def installed(folder: Path) -> str:
    """A path on which tracejet is installed, as far as Python's metadata goes."""
    metadata = folder / "tracejet-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tracejet\nVersion: 0\n")
    lines = [f"{name} = {target}" for name, target in entry_points().items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[torch_dynamo_backends]", *lines]))
    return os.pathsep.join([str(folder), str(ROOT / "python")])


CALL = "import torch; print(torch.compile(lambda x: x + 1, backend='{}')(torch.ones(2)).tolist())"


@pytest.mark.parametrize("name", ["tracejet", "tensorrt", "torch_tensorrt"])
def test_an_installed_backend_needs_no_import(name: str, tmp_path: Path) -> None:
    assert python(CALL.format(name), installed(tmp_path)) == "[2.0, 2.0]\n"


@pytest.mark.parametrize("name", ["tracejet", "torch_tensorrt"])
@pytest.mark.parametrize("before", ["", "import torch._dynamo; torch._dynamo.list_backends(); "])
def test_without_an_installation_the_import_is_enough(name: str, before: str) -> None:
    assert python(f"{before}import tracejet; {CALL.format(name)}", str(ROOT / "python")) == "[2.0, 2.0]\n"


def test_a_tree_has_the_entry_points_of_an_installation() -> None:
    from tracejet.torch_compile import registration

    assert entry_points() == registration._ENTRY_POINTS


def test_torch_tensorrt_keeps_its_name_where_it_is_installed(tmp_path: Path) -> None:
    (tmp_path / "torch_tensorrt.py").write_text(
        "import torch\n"
        "@torch._dynamo.register_backend(name='torch_tensorrt')\n"
        "@torch._dynamo.register_backend(name='tensorrt')\n"
        "def backend(gm, inputs, **kwargs):\n    print('theirs')\n    return gm.forward\n"
    )
    path = installed(tmp_path)
    for name in ("tensorrt", "torch_tensorrt"):
        assert python(CALL.format(name), path) == "theirs\n[2.0, 2.0]\n"
    assert python(f"import torch, torch_tensorrt; {CALL.format('tensorrt')}", path) == "theirs\n[2.0, 2.0]\n"
    assert python(CALL.format("tracejet"), path) == "[2.0, 2.0]\n"


def test_importing_tracejet_leaves_torchdynamo_alone() -> None:
    code = "import tracejet, sys; print([name for name in ('torch._dynamo', 'sympy') if name in sys.modules])"
    assert python(code, str(ROOT / "python")) == "[]\n"


# ---- whole models --------------------------------------------------------------------------------------------------


SLOW = ("efficientnet_b0", "convnext", "swin")  # TorchDynamo takes half a minute and more


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in SMALL_MODELS])
@pytest.mark.parametrize("dynamic", [True, False], ids=["dynamic", "static"])
def test_architectures(name: str, dynamic: bool) -> None:
    case = SMALL_MODELS[name]
    model, backend = case.module(), Backend()
    compiled = torch.compile(model, backend=backend, dynamic=dynamic)
    sizes: Sequence[Any] = ("opt", {"batch": 5}) if dynamic else ("opt",)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error", tracejet.EngineWarning)
        for which in sizes:
            args, kwargs = case.example(which)
            ours, theirs = (pytree.tree_leaves(run(*args, **kwargs)) for run in (compiled, model))
            torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=2e-3)
    report = backend.report()
    assert report.in_eager == 0
    assert len(report.graphs) == 1
    assert not any(graph.rebuilds for graph in report.graphs)


@pytest.mark.parametrize("cache", [None, "static"])
def test_generation_gives_eagers_tokens(cache: str | None) -> None:
    import_torchvision()
    import transformers

    small = {"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    special = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    config = transformers.LlamaConfig(**small, **special, num_key_value_heads=2, intermediate_size=64)
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config).eval()
    tokens = torch.randint(3, 100, (2, 5))
    options = {"max_new_tokens": 12, "do_sample": False, "cache_implementation": cache}
    expected = model.generate(tokens, **options)

    backend = Backend()
    model.forward = torch.compile(model.forward, backend=backend)
    assert torch.equal(model.generate(tokens, **options), expected)
    assert 2 <= len(backend.report().graphs) <= 3 and backend.report().in_eager == 0
    assert not any(graph.rebuilds for graph in backend.report().graphs)
