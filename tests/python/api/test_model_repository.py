"""Folders for model servers: what the engines behind these servers make of the files."""

from __future__ import annotations

import json
import re

import onnxruntime
import openvino
import pytest
import torch
from torch import nn

import tracejet
from tests.support.command_line import found
from tests.support.lambda_module import Lambda
from tests.support.small_models import Counter, RowSum
from tracejet import Input, InvalidInput, save_model_repository

X = Input(min_shape=(1, 8), opt_shape=(4, 8), max_shape=(16, 8), name="x", shared_dims={0: "batch"})


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))

    def forward(self, x):
        return self.layers(x)


@pytest.fixture
def net():
    return Net().eval()


@pytest.mark.parametrize("size", [1, 5, 16])
def test_tritons_files_are_the_model(net, tmp_path, size):
    place = save_model_repository(net, tmp_path, server="triton", name="net", arg_inputs=[X], merge_requests=True)
    session = onnxruntime.InferenceSession(place / "1/model.onnx", providers=["CPUExecutionProvider"])
    x = torch.randn(size, 8)
    (given,) = session.run(None, {"x": x.numpy()})
    torch.testing.assert_close(torch.from_numpy(given), net(x), rtol=1e-4, atol=1e-5)
    (output,) = session.get_outputs()
    assert (place / "config.pbtxt").read_text() == (
        'name: "net"\nbackend: "onnxruntime"\nmax_batch_size: 16\n'
        'input [ { name: "x" data_type: TYPE_FP32 dims: [ 8 ] } ]\n'
        f'output [ {{ name: "{output.name}" data_type: TYPE_FP32 dims: [ 3 ] }} ]\ndynamic_batching {{ }}\n'
    )


@pytest.mark.parametrize("size", [1, 5, 16])
def test_the_files_for_openvino_are_the_model_in_float32(net, tmp_path, size):
    place = save_model_repository(net, tmp_path, server="ovms", name="net", arg_inputs=[X])
    model = openvino.Core().compile_model(place / "1/model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    x = torch.randn(size, 8)
    torch.testing.assert_close(torch.from_numpy(model(x.numpy())[0]), net(x), rtol=1e-4, atol=1e-5)
    save_model_repository(net, tmp_path, server="ovms", name="other", arg_inputs=[X])
    save_model_repository(net, tmp_path, server="ovms", name="net", arg_inputs=[X])
    config = json.loads((tmp_path / "config.json").read_text())["model_config_list"]
    assert [entry["config"] for entry in config] == [
        {"name": "other", "base_path": "/models/other"},
        {"name": "net", "base_path": "/models/net"},
    ]


def test_without_a_batch_all_axes_are_the_clients(tmp_path):
    place = save_model_repository(RowSum(), tmp_path, server="triton", name="total", arg_inputs=[X])
    config = (place / "config.pbtxt").read_text()
    assert "max_batch_size: 0" in config and 'name: "x" data_type: TYPE_FP32 dims: [ -1, 8 ]' in config


class Passed(nn.Module):
    """An input among the results, a result twice, and an input that nothing takes."""

    def forward(self, x, y):
        z = x + 1
        return x, z, z


def test_tritons_names_are_those_of_the_model(tmp_path):
    y = Input(min_shape=(1, 2), opt_shape=(4, 2), max_shape=(16, 2), name="y", shared_dims={0: "batch"})
    place = save_model_repository(Passed(), tmp_path, server="triton", name="passed", arg_inputs=[X, y])
    session = onnxruntime.InferenceSession(place / "1/model.onnx", providers=["CPUExecutionProvider"])
    tensors = [*session.get_inputs(), *session.get_outputs()]
    named = re.findall(r'put \[ { name: "(.*?)"', (place / "config.pbtxt").read_text())
    assert named == [tensor.name for tensor in tensors] and len(named) == 5


class Score(nn.Module):
    """One number for each row."""

    def forward(self, x):
        return x.sum(1)


def test_one_number_per_row_is_an_axis_of_one_for_tritons_clients(tmp_path):
    place = save_model_repository(Score(), tmp_path, server="triton", name="score", arg_inputs=[X])
    output = (place / "config.pbtxt").read_text().splitlines()[-1]
    assert output.endswith("data_type: TYPE_FP32 dims: [ 1 ] reshape: { shape: [ ] } } ]")  # dims may not be empty


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (torch.sum, "output 0: it is a scalar"),
        (lambda x: x[:0, :4], "output 0: it has an axis of size 0"),
        (lambda x: x.bfloat16(), "output 0: Triton's onnxruntime backend has no torch.bfloat16"),
    ],
)
def test_what_triton_has_no_tensor_for_is_refused(tmp_path, function, text):
    with pytest.raises(InvalidInput, match=text):
        save_model_repository(Lambda(function), tmp_path, server="triton", name="net", arg_inputs=[X])
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("model", "options", "text"),
    [
        (RowSum(), {"server": "triton", "merge_requests": True}, "axis 0 of all inputs and outputs"),
        (Net(), {"server": "ovms", "merge_requests": True}, "doesn't put requests together"),
        (Counter(), {"server": "triton"}, "keeps no state"),
        (Net(), {"server": "torchserve"}, "expected"),
        (Net(), {"server": "triton", "name": "../net"}, "without slashes"),
    ],
)
def test_what_a_server_cant_do_is_refused(tmp_path, model, options, text):
    with pytest.raises(InvalidInput) as error:
        save_model_repository(model, tmp_path / "models", arg_inputs=[X], **{"name": "net", **options})
    assert text in str(error.value)
    assert not list(tmp_path.rglob("*.onnx"))


def test_the_command_writes_a_repository(tmp_path):
    folder = tmp_path / "models"
    tracejet.save(tracejet.trace(Net(), arg_inputs=[X]), tmp_path / "net.pt2")
    written = found("export", tmp_path / "net.pt2", "--for", "triton", "-o", folder, "--name", "net")
    assert written["files"] == ["1/model.onnx", "config.pbtxt"]
    again = ("export", tmp_path / "net.pt2", "--for", "ovms", "-o", folder, "--name", "a/b")
    assert "without slashes" in found(*again, status=2)["error"]["message"]


@pytest.mark.parametrize(("server", "taken"), [("triton", "net"), ("triton", "net/config.pbtxt/x"), ("ovms", "net")])
def test_a_folder_that_cant_be_written_to_is_an_error_of_ours(net, tmp_path, server, taken):
    place = tmp_path / taken
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("")
    with pytest.raises(tracejet.Error, match="can't write ") as refused:
        save_model_repository(net, tmp_path, server=server, name="net", arg_inputs=[X])
    assert refused.value.code == tracejet.ErrorCode.UNWRITABLE_FILE
