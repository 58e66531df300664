"""`tracejet serve`: what is refused before Ray starts, and what Ray is told."""

import pytest

from tests.support.command_line import tracejet_command
from tests.support.served import Centered, Scores, saved, scores_inputs
from tracejet import serve


@pytest.fixture
def told(monkeypatch):
    """What would be run."""
    found = []
    monkeypatch.setattr(serve, "run", lambda application, **options: found.append((application, options)))
    return found


def test_a_file_is_served_under_its_name(tmp_path, told):
    file = saved(Scores(), scores_inputs(), tmp_path)
    result = tracejet_command("serve", file, "--http-port", 8123, "--grpc-port", 9123, "--replicas", 2)
    assert result.exit_code == 0, result.output
    ((application, options),) = told
    assert options == {"host": "127.0.0.1", "http_port": 8123, "grpc_port": 9123, "wait": True}
    deployment = application._bound_deployment
    assert (deployment.name, deployment.num_replicas) == ("model", 2)
    assert "http://127.0.0.1:8123/v2/models/model" in result.output


def test_ray_scales_between_replicas_and_max_replicas(tmp_path, told):
    file = saved(Scores(), scores_inputs(), tmp_path)
    assert tracejet_command("serve", file, "--name", "net", "--max-replicas", 4).exit_code == 0
    scale = told[0][0]._bound_deployment._deployment_config.autoscaling_config
    assert (scale.min_replicas, scale.max_replicas) == (1, 4)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--pad", "input_ids"), "expected e.g. input_ids:0"),
        (("--pad", "x:zero"), "--pad: could not convert"),
        (("--name", "a/b"), "name: expected letters"),
        (("--max-batch-size", 99), "takes 1 to 8"),
        (("--replicas", 3, "--max-replicas", 2), "less than --replicas"),
    ],
)
def test_what_cant_be_is_a_usage_error(tmp_path, told, options, text):
    result = tracejet_command("serve", saved(Scores(), scores_inputs(), tmp_path), *options)
    assert (result.exit_code, told) == (2, [])
    assert text in result.output


def test_rows_that_depend_on_each_other_are_a_usage_error(tmp_path, told):
    file = saved(Centered(), [scores_inputs()[0]], tmp_path)
    result = tracejet_command("serve", file)
    assert result.exit_code == 2 and "depend on each other" in result.output
    assert tracejet_command("serve", file, "--max-batch-size", 1).exit_code == 0


def test_there_is_no_such_file(told):
    assert "there is no file" in tracejet_command("serve", "nothing.pt2").output
