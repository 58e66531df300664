"""Broken and hostile .pt2 files: an error each that says what is wrong and where, and little memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tracejet
from tracejet import Input


class Small(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(4, 3), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.pt2"
    x = Input(min_shape=(1, 4), opt_shape=(2, 4), max_shape=(8, 4), name="x")
    tracejet.save(tracejet.trace(Small(), arg_inputs=[x]), path)
    return path


def rewritten(path: Path, change: Callable[[dict[str, Any]], None], entry: str = "models/model.json") -> Path:
    """The same file with one of its JSON texts changed."""
    made = path.with_name("changed.pt2")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(made, "w") as made_archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(entry):
                value = json.loads(content)
                change(value)
                content = json.dumps(value).encode()
            made_archive.writestr(name, content)
    return made


def refusal(path: Path) -> str:
    with pytest.raises(tracejet.Error) as caught:
        tracejet.load(path)
    assert "can't load " in str(caught.value)
    return str(caught.value)


def test_no_file_and_other_files(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.pt2")
    assert "no file" in refusal(tmp_path)
    (tmp_path / "empty.pt2").touch()
    assert "empty" in refusal(tmp_path / "empty.pt2")
    (tmp_path / "text.pt2").write_text("not a zip " * 100)
    assert "no .pt2 archive" in refusal(tmp_path / "text.pt2")
    torch.save({"a": torch.ones(2)}, tmp_path / "saved.pt2")
    assert "no .pt2 archive" in refusal(tmp_path / "saved.pt2")


def test_truncated_files(good: Path, tmp_path: Path) -> None:
    content = good.read_bytes()
    for length in [*range(0, len(content), 256), len(content) - 1]:
        (tmp_path / "cut.pt2").write_bytes(content[:length])
        refusal(tmp_path / "cut.pt2")


def test_flipped_bits(good: Path, tmp_path: Path) -> None:
    content = good.read_bytes()
    choose = random.Random(0)
    for _ in range(300):
        broken = bytearray(content)
        broken[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
        (tmp_path / "flipped.pt2").write_bytes(broken)
        try:  # a bit that nothing depends on (padding, a time) may be any
            loaded = tracejet.load(tmp_path / "flipped.pt2", check_weights=True)
        except tracejet.Error:
            continue
        assert str(loaded._tracejet_graph) == str(tracejet.load(good)._tracejet_graph)


def member(value: Any, path: str) -> tuple[Any, Any]:
    """The container of a member, and its key there."""
    *above, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    for key in above:
        value = value[key]
    return value, last


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema_version/major", 9, r"schema is of version 9\.\d+, and this reads version 8"),
        ("schema_version", None, "schema_version: expected an object"),
        ("guards_code", ["__import__('os').system('true')"], r"guards_code\[0\]: expected"),
        ("guards_code", ["L['x'].size()[0] < 1"], "no argument fulfils it"),
        ("guards_code", ["L['y'].size()[0] == 3"], "relies on L.'y'"),
        ("guards_code", ["(" * 5000], "nested less deeply"),
        ("graph_module/graph/nodes/0/target", "torch.ops.aten.unheard_of.default", "aten::unheard_of.*isn't known"),
        ("graph_module/graph/nodes/0/target", "os.system", "isn't known here"),
        ("graph_module/graph/nodes/0/target", 5, r"nodes\[0\].target: expected a string, got 5"),
        (
            "graph_module/graph/nodes/1/inputs/0/arg",
            {"as_tensor": {"name": "nobody"}},
            "nothing before it gives nobody",
        ),
        ("graph_module/graph/nodes/1/inputs/0/name", "other_name", "has no argument other_name"),
        ("graph_module/graph/nodes", {}, "graph_module.graph.nodes: expected a list, got an object"),
        ("graph_module/graph/tensor_values/x/dtype", 99, "99 is no dtype"),
        ("graph_module/graph/tensor_values/x/sizes/1/as_int", -4, "expected a size, got -4"),
        ("graph_module/graph/tensor_values/x/sizes/0/as_expr/expr_str", "__import__('os')", "__import__"),
        ("graph_module/graph/tensor_values/x/sizes/0/as_expr/expr_str", "Add(" * 5000, "nested less deeply"),
        ("graph_module/signature/input_specs/0/parameter/parameter_name", "other", "no tensor of this name"),
        ("graph_module/module_call_graph", [], "how the program is called"),
        ("range_constraints/s0/min_val", 100, "minimum is above its maximum"),
    ],
)
def test_wrong_programs(good: Path, path: str, value: Any, message: str) -> None:
    def change(program: dict[str, Any]) -> None:
        container, key = member(program, path)
        container[key] = value

    broken = rewritten(good, change)
    with pytest.raises(tracejet.Error, match=message):
        tracejet.load(broken)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("path_name", "../../../../etc/passwd", "no entry data/weights/../../../../etc/passwd"),
        ("path_name", "weight_77", "no entry data/weights/weight_77"),
        ("use_pickle", True, "nothing is unpickled"),
        ("tensor_meta/sizes/0/as_int", 2**62, "larger than its entry"),
        ("tensor_meta/sizes/0/as_int", 2**70, "expected an integer"),
        ("tensor_meta/strides/0/as_int", 2**62, "larger than its entry"),
        ("tensor_meta/storage_offset/as_int", 2**40, "larger than its entry"),
        ("tensor_meta/storage_offset/as_int", -1, "expected no negative number"),
        ("tensor_meta/dtype", 12, "integers have no gradients"),
        ("tensor_meta/device/type", "abacus", "no device abacus"),
        (
            "tensor_meta/device",
            {"type": "cuda", "index": 99},
            "on cuda:99, which this PyTorch doesn't have",
        ),
        ("tensor_meta/device", {"type": "xla"}, "on xla, which this PyTorch doesn't have"),
    ],
)
def test_wrong_weights(good: Path, path: str, value: Any, message: str) -> None:
    def change(config: dict[str, Any]) -> None:
        container, key = member(config["config"]["0.weight"], path)
        container[key] = value

    broken = rewritten(good, change, "model_weights_config.json")
    with pytest.raises(tracejet.Error, match=message):
        tracejet.load(broken)


def test_compressed_entries_are_refused(good: Path) -> None:
    made = good.with_name("compressed.pt2")
    with zipfile.ZipFile(good) as archive, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as made_archive:
        for name in archive.namelist():
            made_archive.writestr(name, archive.read(name))
    assert "compressed" in refusal(made)


def test_missing_entries_are_named(good: Path) -> None:
    def without(left_out: str) -> Path:
        made = good.with_name("without.pt2")
        with zipfile.ZipFile(good) as archive, zipfile.ZipFile(made, "w") as made_archive:
            for name in archive.namelist():
                if name != left_out:
                    made_archive.writestr(name, archive.read(name))
        return made

    with zipfile.ZipFile(good) as archive:
        names = archive.namelist()
    needed = {name for name in names if any(f"/{part}/" in name for part in ("models", "weights", "constants"))}
    assert len(needed) == 5  # the program, what its weights and constants are, and two weights
    for name in names:
        if name in needed:
            assert name.partition("/")[2] in refusal(without(name)), name
        elif name.endswith("/archive_format"):
            assert "no .pt2 archive" in refusal(without(name))
        else:  # says nothing of the program
            assert str(tracejet.load(without(name))._tracejet_graph) == str(tracejet.load(good)._tracejet_graph), name


def test_a_bit_of_a_weight(good: Path) -> None:
    with zipfile.ZipFile(good) as archive:
        weight = archive.read(next(name for name in archive.namelist() if name.endswith("weight_0")))
    content = bytearray(good.read_bytes())
    content[content.index(weight) + 5] ^= 4
    good.write_bytes(content)
    with pytest.raises(tracejet.Error, match=r"weight_0 is damaged"):
        tracejet.load(good, check_weights=True)


# Memory ------------------------------------------------------------------------------------------------------------

LOADS = """
import resource, sys, tracejet, torch
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    program = tracejet.load(sys.argv[1])
except tracejet.Error as error:
    print(str(error)[:200])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def mib_taken_by(path: Path) -> int:
    process = subprocess.run([sys.executable, "-c", LOADS, str(path)], capture_output=True, text=True, check=True)
    return int(process.stdout.splitlines()[-1])


