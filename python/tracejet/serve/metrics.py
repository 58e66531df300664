"""What Prometheus is told, through Ray: https://docs.ray.io has where it is to be had. Ray adds the application, the
deployment and the replica to each, and has metrics of its own for requests, latency, queues and replicas."""

from __future__ import annotations

from ray.serve import metrics

from tracejet.serve.batcher import Call
from tracejet.serve.outcome import Outcome

_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
_ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]


class Metrics:
    """Of one model in one replica."""

    def __init__(self, model: str):
        self._requests = metrics.Counter(
            "tracejet_requests",
            description="Inference requests, by protocol and outcome.",
            tag_keys=("model", "protocol", "outcome"),
        )
        self._rows = metrics.Histogram(
            "tracejet_call_rows", description="Rows of a call of the program.", boundaries=_ROWS, tag_keys=("model",)
        )
        self._seconds = metrics.Histogram(
            "tracejet_call_seconds", description="Duration of a call.", boundaries=_SECONDS, tag_keys=("model",)
        )
        self._waited = metrics.Histogram(
            "tracejet_wait_seconds",
            description="How long the first request of a call waited for it.",
            boundaries=_SECONDS,
            tag_keys=("model",),
        )
        for metric in (self._requests, self._rows, self._seconds, self._waited):
            metric.set_default_tags({"model": model})  # Ray adds its own to the dict

    def on_request(self, protocol: str, outcome: Outcome) -> None:
        self._requests.inc(tags={"protocol": protocol, "outcome": outcome.name.lower()})

    def on_call(self, call: Call) -> None:
        self._rows.observe(call.rows)
        self._seconds.observe(max(call.seconds, 1e-9))
        self._waited.observe(max(call.waited, 1e-9))
