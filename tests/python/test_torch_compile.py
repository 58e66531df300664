"""`torch.compile(model, backend="tracejet")`: gives what eager gives, or says why not."""

from __future__ import annotations

import copy
import os
import runpy
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch._dynamo
import torch.nn.functional as F
from torch import nn
from torch.utils import _pytree as pytree

import tracejet
from testing.models import SMALL_MODELS
from testing.torchvision_shim import import_torchvision
from tracejet.dynamo import Backend, BackendReport

ROOT = Path(__file__).parents[2]
rand = torch.randn


@pytest.fixture(autouse=True)
def nothing_compiled_before() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def assert_same(got: Any, expected: Any, tolerance: float = 1e-4) -> None:
    """Values, dtypes, shapes, strides, trees, and whether there would be a gradient."""
    ours, our_spec = pytree.tree_flatten(got)
    theirs, their_spec = pytree.tree_flatten(expected)
    assert our_spec == their_spec
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(b, torch.Tensor):
            torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance, equal_nan=True, check_stride=b.numel() > 0)
            assert a.requires_grad == b.requires_grad
        else:
            assert type(a) is type(b) and a == b


def compiled_like_eager(
    model: Callable[..., Any],
    calls: Sequence[tuple[Any, ...]],
    *,
    dynamic: bool | None = None,
    grad: bool = False,
    tolerance: float = 1e-4,
    **options: Any,
) -> BackendReport:
    """Compares results, arguments and the model's state after each of `calls`, and gives the backend's report."""
    backend, ours = Backend(**options), copy.deepcopy(model)
    compiled = torch.compile(ours, backend=backend, dynamic=dynamic)
    with torch.set_grad_enabled(grad):
        for call in calls:
            mine, theirs = copy.deepcopy(call), copy.deepcopy(call)
            assert_same(compiled(*mine), model(*theirs), tolerance)
            assert_same(mine, theirs)
            if isinstance(model, nn.Module):
                assert_same(dict(ours.state_dict()), dict(model.state_dict()), tolerance)
    return backend.report()


def batches(*sizes: int) -> list[tuple[torch.Tensor]]:
    return [(rand(size, 4),) for size in sizes]


# ---- sizes ---------------------------------------------------------------------------------------------------------


def test_sizes_become_dynamic_as_torchdynamo_says() -> None:
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    report = compiled_like_eager(net, batches(3, 3, 5, 7, 9))
    assert (len(report.graphs), report.recompilations) == (2, 1)  # static first, then dynamic for good
    report = compiled_like_eager(net, batches(3, 5, 7, 2), dynamic=True)
    assert (len(report.graphs), report.recompilations) == (1, 0)
    assert "in [2, 65536]" in report.graphs[0].inputs[0]
    report = compiled_like_eager(net, batches(3, 5, 7), dynamic=False)
    assert (len(report.graphs), report.recompilations) == (3, 2)


def test_the_range_of_mark_dynamic_is_that_of_the_program() -> None:
    backend, net = Backend(), nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval()
    compiled = torch.compile(net, backend=backend)
    with torch.no_grad():
        for size in (4, 2, 16):
            x = rand(size, 4)
            torch._dynamo.mark_dynamic(x, 0, min=2, max=16)
            assert_same(compiled(x), net(x))
    (graph,) = backend.report().graphs
    assert "in [2, 16]" in graph.inputs[0]


def test_sizes_that_depend_on_each_other_have_ranges_that_agree() -> None:
    def halves(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, x]) + y

    report = compiled_like_eager(halves, [(rand(n, 3), rand(2 * n, 3)) for n in (4, 6, 3)], dynamic=True)
    assert len(report.graphs) == 1


def test_sizes_beyond_what_was_compiled_are_compiled_again() -> None:
    report = compiled_like_eager(lambda x: x + 1, [(rand(3),), (rand(70_000),), (rand(80_000),)], dynamic=True)
    assert report.recompilations == 1


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.view(-1, 2, 4) * 2,
        lambda x: torch.cat([x, x]).sum(0),
        lambda x: x + 1 if x.shape[0] > 4 else x - 1,
        lambda x: (x.shape[0] * 2, x.shape, x.sum()),
        lambda x: x.split(2),
        lambda x: torch.arange(x.shape[0]) + x[:, 0],
        lambda x: x.mean(0, keepdim=True).expand(x.shape[0], 4) - x,
    ],
)
@pytest.mark.parametrize("dynamic", [None, True, False])
def test_sizes_in_a_model_are_those_of_the_call(function: Callable[..., Any], dynamic: bool | None) -> None:
    compiled_like_eager(function, batches(4, 6, 2, 8, 10), dynamic=dynamic)


