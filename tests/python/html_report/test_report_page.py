"""Reports as pages of HTML: what is in them, that they need nothing else, and how large they are."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser

import pytest
import torch
from torch import nn

import tracejet
from tests.support.command_line import RANGE, found, tracejet_command
from tracejet import Input

X = Input(min_shape=(1, 12), opt_shape=(4, 24), max_shape=(16, 48), name="x", shared_dims={0: "batch"})


class Page(HTMLParser):
    """The text of a page, its ids, and the addresses that it names."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.addresses, self.words, self.tags = set(), [], [], []
        self.source = path.read_text()
        self.feed(self.source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids |= {value for name, value in attrs if name == "id"}
        self.addresses += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        if self.tags[-1:] not in (["script"], ["style"]):
            self.words.append(data)


class Tower(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(12, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 32))
        self.second = nn.Sequential(nn.Linear(17, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 4), nn.Softmax(-1))

    def forward(self, x):
        y = self.first(x.view(x.shape[0], -1, 12))
        return {"scores": self.second(torch.fft.rfft(y).abs() + 0)}


@pytest.fixture(scope="module")
def tower():
    model = Tower().eval()
    program = tracejet.trace(model, arg_inputs=[X])
    return model, program, tracejet.compile(program, min_block_size=1)


@pytest.fixture(scope="module")
def page(tower, tmp_path_factory):
    model, program, compiled = tower
    path = tmp_path_factory.mktemp("report") / "tower.html"
    tracejet.write_report(
        path,
        program,
        compiled,
        verification=tracejet.verify(program, compiled, sizes=["min", "max"]),
        latency=tracejet.measure_latency(program, compiled, 0.01, model),
        diagnosis=tracejet.diagnose(model, arg_inputs=[X]),
        title="Tower <b>&",
    )
    return Page(path)


def test_a_page_has_all_that_is_known(page, tower):
    sections = {"inputs", "parts", "modules", "shapes", "weights", "verification", "latency", "kernels", "nodes"}
    assert sections <= page.ids
    assert {f"#{name}" for name in sections} <= set(page.addresses)
    assert {f"part-{i}" for i in range(len(tower[2].report.parts))} <= page.ids
    for call in tower[2].report.fallbacks:
        assert (
            call.operator in page.text and call.reason in page.text and f"test_report_page.py:{call.line}" in page.text
        )
    for words in (
        "x float32[batch, x_1]",  # the input
        "output['scores'] float32[batch, x_1//12, 4] returned",
        "first Sequential",  # a module with its class
        "first.0.weight float32[32, 12] 1.5 KiB",
        "batch x[0] 1 4 16 less than 1, more than 16",  # what a dimension forbids
        "x_1 12 24 48".replace("x_1 ", "x_1 x[1] "),
        "x[1] % 12 == 0 asserted",  # a guard
        "max batch=16 x_1=48 output['scores']",  # verification
        "aten.native_layer_norm.default",
    ):
        assert words in page.text, words
    assert page.tags.count("svg") == 2  # weights, latency


def test_a_page_is_all_there_is(page):
    assert all(address.startswith("#") for address in page.addresses)
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", page.source)
    assert "Tower <b>&" in page.text and "<b>&</strong>" not in page.source  # escaped


def test_a_program_alone_has_a_page(tower, tmp_path):
    tracejet.write_report(tmp_path / "bare.html", tower[1])
    bare = Page(tmp_path / "bare.html")
    assert {"inputs", "modules", "shapes", "weights", "nodes"} <= bare.ids
    assert not {"parts", "verification", "latency", "kernels"} & bare.ids and "bare" in bare.text


def test_latency_knows_every_part(tower):
    latency = tracejet.measure_latency(*tower[1:], 0.01)
    assert len(latency.parts) == len(tower[2].report.parts) > 1 and min(latency.parts) > 0
    assert [(row.size, row.dimensions["batch"]) for row in latency.sizes] == [("min", 1), ("opt", 4), ("max", 16)]
    assert all(row.compiled > 0 and row.eager > 0 and not row.problem for row in latency.sizes)


def test_kernels_are_listed_and_summed_up_by_module(tower, page):
    latency = tracejet.measure_latency(*tower[1:], 0.01)
    assert latency.profile is not None and {kernel.part for kernel in latency.profile.kernels} == set(
        range(len(tower[2].report.parts))
    )
    assert "aten::gelu" in page.text.partition("What engines run in one go")[2]
    tree = page.source.partition('<h2 id="modules">')[2].partition('<h2 id="shapes">')[0]
    assert (
        'class="box tree timed"' in tree and len(re.findall(r"\d ms</span>", tree)) >= 5
    )  # the model, its parts, layers


class Positive(nn.Module):
    def forward(self, x):
        torch._check(x.sum().item() > 1e9)
        return x * 2


def test_sizes_that_cant_be_tried_say_why(tmp_path):
    huge = Input(min_shape=(1,), opt_shape=(4,), max_shape=(2**31 - 1,), name="x")
    program = tracejet.trace(Positive(), arg_inputs=[huge])
    compiled = tracejet.compile(program, engine="aten")
    latency = tracejet.measure_latency(program, compiled, 0.01)
    assert latency.sizes[0].problem and latency.sizes[2].problem == "too large to be tried"
    tracejet.write_report(tmp_path / "huge.html", program, compiled, latency=latency)
    assert "not measured: too large to be tried" in Page(tmp_path / "huge.html").text


class Differs(nn.Module):
    def forward(self, x):
        return x + 1


def test_what_differs_is_said(tmp_path):
    program = tracejet.trace(nn.ReLU(), arg_inputs=[X])
    compiled = tracejet.compile(Differs(), arg_inputs=[X])
    verification = tracejet.verify(program, compiled)
    tracejet.write_report(tmp_path / "wrong.html", program, compiled, verification=verification)
    text = Page(tmp_path / "wrong.html").text
    assert "differs to PyTorch's kernels" in text and "First in aten::relu" in text


class Fixed(nn.Module):
    def forward(self, x):
        return x + torch.ones(24)


def test_a_diagnosis_has_a_page(tmp_path):
    tracejet.write_report(tmp_path / "fixed.html", tracejet.diagnose(Fixed(), arg_inputs=[X]))
    page = Page(tmp_path / "fixed.html")
    assert {"problems", "inputs", "guards"} <= page.ids
    assert "doesn't hold" in page.text and "x[1] == 24" in page.text and "torch.ones(24)" in page.text
    assert "min_shape=(1, 24)" in page.text
    tracejet.write_report(tmp_path / "fine.html", tracejet.diagnose(nn.ReLU(), arg_inputs=[X]))
    assert "The model takes all sizes" in Page(tmp_path / "fine.html").text


def test_a_large_program_stays_small(tmp_path):
    """2,000 nodes in less than 2 MB."""
    blocks = [nn.Sequential(nn.Linear(12, 12), nn.Tanh(), nn.Sigmoid(), nn.ReLU()) for _ in range(400)]
    program = tracejet.trace(nn.Sequential(*blocks).eval(), arg_inputs=[Input((4, 12))])
    assert len([node for node in program.graph.nodes if node.op == "call_function"]) >= 2000
    path = tmp_path / "large.html"
    tracejet.write_report(path, program, tracejet.compile(program, dryrun=True))
    assert path.stat().st_size < 2e6


@pytest.mark.parametrize(("package", "words"), [("pygal", "pygal"), ("jinja2", "Jinja2")])
def test_a_package_that_is_missing_is_named(tower, tmp_path, monkeypatch, package, words):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(tracejet.Error, match=words + r".*pip install 'tracejet\[report\]'"):
        tracejet.write_report(tmp_path / "none.html", tower[1])


# ---- the command -----------------------------------------------------------------------------------------------------


def test_the_command_writes_a_page(folder):
    quick = ("--duration", "0.01")
    written = found("report", "cli_models:Net", *RANGE, "-o", "net.html", *quick)
    assert written["ok"] and written["bytes"] == (folder / "net.html").stat().st_size
    assert "verification" in Page(folder / "net.html").ids and "Guards of the trace" in Page(folder / "net.html").text
    found("trace", "cli_models:Net", *RANGE, "-o", "net.pt2")
    found("report", "net.pt2", "-o", "again.html", "--duration", "0", "--no-verify", "--title", "Again")
    again = Page(folder / "again.html")
    assert "Again" in again.text and not {"verification", "latency"} & again.ids and "parts" in again.ids


def test_the_command_shows_a_compiled_program_as_it_was_saved(folder):
    program = tracejet.trace(nn.Linear(8, 3), arg_inputs=[Input((4, 8), name="x")])
    tracejet.compile(program, engine="aten").save("compiled.pt2")
    found("report", "compiled.pt2", "-o", "compiled.html", "--duration", "0.01")
    assert "run on aten" in Page(folder / "compiled.html").text


def test_the_command_shows_what_is_in_the_way(folder):
    ranges = ("--min-shapes", "x:1", "--opt-shapes", "x:12", "--max-shapes", "x:16")
    written = found("report", "cli_models:Fixed", *ranges, "-o", "fixed.html", status=1)
    assert not written["ok"] and written["diagnosis"]["problems"]
    assert "torch.ones(12)" in Page(folder / "fixed.html").text
    assert tracejet_command("report", "cli_models:Net", *RANGE).exit_code == 2  # no file
