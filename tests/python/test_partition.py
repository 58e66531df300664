"""Programs that are split between engines give what eager gives, and say what runs where and why."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._higher_order_ops.map import map as hop_map
from torch.fx import GraphModule, Node

import tracejet
from tests.python.test_engines import Adder, Everything, registered
from tests.support.lambda_module import Lambda, batch


def compiled_in_parts(model: nn.Module, *inputs: Any, engine: Any = None, least: int = 2, **settings: Any) -> Any:
    compiled = tracejet.compile(model, arg_inputs=inputs, engine=engine, min_block_size=1, **settings)
    assert len(compiled.report.parts) >= least, str(compiled.report)
    assert not compiled.report.notes
    return compiled


def assert_same(model: nn.Module, compiled: Callable[..., Any], calls: list[tuple[torch.Tensor, ...]]) -> None:
    for call in calls:
        torch.testing.assert_close(compiled(*call), model(*call), rtol=1e-4, atol=1e-5)


ROWS = [torch.randn(1, 8), torch.randn(2, 8), torch.randn(9, 8), -torch.rand(3, 8)]


# What can't be on OpenVINO --------------------------------------------------------------------------------------------


@torch.library.custom_op("tracejet_partition::twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    return x * 2


@twice.register_fake
def _(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


def custom(x: torch.Tensor) -> torch.Tensor:
    return (twice(x.relu() + 1) * x).softmax(-1)


def branches(x: torch.Tensor) -> torch.Tensor:
    y = torch.cond(x.sum() > 0, lambda x: x.exp() * x.shape[0], lambda x: x.tanh() - 1, (x * 2,))
    return F.layer_norm(y, (8,)) @ torch.ones(8, 3)


def loop(x: torch.Tensor) -> torch.Tensor:
    def go_on(i: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return i < 3

    def body(i: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return i + 1, y * 1.5 + i

    count, y = torch.while_loop(go_on, body, (torch.tensor(0), x.relu()))
    return (y + count).sum(0)


def positions(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    where = (x > 0).nonzero()
    return where.float().sum(0) * 2, torch.lgamma(x.abs() + 1)[where[:, 0], where[:, 1]].exp()


def numbers(x: torch.Tensor) -> tuple[Any, ...]:
    total = x.lgamma().nan_to_num(0, 0, 0).sum().item()
    return x * total, x.exp().sum().item(), total, x.shape[0] * 2


def spectrum(x: torch.Tensor) -> torch.Tensor:
    return torch.fft.rfft(x * 2).abs().pow(2) + 1


def integers(x: torch.Tensor) -> torch.Tensor:
    hashed = (x * 1000).long() * 2654435761 % 1021
    return torch.lgamma(x.abs() + 1) + hashed.remainder(17).float()


def conjugates(x: torch.Tensor) -> torch.Tensor:
    return torch.view_as_complex(x.view(-1, 4, 2)).conj().imag * 2


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (custom, branches, loop, positions, numbers, spectrum, integers, conjugates)
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_what_openvino_lacks_runs_beside_it(function: Callable[..., Any]) -> None:
    model = Lambda(function)
    compiled = compiled_in_parts(model, batch(8))
    assert set(compiled.report.engines) == {"openvino", "aten"}
    assert_same(model, compiled, [(x,) for x in ROWS])
    program = tracejet.trace(model, arg_inputs=[batch(8)])
    verification = tracejet.verify(program, compiled)
    assert verification.ok, str(verification)
    assert "openvino" in verification.engine and "aten" in verification.engine


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_by_default_every_program_is_compiled(function: Callable[..., Any]) -> None:
    model = Lambda(function)
    assert_same(model, tracejet.compile(model, arg_inputs=[batch(8)]), [(x,) for x in ROWS])
    with pytest.raises(tracejet.UnsupportedOperator):
        tracejet.compile(model, arg_inputs=[batch(8)], engine="openvino")


def bins(x: torch.Tensor) -> torch.Tensor:
    index = torch.bucketize(x, torch.linspace(-2, 2, 7))
    return F.embedding(index, torch.arange(16.0).view(8, 2)).sum(-1) * (index + 1)


class Recurrent(nn.Module):
    """Over an axis that varies, with a projection."""

    def __init__(self, kind: str, **more: Any):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.cells = getattr(nn, kind)(8, 8, batch_first=True, **more)

    def forward(self, x: torch.Tensor) -> Any:
        y, state = self.cells(self.first(x)[None])
        return y[0].relu(), state


#: What programs failed for one to five operators of, when they had to run as a whole.
ONCE_REFUSED: dict[str, Callable[[], nn.Module]] = {
    "histc": lambda: Lambda(lambda x: (x * 2).histc(8, -1, 1) / 2),
    "bucketize": lambda: Lambda(bins),
    "cdist": lambda: Lambda(lambda x: torch.cdist(x.relu(), x * 2).softmax(-1)),
    "fft": lambda: Lambda(lambda x: torch.fft.fft2(x + 1).real.exp()),
    "lstm": lambda: Recurrent("LSTM", proj_size=4),
    "gru": lambda: Recurrent("GRU"),
    "antialias": lambda: Lambda(
        lambda x: F.interpolate(x[None, None], (4, 6), mode="bilinear", antialias=True).tanh() + 1
    ),
    "statistics of the batch": lambda: nn.Sequential(
        nn.Linear(8, 8), nn.BatchNorm1d(8, track_running_stats=False), nn.GELU()
    ),
    "cond": lambda: Lambda(branches),
    "while_loop": lambda: Lambda(loop),
    "map": lambda: Lambda(lambda x: hop_map(lambda row: row.cumsum(0) * 2, x.exp()).relu() + x),
    "custom operator": lambda: Lambda(custom),
}


@pytest.mark.parametrize("name", ONCE_REFUSED)
def test_no_operator_keeps_a_model_from_being_compiled(name: str) -> None:
    torch.manual_seed(0)
    model = ONCE_REFUSED[name]().eval()
    compiled = tracejet.compile(model, arg_inputs=[batch(8, low=2)], min_block_size=1)
    assert "openvino" in compiled.report.engines, str(compiled.report)
    with torch.no_grad():
        assert_same(model, compiled, [(x,) for x in ROWS if x.shape[0] > 1])


class Counting(nn.Module):
    """Writes buffers and its input, with a part in between that OpenVINO lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        self.mean.lerp_(torch.lgamma(x.abs() + 1).mean(0), 0.1)
        x.add_(1)
        return x * self.mean + self.count


