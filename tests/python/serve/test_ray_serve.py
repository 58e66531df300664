"""A program on Ray Serve, as clients see it: both protocols, replicas that die or come and go, metrics, a data set."""

import asyncio
import os
import re
import threading
import time
import urllib.request

import numpy as np
import psutil
import pytest
import torch

from testing.inference_load import Question, send
from tests.support.served import Scores, saved, scores_inputs

pytestmark = pytest.mark.slow

HTTP, GRPC, METRICS = 18765, 18766, 18767
URL = f"http://127.0.0.1:{HTTP}"


@pytest.fixture(scope="module")
def model():
    return Scores().eval()


@pytest.fixture(scope="module")
def cluster():
    """Ray on this machine, which may be busy with other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "120")
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("RAY_METRICS_REPORT_INTERVAL_MS", "1000")
        import ray
        from ray import serve

        ray.init(num_cpus=4, include_dashboard=False, logging_level="warning", _metrics_export_port=METRICS)
        yield
        serve.shutdown()
        ray.shutdown()


@pytest.fixture(scope="module")
def served(model, cluster, tmp_path_factory):
    from tracejet import serve

    file = saved(model, scores_inputs(), tmp_path_factory.mktemp("served"))
    application = serve.application(file, name="net", num_replicas=2, ray_actor_options={"num_cpus": 0.5})
    serve.run(application, http_port=HTTP, grpc_port=GRPC)
    return file


def replicas(application="default"):
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(f"ServeReplica:{application}:net" in part for part in process.info["cmdline"] or [])
    ]


def wait_for(count, application="default", meanwhile=lambda: time.sleep(0.5)):
    end = time.monotonic() + 120
    while len(replicas(application)) != count:
        assert time.monotonic() < end, f"{application} has {len(replicas(application))} replicas, expected {count}"
        meanwhile()


def question(model, rows):
    x, ids = torch.randn(rows, 4), torch.randint(0, 9, (rows,))
    return Question.of("net", {"x": x, "ids": ids}, model(x, ids)["scores"].detach())


def test_kserves_clients_get_what_eager_gives(served, model):
    import grpc
    from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

    x, ids = torch.randn(3, 4), torch.tensor([4, 0, 2])
    given = [InferInput("x", [3, 4], "FP32"), InferInput("ids", [3], "INT64")]
    for entry, tensor in zip(given, (x, ids), strict=True):
        entry.set_data_from_numpy(tensor.numpy())

    async def ask():
        rest = InferenceRESTClient(RESTConfig(protocol="v2"))
        assert await rest.is_server_ready(URL) and await rest.is_server_live(URL)
        assert await rest.is_model_ready(URL, "net")
        async with InferenceGRPCClient(f"127.0.0.1:{GRPC}") as client:
            assert await client.is_server_ready() and await client.is_server_live()
            assert await client.is_model_ready("net")
            with pytest.raises(grpc.RpcError) as missing:
                await client.infer(InferRequest("net", given[:1]))
            assert missing.value.code() == grpc.StatusCode.INVALID_ARGUMENT
            assert missing.value.details() == "the input 'ids' is missing; the inputs are x, ids"
            with pytest.raises(grpc.RpcError) as other:
                await client.infer(InferRequest("other", given))
            assert other.value.code() == grpc.StatusCode.NOT_FOUND
            by_grpc = await client.infer(InferRequest("net", given))
        request = InferRequest("net", given, parameters={"binary_data_output": True})
        return by_grpc, await rest.infer(URL, request, model_name="net")

    for answer in asyncio.run(ask()):
        scores = torch.from_numpy(answer.outputs[0].as_numpy().copy())
        torch.testing.assert_close(scores, model(x, ids)["scores"], rtol=1e-4, atol=1e-5)


def test_a_killed_replica_loses_no_request(served, model):
    victim = replicas()[0]
    questions = [question(model, rows) for rows in (1, 1, 2, 3)]

    def kill_after(answered):
        if answered == 100:
            threading.Thread(target=victim.kill).start()

    load = send(f"{URL}/v2/models/net/infer", questions, 1000, at_once=16, on_answer=kill_after)
    assert not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE
    assert (len(load.latencies), load.lost, load.wrong) == (1000, [], [])
    wait_for(2)  # one comes in the place of the one that was killed


def test_replicas_come_and_go_with_the_requests(served, model):
    from tracejet import serve

    scaling = {
        "min_replicas": 1,
        "max_replicas": 2,
        "target_ongoing_requests": 2,
        "upscale_delay_s": 1,
        "downscale_delay_s": 1,
        "look_back_period_s": 2,
    }
    application = serve.application(served, name="net", autoscaling_config=scaling, ray_actor_options={"num_cpus": 0.5})
    serve.run(application, name="scaled", route_prefix="/scaled", http_port=HTTP)
    wait_for(1, "scaled")
    questions = [question(model, 1)]

    def ask():
        load = send(f"{URL}/scaled/v2/models/net/infer", questions, 500, at_once=32)
        assert not load.lost and not load.wrong

    wait_for(2, "scaled", meanwhile=ask)
    wait_for(1, "scaled")


def test_prometheus_is_told_of_requests_and_calls(served, model):
    send(f"{URL}/v2/models/net/infer", [question(model, 2)], 20, at_once=4)
    wanted = (
        "tracejet_requests",
        "tracejet_call_rows_bucket",
        "tracejet_call_seconds_sum",
        "tracejet_wait_seconds_count",
    )
    end = time.monotonic() + 90
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{METRICS}/metrics") as page:
            text = page.read().decode()
        if all(name in text for name in wanted):
            break
        assert time.monotonic() < end, [name for name in wanted if name not in text]
        time.sleep(1)
    assert re.search(r'tracejet_requests\w*{[^}]*outcome="ok"', text)


def test_a_data_set_gets_the_outputs_as_columns(served, model, cluster):
    import ray.data

    from tracejet.serve import Predictor

    rows = [{"x": np.random.rand(4).astype(np.float32), "ids": i} for i in range(50)]
    table = ray.data.from_items(rows).map_batches(
        Predictor, fn_constructor_args=(os.fspath(served),), batch_size=20, concurrency=1, num_cpus=0.5
    )
    found = table.take_all()
    assert sorted(row["ids"] for row in found) == list(range(50))
    for row in found:
        expected = model(torch.from_numpy(row["x"])[None], torch.tensor([row["ids"]]))["scores"][0]
        torch.testing.assert_close(torch.from_numpy(np.array(row["scores"])), expected, rtol=1e-4, atol=1e-5)
