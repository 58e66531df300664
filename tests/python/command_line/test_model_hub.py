"""Models by name: of timm, and of folders that transformers has saved."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from testing.torchvision_shim import import_torchvision
from tests.support.command_line import found, tracejet_command

import_torchvision()  # before timm and transformers, which import it
transformers = pytest.importorskip("transformers")


def test_a_model_of_timm_knows_its_inputs(folder: Path) -> None:
    traced = found("trace", "timm:mobilenetv3_small_050", "-o", "net.pt2")
    assert traced["inputs"] == {"x": "float32[1, 3, 224, 224]"}
    given = ("--min-shapes", "x:1x3x64x64", "--opt-shapes", "x:2x3x64x64", "--max-shapes", "x:4x3x64x64")
    assert found("trace", "timm:mobilenetv3_small_050", *given)["dimensions"] == {"x_0": {"min": 1, "opt": 2, "max": 4}}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.BertConfig(vocab_size=50, max_position_embeddings=16, **sizes)
    place = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    transformers.BertForSequenceClassification(config).save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def gpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = transformers.GPT2Config(vocab_size=50, n_positions=16, n_embd=8, n_layer=1, n_head=2)
    place = tmp_path_factory.mktemp("gpt")
    transformers.GPT2LMHeadModel(config).save_pretrained(place)
    return place


def test_a_folder_of_transformers_is_a_model_with_its_weights(bert: Path) -> None:
    ran = found("run", f"hf:{bert}", "--compare")  # the inputs are the model's own examples
    assert ran["equal"] and ran["outputs"][0]["shape"][-1] == 2
    ranges = ("--min-shapes", "input_ids:1x2", "--opt-shapes", "input_ids:2x8", "--max-shapes", "input_ids:4x16")
    again = found("run", f"hf:{bert}", *ranges, "--dtypes", "input_ids:int64", "--compare", "--size", "max")
    assert again["equal"] and again["outputs"][0]["shape"] == [4, 2]


def test_a_model_that_generates_is_traced_without_a_cache(gpt: Path) -> None:
    ran = found("run", f"hf:{gpt}", "--shapes", "input_ids:2x5", "--dtypes", "input_ids:int64", "--compare")
    assert ran["equal"] and [output["shape"] for output in ran["outputs"]] == [[2, 5, 50]]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("timm:no_such_model", "timm has no model 'no_such_model'"),
        ("hf:nowhere", "config.json"),
        ("timm:", "names no model"),
        ("hf:bare", "transformers has no class"),
    ],
)
def test_what_there_isnt_is_a_usage_error(folder: Path, model: str, text: str) -> None:
    (folder / "bare").mkdir()
    transformers.BertConfig().save_pretrained(folder / "bare")
    error = found("trace", model, status=2)["error"]
    assert error["type"] == "UsageError" and text in error["message"]


def test_a_package_that_is_missing_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    result = tracejet_command("trace", "timm:resnet18")
    assert result.exit_code == 2 and "pip install timm" in result.stderr


def test_a_torchvision_for_another_torch_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registers_kernels = "raise RuntimeError('operator torchvision::nms does not exist')"
    (folder / "timm.py").write_text(f"exec({registers_kernels!r}, {{'__name__': 'torchvision._meta_registrations'}})")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    error = found("trace", "timm:resnet18", status=2)["error"]
    assert error["type"] == "UsageError" and "install both from one index" in error["message"]
    (folder / "timm.py").write_text("raise RuntimeError('operator torchvision::nms is slow')")
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    assert found("trace", "timm:resnet18", status=3)["error"]["type"] == "RuntimeError"


def test_config_says_what_a_bug_report_needs(folder: Path) -> None:
    assert found("config")["torch"] == torch.__version__
    assert "engines:\n  openvino: " in tracejet_command("config").stdout
