"""What users say of how a program is split, and what the report says of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from tests.support.lambda_module import Lambda, batch
from tests.support.partitions import ROWS, assert_same, compiled_in_parts, custom, twice

# Settings -------------------------------------------------------------------------------------------------------------


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 16)
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True) for _ in range(3))
        self.head = nn.Sequential(nn.Linear(16, 4), nn.GELU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.embed(x)[None]
        for layer in self.layers:
            y = layer(y)
        return self.head(y)[0]


@pytest.fixture(scope="module")
def encoder() -> Iterator[nn.Module]:
    torch.manual_seed(0)
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield Encoder().eval().requires_grad_(False)
    torch.backends.mha.set_fastpath_enabled(before)


@pytest.mark.parametrize(
    "settings",
    [
        {"torch_executed_ops": ["aten.gelu", "torch.ops.aten.native_layer_norm.default"]},
        {"torch_executed_ops": {torch.ops.aten.native_layer_norm, torch.ops.aten.gelu.default}},
        {"torch_executed_modules": ["layers.1"]},
        {"torch_executed_modules": [nn.LayerNorm]},
        {"torch_executed_modules": ["LayerNorm", "torch.nn.modules.activation.GELU"]},
    ],
)
def test_users_leave_operators_and_modules_to_torch(encoder: nn.Module, settings: dict[str, Any]) -> None:
    compiled = compiled_in_parts(encoder, batch(8), **settings)
    assert_same(encoder, compiled, [(torch.randn(rows, 8),) for rows in (1, 5, 9)])
    (setting,) = settings
    assert all(f"is named by {setting}" in call.reason for call in compiled.report.fallbacks)
    assert all(call.engine == "aten" for call in compiled.report.fallbacks)


def test_a_module_is_left_with_all_that_is_in_it(encoder: nn.Module) -> None:
    report = compiled_in_parts(encoder, batch(8), torch_executed_modules=["layers.1"]).report
    assert [part.engine for part in report.parts] == ["openvino", "aten", "openvino"]
    assert len(report.fallbacks) == report.parts[1].nodes
    assert sum(part.weight_bytes for part in report.parts) == sum(p.nbytes for p in encoder.parameters())


def test_what_names_nothing_is_warned_of_or_refused(encoder: nn.Module) -> None:
    with pytest.warns(tracejet.BuildWarning, match='torch_executed_ops: nothing in this program is "aten::sin"'):
        compiled = tracejet.compile(encoder, arg_inputs=[batch(8)], torch_executed_ops=["aten.sin"])
    assert compiled.report.engines == ("openvino",)
    with pytest.warns(tracejet.BuildWarning, match='torch_executed_modules: nothing in this program is "layer.1"'):
        tracejet.compile(encoder, arg_inputs=[batch(8)], torch_executed_modules=["layer.1"])
    with pytest.raises(tracejet.InvalidInput, match='PyTorch has no operator "aten::sine"'):
        tracejet.compile(encoder, arg_inputs=[batch(8)], torch_executed_ops=["aten.sine"])


def test_what_passes_fold_away_is_known_all_the_same() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        return x + torch.arange(8).sin() + (x * 2).cos() * 0 + (x * 2).cos()

    with warnings.catch_warnings():
        warnings.simplefilter("error", tracejet.BuildWarning)  # arange and sin are constants before engines see them
        names = ["aten.sin", "aten.arange", "aten.cos"]
        tracejet.compile(Lambda(forward), arg_inputs=[batch(8)], torch_executed_ops=names, min_block_size=1)


def test_full_compilation_can_be_required(encoder: nn.Module) -> None:
    assert tracejet.compile(encoder, arg_inputs=[batch(8)], require_full_compilation=True).report.coverage == 1
    with pytest.raises(tracejet.UnsupportedOperator) as caught:
        tracejet.compile(Lambda(custom), arg_inputs=[batch(8)], require_full_compilation=True)
    message = str(caught.value)
    assert message.startswith("require_full_compilation: openvino can't run 1 operator of this program")
    assert "tracejet_partition::twice" in message and "return (twice(x.relu() + 1) * x).softmax(-1)" in message


def test_a_dry_run_only_reports() -> None:
    planned = tracejet.compile(Lambda(custom), arg_inputs=[batch(8)], dryrun=True, min_block_size=1)
    built = tracejet.compile(Lambda(custom), arg_inputs=[batch(8)], min_block_size=1)
    assert planned.report.to_json() == built.report.to_json()
    with pytest.raises(tracejet.InvalidInput, match="a dry run compiles nothing"):
        planned(torch.randn(2, 8))


def test_check_says_what_would_be_split() -> None:
    report = tracejet.check(Lambda(custom), arg_inputs=[batch(8)])
    assert not report.ok and [call.operator for call in report.refused] == ["tracejet_partition::twice"]
    assert report.plan is not None
    assert report.plan.to_json() == tracejet.compile(Lambda(custom), arg_inputs=[batch(8)]).report.to_json()
    assert "\nSplit, as by default: aten runs the whole program: 5 nodes" in str(report)
    assert report.to_json()["plan"]["engines"] == ["aten"]
    assert tracejet.check(Lambda(custom), arg_inputs=[batch(8)], engine="openvino").plan is None
    assert tracejet.check(Lambda(torch.relu), arg_inputs=[batch(8)]).plan is None


def test_upstreams_other_way_to_compile_is_torch_compile() -> None:
    model = Lambda(lambda x: twice(x.exp() + 1).relu())
    compiled = tracejet.compile(model, ir="torch_compile", min_block_size=1, threads=1)
    assert_same(model, compiled, [(x,) for x in ROWS])
    with pytest.raises(tracejet.InvalidInput, match="takes a module"):
        tracejet.compile(tracejet.trace(model, arg_inputs=[batch(8)]), ir="torch_compile")


def test_small_blocks_are_left_to_the_next_engine() -> None:
    model = Lambda(lambda x: torch.lgamma(torch.lgamma(x.abs() + 1).relu() + 1))
    report = tracejet.compile(model, arg_inputs=[batch(8)], min_block_size=5).report
    assert report.engines == ("aten",)
    reasons = {call.operator: call.reason for call in report.fallbacks}
    assert "a block of 2, fewer than min_block_size (5)" in reasons["aten::relu"]
    assert reasons["aten::lgamma"] == "has no conversion"
    report = tracejet.compile(model, arg_inputs=[batch(8)], min_block_size=2).report
    assert [part.engine for part in report.parts] == ["openvino", "aten", "openvino", "aten"]


def test_the_report_says_what_runs_where_and_why() -> None:
    report = compiled_in_parts(Lambda(custom), batch(8)).report
    assert [(part.engine, part.nodes) for part in report.parts] == [("openvino", 2), ("aten", 1), ("openvino", 2)]
    (call,) = report.fallbacks
    assert call.operator == "tracejet_partition::twice" and call.engine == "aten"
    assert call.file.endswith("partitions.py") and call.line > 0
    assert report.coverage == 0.8
    text = str(report)
    assert text.startswith("openvino runs 4 of 5 nodes (80.0%), in 3 parts with openvino, aten")
    assert "\n    takes args_0: float32[" in text
    assert report.to_json()["parts"][1]["engine"] == "aten"


def test_settings_are_one_table() -> None:
    table = tracejet._C.settings_table()
    names = [setting.name for setting in table]
    assert list(tracejet.CompileSettings().as_dict()) == names
    documented = " ".join(str(tracejet.compile.__doc__).split())
    assert all(setting.doc in documented for setting in table)
    settings = tracejet.CompileSettings(engine=["openvino"], threads=2, torch_executed_ops=[torch.ops.aten.add])
    assert settings.as_dict()["torch_executed_ops"] == ["aten.add"]
    assert tracejet.CompileSettings(**settings.as_dict()) == settings != tracejet.CompileSettings()
    assert "threads=2" in repr(settings)
    model = Lambda(lambda x: x + 1)
    assert tracejet.compile(model, arg_inputs=[batch(8)], settings=settings, threads=1).settings.threads == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dla_size": 1}, 'there is no setting "dla_size"; there are engine, effort, precision'),
        ({"cuda_graph": True}, "there is no setting \"cuda_graph\"; did you mean 'cuda_graphs'?"),
        ({"arg_input": []}, "did you mean 'arg_inputs'?"),
        ({"min_block_size": 0}, "min_block_size is 0"),
        ({"min_block_size": "5"}, "min_block_size: expected an integer, got '5'"),
        ({"min_block_size": True}, "min_block_size: expected an integer, got True"),
        ({"dryrun": 1}, "dryrun: expected True or False, got 1"),
        ({"precision": "float32"}, "precision: expected a torch.dtype"),
        ({"torch_executed_ops": "aten.add"}, "torch_executed_ops: expected a list of names, got 'aten.add'"),
        ({"torch_executed_ops": [3]}, "torch_executed_ops: expected names, got 3"),
        ({"engine": []}, "the list of engines is empty"),
        ({"engine": ["aten", "abacus"]}, 'no engine "abacus"'),
        ({"engine": ["aten", "aten"]}, "named more than once"),
        ({"engine": 7}, "engine: expected a list of names, got 7"),
        ({"engine": "aten", "torch_executed_modules": ["x"]}, r'write \["aten"\] to split it'),
        ({"cache_dir": 3}, "cache_dir: expected a path, got 3"),
        ({"cache_dir": __file__}, "where there is something else than a folder"),
        ({"engine_cache_dir": __file__}, "where there is something else than a folder"),
        ({"ir": "torchscript"}, 'ir: expected "dynamo"'),
        ({"settings": {"threads": 2}}, "settings: expected CompileSettings"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(tracejet.InvalidInput, match=message):
        tracejet.compile(Lambda(lambda x: x + 1), arg_inputs=[batch(8)], **settings)


def test_a_setting_that_one_of_the_engines_cant_honour_is_warned_of() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.warns(tracejet.BuildWarning, match="but aten runs on PyTorch's own.* a part of this program all"):
            tracejet.compile(Lambda(custom), arg_inputs=[batch(8)], threads=1, min_block_size=1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tracejet.compile(Lambda(lambda x: x.exp()), arg_inputs=[batch(8)], threads=1)
        with pytest.raises(tracejet.InvalidInput, match="but aten runs on PyTorch's own"):
            tracejet.compile(Lambda(custom), arg_inputs=[batch(8)], engine=["aten"], threads=1)
    finally:
        torch.set_num_threads(threads)