def test_buffers_and_inputs_change_like_in_eager() -> None:
    eager, ours = Counting(), Counting()
    compiled = compiled_in_parts(ours, batch(8))
    for rows in (2, 3, 3):
        x = torch.randn(rows, 8)
        y = x.clone()
        torch.testing.assert_close(compiled(y), eager(x), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(y, x)
    torch.testing.assert_close(dict(ours.named_buffers()), dict(eager.named_buffers()), rtol=1e-5, atol=1e-5)


class Cached(nn.Module):
    """A decode step: keys and values are written at a position that data says."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(8, 24)
        self.register_buffer("keys", torch.zeros(1, 16, 8))
        self.register_buffer("values", torch.zeros(1, 16, 8))

    def forward(self, x: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        q, k, v = self.project(x).chunk(3, -1)
        self.keys.index_copy_(1, position, k)
        self.values.index_copy_(1, position, v)
        mask = torch.arange(16) <= position
        attended = F.scaled_dot_product_attention(q, self.keys, self.values, attn_mask=mask)
        return attended + torch.special.i1(x)


def test_a_key_value_cache_crosses_parts() -> None:
    torch.manual_seed(0)
    eager, ours = Cached().eval(), Cached().eval()
    ours.load_state_dict(eager.state_dict())
    compiled = compiled_in_parts(ours, torch.randn(1, 1, 8), torch.tensor([0]))
    for step in range(6):
        x = torch.randn(1, 1, 8)
        position = torch.tensor([step])
        torch.testing.assert_close(compiled(x, position), eager(x, position).detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.keys, eager.keys, rtol=1e-4, atol=1e-5)


def test_random_numbers_keep_their_order() -> None:
    def forward(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = torch.rand_like(x) + x.relu()
        second = torch.bernoulli(x.sigmoid())
        return first * 2, second.exp(), torch.randn_like(first) + second

    model = Lambda(forward)
    compiled = tracejet.compile(model, arg_inputs=[batch(8)], min_block_size=1)
    for x in ROWS:
        torch.manual_seed(3)
        expected = model(x)
        torch.manual_seed(3)
        torch.testing.assert_close(compiled(x), expected)


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
def encoder() -> nn.Module:
    torch.manual_seed(0)
    torch.backends.mha.set_fastpath_enabled(False)
    return Encoder().eval().requires_grad_(False)


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
    assert call.file.endswith("test_partition.py") and call.line > 0
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
        ({"workspace_size": 1}, 'there is no setting "workspace_size"; there are engine, precision'),
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
        ({"ir": "torchscript"}, 'ir: expected "dynamo"'),
        ({"settings": {"threads": 2}}, "settings: expected CompileSettings"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(tracejet.InvalidInput, match=message):
        tracejet.compile(Lambda(lambda x: x + 1), arg_inputs=[batch(8)], **settings)


def test_a_setting_that_one_of_the_engines_cant_honour_is_warned_of() -> None:
    with pytest.warns(tracejet.BuildWarning, match="but aten computes float32 in float32.* a part of this program all"):
        tracejet.compile(Lambda(custom), arg_inputs=[batch(8)], precision=torch.bfloat16, min_block_size=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracejet.compile(Lambda(lambda x: x.exp()), arg_inputs=[batch(8)], precision=torch.bfloat16)
    with pytest.raises(tracejet.InvalidInput, match="but aten computes float32 in float32"):
        tracejet.compile(Lambda(custom), arg_inputs=[batch(8)], engine=["aten"], precision=torch.bfloat16)


# Other engines --------------------------------------------------------------------------------------------------------


class Mixed(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.exp() + x
        return twice(y) + y * 3


def test_engines_share_a_program_in_the_order_of_preference() -> None:
    with registered(Adder()):
        compiled = compiled_in_parts(Mixed(), batch(8), engine=["adder", "openvino"])
        default = tracejet.compile(Mixed(), arg_inputs=[batch(8)], min_block_size=1)
    assert set(compiled.report.engines) == {"adder", "openvino", "aten"}
    assert "adder" not in default.report.engines  # whoever registers an engine has to name it
    assert_same(Mixed(), compiled, [(x,) for x in ROWS])


class Broken(Adder):
    """Fails where it is told to."""

    name = "broken"

    def __init__(self, where: str):
        self.where = where

    def find_unsupported(self, program: GraphModule) -> Mapping[Node, str]:
        if self.where == "find_unsupported":
            raise ValueError("no beads")
        return super().find_unsupported(program)

    def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
        if self.where == "compile":
            raise ValueError("no beads")
        if self.where == "late":
            raise tracejet.UnsupportedOperator("no beads")

        def run(*inputs: torch.Tensor) -> Any:
            raise ValueError("no beads")

        return run


@pytest.mark.parametrize("where", ["find_unsupported", "compile", "late"])
def test_an_engine_that_fails_leaves_its_part_to_the_next_and_says_so(where: str) -> None:
    settings: dict[str, Any] = {"arg_inputs": [batch(8)], "engine": ["broken", "openvino"], "min_block_size": 1}
    with registered(Broken(where)):
        with pytest.warns(tracejet.BuildWarning, match="broken failed to .* which go to the next engine: .*no beads"):
            compiled = tracejet.compile(Mixed(), **settings)
        with pytest.raises((ValueError, tracejet.UnsupportedOperator), match="no beads"):
            tracejet.compile(Mixed(), pass_through_build_failures=True, **settings)
    assert "broken" not in compiled.report.engines
    assert any("no beads" in note for note in compiled.report.notes)
    assert_same(Mixed(), compiled, [(x,) for x in ROWS])


def test_stopping_is_no_failure() -> None:
    class Stopping(Adder):
        def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
            raise KeyboardInterrupt

    with registered(Stopping()), pytest.raises(KeyboardInterrupt):
        tracejet.compile(Mixed(), arg_inputs=[batch(8)], engine=["adder"], min_block_size=1)


def test_an_engine_that_fails_in_a_run_is_an_error_of_its_own() -> None:
    with registered(Broken("run")):
        compiled = compiled_in_parts(Mixed(), batch(8), engine=["broken", "openvino"])
    with pytest.raises(ValueError, match="no beads"):
        compiled(torch.ones(2, 8))


def test_an_engine_that_refuses_a_cut_gets_another() -> None:
    class Picky(Everything):
        """Takes exp only where it sees the sum that it works on."""

        def find_unsupported(self, program: GraphModule) -> Mapping[Node, str]:
            refused = {}
            for node in (node for node in program.graph.nodes if node.op == "call_function"):
                if node.target == torch.ops.tracejet_partition.twice.default:
                    refused[node] = "is a stranger"
                if node.target == torch.ops.aten.exp.default and node.args[0].op == "placeholder":
                    refused[node] = "stands at the edge"
            return refused

    model = Lambda(lambda x: twice(x + 1).relu().exp() + twice(x * 2).exp())
    with registered(Picky()):
        settings: dict[str, Any] = {"arg_inputs": [batch(8)], "engine": ["everything"], "min_block_size": 1}
        planned = tracejet.compile(model, dryrun=True, **settings)
        compiled = tracejet.compile(model, **settings)
    assert planned.report.to_json() == compiled.report.to_json()
    reasons = [call.reason for call in compiled.report.fallbacks if call.operator == "aten::exp"]
    assert reasons == ["stands at the edge"]
    assert_same(model, compiled, [(x,) for x in ROWS])


def test_verify_names_the_call_that_one_of_the_engines_gets_wrong() -> None:
    class Wrong(Adder):
        def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
            for node in program.graph.find_nodes(op="call_function", target=torch.ops.aten.add.Tensor):
                node.target = torch.ops.aten.sub.Tensor
            program.recompile()
            return program

    program = tracejet.trace(Mixed(), arg_inputs=[batch(8)])
    with registered(Wrong()):
        compiled = tracejet.compile(program, engine=["adder", "openvino"], min_block_size=1)
        verification = tracejet.verify(program, compiled)
    assert not verification.ok
    assert verification.first is not None and verification.first.operator == "aten::add.Tensor"