def test_empty_tensors_and_sizes_of_one() -> None:
    compiled_like_eager(lambda x: (x.sum(0), x * 2), batches(0, 1, 3, 0, 5))


@pytest.mark.parametrize("engine", [None, "aten"])
def test_numbers_of_the_caller(engine: str | None) -> None:
    compiled_like_eager(lambda x, n: (x * n, n + 1), [(rand(3), n) for n in (5, 7, -1, -2, 0, 1, 9)], engine=engine)
    compiled_like_eager(lambda x, n: torch.arange(n) + x[0], [(rand(3), n) for n in (5, 7, 9, 2)], engine=engine)
    compiled_like_eager(lambda x, scale: x * scale, [(rand(3), scale) for scale in (0.5, 0.25, 0.75)], engine=engine)
    compiled_like_eager(lambda x, negate: -x if negate else x + 1, [(rand(3), True), (rand(3), False)], engine=engine)


def test_numbers_of_modules_are_constants_when_everything_is_dynamic() -> None:
    report = compiled_like_eager(nn.Sequential(nn.LayerNorm(4), nn.BatchNorm1d(4)).eval(), batches(3, 5), dynamic=True)
    assert len(report.graphs) == 1 and len(report.graphs[0].inputs) == 1


# ---- memory --------------------------------------------------------------------------------------------------------


def write_and_view(x: torch.Tensor, y: torch.Tensor) -> Any:
    x.add_(y)
    return x, x.view(-1), y[0], x.t()


@pytest.mark.parametrize(
    "function",
    [
        write_and_view,
        lambda x, y: x.mul_(y),
        lambda x, y: (x.view(-1), x[1:], x.t(), y),
        lambda x, y: x.__setitem__(0, y[1]),
        lambda x, y: F.relu(x, inplace=True) + y,
    ],
)
def test_inputs_are_written_and_shown_as_in_eager(function: Callable[..., Any]) -> None:
    compiled_like_eager(function, [(rand(size, 4), rand(size, 4)) for size in (3, 5, 7)])


def test_views_share_memory_with_what_they_show() -> None:
    def views(x: torch.Tensor) -> Any:
        hidden = x @ x.t()
        return x[1:], hidden, hidden.t(), hidden[0], *hidden.chunk(2), hidden.sum()

    for size in (4, 6, 8):
        x = rand(size, 3)
        tail, hidden, transposed, first, top, bottom, total = torch.compile(views, backend="tracejet")(x)
        assert_same(views(x), (tail, hidden, transposed, first, top, bottom, total))
        hidden.fill_(3)
        assert all((view == 3).all() for view in (transposed, first, top, bottom)) and total != 3 * size * size
        tail.fill_(5)
        assert (x[1:] == 5).all()


def test_results_lie_in_memory_as_eagers_do() -> None:
    compiled_like_eager(
        lambda x: (x.permute(1, 2, 0) * 2, (x + 1).transpose(0, 2)), [(rand(2, 3, 4),), (rand(5, 3, 4),)]
    )
    image = rand(2, 3, 8, 8).to(memory_format=torch.channels_last)
    compiled_like_eager(nn.Conv2d(3, 4, 3), [(image,)])
    compiled_like_eager(lambda x: x + 1, [(rand(4, 1).expand(4, 5),), (rand(5, 4).t(),), (rand(6, 8)[:, ::2],)])


def test_inputs_that_share_memory_with_what_is_written_are_refused() -> None:
    x = rand(4)
    with pytest.raises(tracejet.InvalidInput, match="shares memory with"):
        torch.compile(lambda a, b: (a.add_(1), b * 2), backend="tracejet")(x, x[:])


