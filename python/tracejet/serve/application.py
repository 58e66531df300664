"""What users call: a program as an application of Ray Serve, and the servers that its requests come by."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ray import serve
from ray.serve.config import HTTPOptions, gRPCOptions

from tracejet._C import InvalidInput
from tracejet.serve.independence import check
from tracejet.serve.program import Function, ServedProgram, checked_name
from tracejet.serve.replica import Replica

#: For `grpc_servicer_functions` of Ray's own gRPCOptions.
GRPC_SERVICER = "tracejet.serve.grpc_servicer.add_to_server"


def application(
    file: str | os.PathLike[str],
    *,
    name: str,
    max_batch_size: int | None = None,
    pad: Mapping[str, float] | None = None,
    batch_wait_s: float = 0.0,
    concurrency: int = 1,
    check_rows: bool = True,
    function: Callable[[str], Function] | None = None,
    **deployment: Any,
) -> serve.Application:
    """A program as an application for `ray.serve.run`, which speaks the Open Inference Protocol.

    Args:
        file: what `save` of a compiled module wrote, or `tracejet.save` of a program, which each replica compiles. It
            is at this path here and on every node; replicas map it, so that those of a node share the weights which
            their engine uses as they are in the file.
        name: the model's, in URLs.
        max_batch_size: requests are put together up to this many rows; by default up to the max of the program's
            batch, or not at all where axis 0 of all inputs and outputs isn't one dimension. 1 for one by one.
        pad: inputs that may be padded at the end where requests differ in other sizes than the batch, and the value for
            it: {"input_ids": 0, "attention_mask": 0}. Outputs are cut back. Without it, such requests don't share a
            call.
        batch_wait_s: how long a request waits for others while nothing else is to be done.
        concurrency: how many calls a replica runs at once. Compile with as few threads as leave room for them.
        check_rows: whether it is tried, here and now, on random inputs, that a request gets the same alone and beside
            others.
        function: gives, of the file's path, what a replica calls in the place of the compiled program.
        deployment: options of `ray.serve.deployment`: num_replicas, autoscaling_config, ray_actor_options, …

    Raises:
        InvalidInput: the program has state or values that the protocol has no names for; requests can't be put
            together as is asked for, or rows depend on each other.
    """
    checked_name(name)
    if concurrency < 1:
        raise InvalidInput(f"concurrency is {concurrency}, expected 1 or more")
    path = str(Path(file).absolute())
    program = ServedProgram(path, max_batch_size=max_batch_size, pad=pad, function=function)
    if check_rows:
        check(program)
    deployment.setdefault("name", name)
    # What one call has room for while another one runs; Ray's default of 5 would keep batches from growing.
    deployment.setdefault("max_ongoing_requests", max(16, 2 * concurrency * program.rows.max_rows))
    replica = serve.deployment(serve.ingress()(Replica), **deployment)
    return replica.bind(path, name, max_batch_size, pad, concurrency, batch_wait_s, function)


def run(
    application: serve.Application,
    *,
    name: str = "default",
    route_prefix: str = "/",
    host: str = "127.0.0.1",
    http_port: int = 8000,
    grpc_port: int | None = None,
    wait: bool = False,
) -> None:
    """Starts Ray Serve where it doesn't run yet, with these ports, and the application in it.

    Args:
        application: from `application`.
        name: the application's. gRPC clients of one of several say it in their metadata, as "application".
        route_prefix: what stands before /v2 in its URLs. Each of several has its own.
        host, http_port, grpc_port: where requests come; no gRPC without a port for it. They are fixed when Ray Serve
            starts.
        wait: whether to wait until it is interrupted.
    """
    grpc = gRPCOptions() if grpc_port is None else gRPCOptions(port=grpc_port, grpc_servicer_functions=[GRPC_SERVICER])
    serve.start(http_options=HTTPOptions(host=host, port=http_port), grpc_options=grpc)
    serve.run(application, name=name, route_prefix=route_prefix, blocking=wait)