def test_large_weights_stay_on_the_disk(tmp_path: Path) -> None:
    model = nn.Linear(8192, 4096, bias=False).eval()  # 128 MiB
    tracejet.save(tracejet.trace(model, arg_inputs=[torch.ones(2, 8192)]), tmp_path / "large.pt2")
    assert mib_taken_by(tmp_path / "large.pt2") < 40


def test_hostile_texts_take_little_memory(good: Path) -> None:
    symbols = [f"Symbol('s{i}', positive=True, integer=True)" for i in range(40)]
    squares = "Mul(" + ", ".join(f"Add({symbol}, Integer(1))" for symbol in symbols) + ")"

    def nested(program: dict[str, Any]) -> None:
        program["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0]["as_expr"]["expr_str"] = squares

    def stacked(program: dict[str, Any]) -> None:
        modules = ";".join(f"key{i},path{i},torch.nn.Linear" for i in range(40_000))
        program["graph_module"]["graph"]["nodes"][0]["metadata"]["nn_module_stack"] = modules

    for change in (nested, stacked):
        assert mib_taken_by(rewritten(good, change)) < 100
    deep = good.with_name("deep.pt2")
    with zipfile.ZipFile(good) as archive, zipfile.ZipFile(deep, "w") as made:
        for name in archive.namelist():
            is_model = name.endswith("model.json")
            made.writestr(name, b"[" * 1_000_000 if is_model else archive.read(name))
    assert mib_taken_by(deep) < 200


@pytest.mark.parametrize("part", ["file", "line", "function", "code"])
def test_source_lines_may_be_anything(part: str, tmp_path: Path) -> None:
    """They are taken apart for reports, with as little stack as short ones take."""

    class Decomposes(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.linalg.qr(x).Q

    tracejet.save(tracejet.trace(Decomposes(), arg_inputs=[torch.ones(3, 3)]), tmp_path / "good.pt2")
    texts = {"file": "net.py", "line": "41", "function": "forward", "code": "return x", part: "9" * 1_000_000}
    trace = 'File "{file}", line {line}, in {function}\n    {code}\n'.format(**texts)

    def change(program: dict[str, Any]) -> None:
        for node in program["graph_module"]["graph"]["nodes"]:
            node["metadata"]["stack_trace"] = trace

    (call,) = tracejet.check(tracejet.load(rewritten(tmp_path / "good.pt2", change)), engine="onnx").refused
    assert call.line.file == ("" if part == "line" else texts["file"])  # a number that is none


def test_entries_that_unpack_to_more_than_there_is(good: Path) -> None:
    bomb = good.with_name("bomb.pt2")
    with zipfile.ZipFile(good) as archive, zipfile.ZipFile(bomb, "w") as made:
        for name in archive.namelist():
            is_packed = name.endswith((".data/version", "archive_format"))
            content = b"0" * 300_000_000 if is_packed else archive.read(name)
            made.writestr(name, content, zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED)
    assert mib_taken_by(bomb) < 40