class Cache(nn.Module):
    """Writes into a buffer, and reads all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("keys", torch.zeros(8, 4))
        self.project = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        self.keys.index_copy_(0, position, self.project(x))
        return x @ self.keys.t()


class Recurrent(nn.Module):
    """Binds an attribute to a new tensor."""

    def __init__(self, is_buffer: bool) -> None:
        super().__init__()
        self.step = nn.Linear(4, 4)
        if is_buffer:
            self.register_buffer("state", torch.zeros(4))
        else:
            self.state = torch.zeros(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.state = torch.tanh(self.step(x) + self.state)
        return self.state * 2


def test_state_of_the_model_is_written() -> None:
    report = compiled_like_eager(Cache().eval(), [(rand(1, 4), torch.tensor([i])) for i in range(4)])
    assert [graph.rebuilds for graph in report.graphs] == [0]
    compiled_like_eager(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).train(), batches(3, 5, 7), dynamic=True)


@pytest.mark.parametrize("is_buffer", [True, False])
def test_state_that_is_bound_anew_is_no_reason_to_build_each_time(is_buffer: bool) -> None:
    report = compiled_like_eager(Recurrent(is_buffer).eval(), [(rand(4),)] * 8)
    assert sum(graph.rebuilds for graph in report.graphs) <= 3


# ---- weights -------------------------------------------------------------------------------------------------------


class Scaled(nn.Module):
    def __init__(self, size: int = 4) -> None:
        super().__init__()
        self.linear = nn.Linear(size, size)
        self.register_buffer("scale", torch.ones(size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.linear(x)) * self.scale


def test_weights_that_change_are_seen() -> None:
    backend, model = Backend(), Scaled().eval()
    compiled, x = torch.compile(model, backend=backend), rand(2, 4)

    def check() -> None:
        assert_same(compiled(x), model(x))

    with torch.no_grad():
        check()
        check()
        assert backend.report().graphs[0].rebuilds == 0
        model.linear.weight.mul_(2)
        check()
        model.load_state_dict(Scaled().state_dict())
        check()
        model.linear.weight.data = rand(4, 4)
        check()
        model.linear.weight = nn.Parameter(rand(4, 4))
        check()
        for _ in range(8):  # from some time on they come with each call
            model.scale.add_(1)
            check()
    assert sum(graph.rebuilds for graph in backend.report().graphs) <= 8


def test_modules_that_share_code_have_programs_of_their_own() -> None:
    backend, layers = Backend(), [Scaled().eval() for _ in range(4)]
    compiled = [torch.compile(layer, backend=backend) for layer in layers]
    x = rand(2, 4)
    with torch.no_grad():
        for _ in range(2):
            ours = theirs = x
            for layer, expected in zip(compiled, layers, strict=True):
                ours, theirs = layer(ours), expected(theirs)
            assert_same(ours, theirs)
    report = backend.report()
    assert len(report.graphs) + sum(graph.rebuilds for graph in report.graphs) == 4


# ---- graphs --------------------------------------------------------------------------------------------------------


def test_a_graph_break_makes_several_graphs() -> None:
    def branching(x: torch.Tensor) -> torch.Tensor:
        y = x + 1
        return y * 2 if y.sum() > 0 else y * 3

    report = compiled_like_eager(branching, [(rand(3).abs(),), (-rand(3).abs() - 5,)])
    assert (len(report.graphs), report.recompilations, report.in_eager) == (3, 0, 0)
    assert "in branching" in str(report) and len(report.to_json()["graphs"]) == 3


@pytest.mark.parametrize(
    ("function", "call"),
    [
        (lambda x: (x + 1, None, 3, "text", True, 2.5), (rand(3),)),
        (lambda x: x, (rand(3),)),
        (lambda x: torch.ones(3), (rand(3),)),
        (lambda x, d: {"a": x + d["k"], "b": [x * 1, (x - 1,)]}, (rand(3), {"k": rand(3)})),
        (
            lambda a, b, c, d: (a + 1, b + 1, ~c, d * 2, a.half()),
            (rand(3), torch.arange(3), rand(3) > 0, rand(3).half()),
        ),
        (lambda x, i: x[i], (rand(5, 2), torch.tensor([3, 0]))),
    ],
)
def test_results_of_every_kind(function: Callable[..., Any], call: tuple[Any, ...]) -> None:
    compiled_like_eager(function, [call])


def test_sizes_that_depend_on_data_stay_in_the_graph() -> None:
    flags = {"capture_dynamic_output_shape_ops": True, "capture_scalar_outputs": True}
    with torch._dynamo.config.patch(**flags):
        report = compiled_like_eager(lambda x: (x[x > 0] * 2, x.nonzero().sum()), [(rand(9),), (rand(9),)])
    assert len(report.graphs) == 1


def test_a_model_called_by_several_threads_while_its_weights_change() -> None:
    model = Scaled().eval()
    compiled, x = torch.compile(model, backend="tracejet"), rand(2, 4)
    with torch.no_grad():
        compiled(x)
    wrong: list[Any] = []

    def call() -> None:
        with torch.no_grad():
            for _ in range(5):
                if compiled(x).shape != (2, 4):
                    wrong.append(x)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    with torch.no_grad():
        for _ in range(5):
            model.scale.mul_(1.5)
            compiled(x)
    for thread in threads:
        thread.join()
    with torch.no_grad():
        assert not wrong
        assert_same(compiled(x), model(x))


def test_what_only_pytorch_computes() -> None:
    compiled_like_eager(lambda x: x * 2, [(rand(3).double(),), (rand(3, dtype=torch.complex64),)], engine="aten")
    compiled_like_eager(
        lambda x: torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,)),
        [(rand(3).abs(),), (-rand(3).abs(),)],
        engine="aten",
    )
    compiled = torch.compile(lambda x: F.dropout(x, 0.5, True), backend="tracejet", options={"engine": "aten"})
    torch.manual_seed(0)
    got = compiled(torch.ones(32))
    torch.manual_seed(0)
    assert_same(got, F.dropout(torch.ones(32), 0.5, True))


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_fast_paths_of_torch_nn_are_taken_apart(norm_first: bool, activation: str) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first, activation=activation).eval()
    report = compiled_like_eager(layer, [(rand(2, 7, 8),), (rand(3, 9, 8),)], dynamic=True)
    assert len(report.graphs) == 1
    causal = nn.Transformer.generate_square_subsequent_mask(7)
    padding = torch.tensor([[False] * 5 + [True] * 2, [False] * 7])
    compiled_like_eager(layer, [(rand(2, 7, 8), causal), (rand(2, 7, 8), None, padding)])
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = rand(2, 7, 8)
    compiled_like_eager(attention, [(x, x, x), (x, x, x, padding)])


def test_autocast_and_inference_mode() -> None:
    def inside(x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return x @ x

    compiled_like_eager(inside, [(rand(4, 4),)], tolerance=3e-2)
    model = Scaled().eval()
    compiled = torch.compile(model, backend="tracejet")
    with torch.inference_mode():
        for size in (2, 5, 7):
            x = rand(size, 4)
            assert_same(compiled(x), model(x))
        ours = Scaled().eval()  # its memory has no versions
        compiled = torch.compile(ours, backend="tracejet")
        assert_same(compiled(x), ours(x))
        ours.linear.weight.mul_(2)
        assert_same(compiled(x), ours(x))


def test_the_example_shows_two_graphs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples/torch_compile.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "2 graphs, 0 of them compiled again, 0 in eager" in shown and "1 rebuilt for other weights" in shown


# ---- training ------------------------------------------------------------------------------------------------------


def test_training_is_refused_with_what_to_do() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout()).train()
    with pytest.raises(Exception, match=r"compiles for inference.*torch\.no_grad\(\).*model\.eval\(\)"):
        torch.compile(model, backend="tracejet")(rand(2, 4))
    compiled = torch.compile(nn.Sequential(nn.Linear(4, 4)).train(), backend="tracejet")
    with torch.no_grad():
        compiled(rand(2, 4))


def test_results_say_that_they_need_a_gradient_and_have_none() -> None:
    model = Scaled().eval()
    compiled_like_eager(model, batches(2, 3), grad=True)
    result = torch.compile(model, backend="tracejet")(rand(2, 4))
    with pytest.raises(tracejet.UnsupportedOperator, match="has no gradients, and one was asked for"):
        result.sum().backward()


def test_state_that_would_need_a_gradient_is_refused() -> None:
    call = (rand(1, 4), torch.tensor([0]))
    with pytest.raises(Exception, match=r"needs a gradient to .*keys.*torch\.no_grad"):
        torch.compile(Cache().eval(), backend="tracejet")(*call)
    with torch.no_grad():
        torch.compile(Cache().eval(), backend="tracejet")(*call)


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


@pytest.mark.parametrize("name", ["tracejet", "tensorrt"])
def test_an_installed_backend_needs_no_import(name: str, tmp_path: Path) -> None:
    assert python(CALL.format(name), installed(tmp_path)) == "[2.0, 2.0]\n"


@pytest.mark.parametrize("name", ["tracejet", "tensorrt"])
@pytest.mark.parametrize("before", ["", "import torch._dynamo; torch._dynamo.list_backends(); "])
def test_without_an_installation_the_import_is_enough(name: str, before: str) -> None:
    assert python(f"{before}import tracejet; {CALL.format(name)}", str(ROOT / "python")) == "[2.0, 2.0]\n"


def test_a_tree_has_the_entry_points_of_an_installation() -> None:
    from tracejet.torch_compile import registration

    assert entry_points() == registration._ENTRY_POINTS


def test_torch_tensorrt_keeps_its_name_where_it_is_installed(tmp_path: Path) -> None:
    (tmp_path / "torch_tensorrt.py").write_text(
        "import torch\n"
        "@torch._dynamo.register_backend(name='tensorrt')\n"
        "def backend(gm, inputs, **kwargs):\n    print('theirs')\n    return gm.forward\n"
    )
    path = installed(tmp_path)
    assert python(CALL.format("tensorrt"), path) == "theirs\n[2.0, 2.0]\n"
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
