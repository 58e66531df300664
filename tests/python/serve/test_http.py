"""The Open Inference Protocol over HTTP, as KServe's own messages say it; no Ray is started."""

import contextlib

import numpy as np
import pytest
import torch
from kserve import InferInput, InferRequest, InferResponse
from starlette.testclient import TestClient

from tests.support.served import Scores, body, listed, saved, scores_inputs
from tracejet.serve.batcher import Batcher
from tracejet.serve.http import JSON_LENGTH, router
from tracejet.serve.outcome import Outcome
from tracejet.serve.program import ServedProgram
from tracejet.serve.service import Service

X, IDS = torch.randn(2, 4), torch.tensor([1, 7])
GIVEN = (listed("x", "FP32", X), listed("ids", "INT64", IDS))


@pytest.fixture(scope="module")
def model():
    return Scores().eval()


@pytest.fixture(scope="module")
def outcomes():
    return []


@pytest.fixture(scope="module")
def client(model, outcomes, tmp_path_factory):
    program = ServedProgram(saved(model, scores_inputs(), tmp_path_factory.mktemp("served")))
    service = Service("net", program.signature, Batcher(program))
    with contextlib.suppress(RuntimeError), TestClient(router(service, outcomes.append)) as client:
        yield client


def test_health_and_metadata(client):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert client.get("/v2/models").json() == {"models": ["net"]}
    assert client.get("/v2/models/net/ready").json() == {"name": "net", "ready": True}
    assert client.get("/v2/models/net/versions/1/ready").status_code == 200
    assert client.get("/v2/models/net").json() == {
        "name": "net",
        "versions": ["1"],
        "platform": "tracejet",
        "inputs": [
            {"name": "x", "datatype": "FP32", "shape": [-1, 4]},
            {"name": "ids", "datatype": "INT64", "shape": [-1]},
        ],
        "outputs": [
            {"name": "scores", "datatype": "FP32", "shape": [-1, 3]},
            {"name": "is_high", "datatype": "BOOL", "shape": [-1, 3]},
        ],
    }


def test_lists_come_and_go(client, model):
    answer = client.post("/v2/models/net/infer", content=body(*GIVEN, id="7")).json()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("7", "net", "1")
    expected = model(X, IDS)
    scores, is_high = answer["outputs"]
    assert (scores["name"], scores["datatype"], scores["shape"]) == ("scores", "FP32", [2, 3])
    torch.testing.assert_close(torch.tensor(scores["data"]).reshape(2, 3), expected["scores"], rtol=1e-4, atol=1e-5)
    assert is_high["data"] == expected["is_high"].flatten().tolist()


def test_nested_lists_are_taken_too(client):
    nested = {**GIVEN[0], "data": X.tolist()}
    (flat, same) = (client.post("/v2/models/net/infer", content=body(x, GIVEN[1])).json() for x in (GIVEN[0], nested))
    assert flat["outputs"] == same["outputs"]


def test_only_outputs_that_are_asked_for_are_sent(client):
    asked = client.post("/v2/models/net/versions/1/infer", content=body(*GIVEN, outputs=[{"name": "is_high"}])).json()
    assert [output["name"] for output in asked["outputs"]] == ["is_high"]


@pytest.mark.parametrize("binary_out", [True, False])
def test_binary_data_as_kserves_client_sends_it(client, model, binary_out):
    x, ids = InferInput("x", [2, 4], "FP32"), InferInput("ids", [2], "INT64")
    x.set_data_from_numpy(X.numpy())
    ids.set_data_from_numpy(IDS.numpy())
    content, length = InferRequest("net", [x, ids], parameters={"binary_data_output": binary_out}).to_rest()
    answer = client.post("/v2/models/net/infer", content=content, headers={JSON_LENGTH: str(length)})
    if binary_out:
        read = InferResponse.from_bytes(answer.content, int(answer.headers[JSON_LENGTH]))
    else:
        read = InferResponse.from_rest(answer.json())
    torch.testing.assert_close(
        torch.from_numpy(read.outputs[0].as_numpy()), model(X, IDS)["scores"], rtol=1e-4, atol=1e-5
    )
    assert np.array_equal(read.outputs[1].as_numpy(), model(X, IDS)["is_high"].numpy())


