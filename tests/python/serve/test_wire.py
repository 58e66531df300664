"""Tensors on the wire: every datatype, there and back, in lists and in bytes, in HTTP's and gRPC's messages."""

import importlib
import pickle

import numpy as np
import pytest
import torch
from kserve import InferInput, InferRequest, InferResponse
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from torch import nn

from tests.support.served import saved
from tracejet import Input, InvalidInput
from tracejet.serve import GRPC_SERVICER, grpc_messages
from tracejet.serve.batcher import Batcher
from tracejet.serve.program import ServedProgram
from tracejet.serve.service import Service
from tracejet.serve.signature import DATATYPES
from tracejet.serve.wire import raw_bytes, request_tensors, tensor_of

VALUES = [[0, 1, 1], [1, 0, 1]]


@pytest.mark.parametrize(("dtype", "datatype"), DATATYPES.items(), ids=lambda value: str(value))
def test_every_datatype_comes_as_it_was_sent(dtype, datatype):
    tensor = torch.tensor(VALUES).to(dtype)
    assert torch.equal(tensor_of("x", datatype, [2, 3], None, raw_bytes(tensor)), tensor)
    if datatype == "FP16":
        with pytest.raises(InvalidInput, match="FP16 comes as raw bytes"):
            tensor_of("x", datatype, [2, 3], VALUES, None)
        return
    assert torch.equal(tensor_of("x", datatype, [2, 3], tensor.tolist(), None), tensor)


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        ("UINT8", -1),
        ("UINT8", 256),
        ("INT8", 128),
        ("INT32", 2**31),
        ("INT64", 2**63),
        ("UINT64", -1),
        ("UINT64", 2**64),
    ],
)
def test_integers_that_a_datatype_doesnt_hold_are_refused(datatype, value):
    with pytest.raises(InvalidInput, match=f"{datatype}"):
        tensor_of("x", datatype, [1], [value], None)


def test_the_greatest_integers_are_exact():
    assert tensor_of("x", "INT64", [2], [2**63 - 1, -(2**63)], None).tolist() == [2**63 - 1, -(2**63)]
    assert tensor_of("x", "UINT64", [1], [2**64 - 1], None).tolist() == [2**64 - 1]


def test_empty_tensors_and_scalars():
    assert tensor_of("x", "FP32", [0, 3], [], None).shape == (0, 3)
    assert tensor_of("x", "FP32", [], [2.5], None).item() == 2.5


class Twice(nn.Module):
    def forward(self, x):
        return x + x


def served(dtype, folder):
    x = Input(min_shape=(1, 3), opt_shape=(2, 3), max_shape=(4, 3), dtype=dtype, name="x")
    program = ServedProgram(saved(Twice(), [x], folder))
    return Service("net", program.signature, Batcher(program)), program


@pytest.mark.parametrize(
    ("dtype", "is_raw"),
    [(dtype, True) for dtype in (torch.float32, torch.int64, torch.float16, torch.bool)]
    + [(dtype, False) for dtype in (torch.float32, torch.int64, torch.bool)],  # there is no FP16 in lists
)
def test_grpc_messages_of_kserves_client(dtype, is_raw, tmp_path):
    service, program = served(dtype, tmp_path)
    spec = service.signature.inputs[0]
    tensor = torch.tensor(VALUES).to(spec.dtype)
    given = InferInput("x", [2, 3], spec.datatype)
    given.set_data_from_numpy(tensor.numpy(), binary_data=is_raw)
    message = InferRequest("net", [given], request_id="9").to_grpc()
    assert bool(message.raw_input_contents) == is_raw
    tensors = request_tensors(service.signature, grpc_messages.tensors_in(message))
    assert torch.equal(tensors[0], tensor)
    outputs = dict(zip((s.name for s in service.signature.outputs), program.run(tensors), strict=True))
    answer = InferResponse.from_grpc(grpc_messages.response(service, message, outputs))
    (output,) = answer.outputs
    assert (answer.id, answer.model_name, output.name) == ("9", "net", "output")
    assert np.array_equal(output.as_numpy(), (tensor + tensor).numpy())


def test_grpc_messages_go_from_rays_proxy_to_replicas():
    module, _, function = GRPC_SERVICER.rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))
    message = pb.ModelInferRequest(model_name="net", raw_input_contents=[b"1234"])
    assert pickle.loads(pickle.dumps(message)) == message


def test_grpc_metadata(tmp_path):
    found = grpc_messages.metadata(served(torch.int64, tmp_path)[0])
    assert (found.name, list(found.versions), list(found.inputs[0].shape)) == ("net", ["1"], [-1, 3])
    assert [spec.datatype for spec in (*found.inputs, *found.outputs)] == ["INT64", "INT64"]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"inputs": [{"name": "x"}], "raw_input_contents": [b"", b""]}, "1 inputs, but 2 raw_input_contents"),
        (
            {
                "inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "contents": {"fp32_contents": [1]}}],
                "raw_input_contents": [b"1234"],
            },
            "contents beside raw_input_contents",
        ),
        ({"inputs": [{"name": "x", "datatype": "FP32", "shape": [2]}], "raw_input_contents": [b"1234"]}, "got 4 bytes"),
        ({"inputs": [{"name": "x", "datatype": "BYTES", "shape": [1]}]}, "no datatype 'BYTES'"),
        (
            {"inputs": [{"name": "x", "datatype": "INT64", "shape": [1], "contents": {"fp32_contents": [1]}}]},
            "0 numbers",
        ),
    ],
)
def test_grpc_messages_that_contradict_themselves_are_refused(message, text):
    with pytest.raises(InvalidInput, match=text):
        grpc_messages.tensors_in(pb.ModelInferRequest(**message))