def test_nan_goes_in_bytes_alone(client):
    raw = torch.full((1, 4), float("nan"))
    x, ids = InferInput("x", [1, 4], "FP32"), InferInput("ids", [1], "INT64")
    x.set_data_from_numpy(raw.numpy())
    ids.set_data_from_numpy(np.zeros(1, np.int64))
    content, length = InferRequest("net", [x, ids]).to_rest()
    answer = client.post("/v2/models/net/infer", content=content, headers={JSON_LENGTH: str(length)})
    assert answer.status_code == 400
    assert "NaN or infinity, which JSON has no word for: ask for binary_data" in answer.json()["error"]


def changed(index, **fields):
    return [given if i != index else {**given, **fields} for i, given in enumerate(GIVEN)]


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ([GIVEN[0]], "the input 'ids' is missing; the inputs are x, ids"),
        ([*GIVEN, listed("z", "FP32", X)], "there is no input 'z'"),
        ([*GIVEN, GIVEN[0]], "x: this input is given twice"),
        (changed(0, datatype="FP64"), "x: expected the datatype FP32, got FP64"),
        (changed(0, datatype="FLOAT"), "x: there is no datatype 'FLOAT' here"),
        (changed(0, shape=[8]), "x: expected 2 axes, [-1, 4], got [8]"),
        (changed(0, shape=[2, 5]), "x: got 8 numbers, but the shape [2, 5] has 10"),
        (changed(0, shape=[4, 2]), "x: axis 1 is 2, expected 4"),
        (changed(0, shape=[-1, 4]), "negative size"),
        (changed(0, data=[0.5, None, 1, 1, 1, 1, 1, 1]), "x: the data isn't FP32: it has None"),
        (changed(0, data=[[1, 2], [3]]), "x: the data isn't a tensor"),
        (changed(1, data=[1.5, 2]), "ids: the data isn't INT64: it has 1.5"),
        (changed(1, data=["1", 2]), "ids: the data isn't INT64: it has '1'"),
        (changed(1, data=[True, False]), "ids: the data isn't INT64: it has True"),
        (changed(1, shape=[1], data=[3]), "ids: axis 0 is 1, but x: axis 0 is 2: they are one dimension"),
        (changed(0, data=None), "x: there is neither data nor binary_data_size"),
        (changed(0, parameters={"binary_data_size": 32}), "x: there is data beside binary_data_size"),
        (changed(0, data=None, parameters={"binary_data_size": 32}), "binary_data_size is 32, but 0 bytes are left"),
        (
            [listed("x", "FP32", torch.zeros(9, 4)), listed("ids", "INT64", torch.zeros(9).long())],
            "axis 0 is 9, expected 1 to 8",
        ),
    ],
)
def test_what_doesnt_fit_is_a_400_that_names_it(client, outcomes, inputs, text):
    outcomes.clear()
    answer = client.post("/v2/models/net/infer", content=body(*inputs))
    assert answer.status_code == 400
    assert text in answer.json()["error"]
    assert outcomes == [Outcome.INVALID]


@pytest.mark.parametrize(
    ("content", "headers", "text"),
    [
        (b"{", {}, "isn't one of the protocol"),
        (b"{}", {}, "inputs: Field required"),
        (body({"name": "x", "shape": [1], "datatype": 3}), {}, "inputs.0.datatype"),
        (body(*GIVEN), {JSON_LENGTH: "99999"}, "but the body has"),
        (body(*GIVEN, outputs=[{"name": "t5"}]), {}, "there is no output 't5'; the outputs are scores, is_high"),
        (body(*GIVEN) + b"....", {JSON_LENGTH: str(len(body(*GIVEN)))}, "4 bytes follow the data of the last input"),
    ],
)
def test_broken_requests_are_400s(client, content, headers, text):
    answer = client.post("/v2/models/net/infer", content=content, headers=headers)
    assert (answer.status_code, text in answer.json()["error"]) == (400, True), answer.text


@pytest.mark.parametrize("path", ["/v2/models/other", "/v2/models/other/ready", "/v2/models/net/versions/2"])
def test_other_models_are_not_found(client, path):
    assert client.get(path).status_code == 404
    assert client.post(f"{path.removesuffix('/ready')}/infer", content=body(*GIVEN)).status_code == 404
