"""The Open Inference Protocol over HTTP: routes, bodies, statuses. https://kserve.github.io/website has it in full.

Bodies are KServe's own data models. Binary data follows the JSON, whose length the header says, as Triton's clients and
KServe's send it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import torch
from kserve.constants.constants import INFERENCE_CONTENT_LENGTH_HEADER as JSON_LENGTH
from kserve.protocol.rest.v2_datamodels import InferenceRequest, RequestInput
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from tracejet._C import InvalidInput
from tracejet.serve.outcome import Outcome, outcome_of
from tracejet.serve.service import VERSION, Service
from tracejet.serve.wire import check_outputs, named_outputs, raw_bytes, request_tensors, tensor_of

Handler = Callable[[Request], Awaitable[Any]]


class _Input(RequestInput):
    data: list[Any] | None = None  # binary data isn't in the JSON


class _Request(InferenceRequest):
    inputs: list[_Input]


def router(service: Service, on_request: Callable[[Outcome], None] = lambda outcome: None) -> Router:
    """The routes of the protocol, for one model. `on_request` is told how each inference ended."""

    async def server(request: Request) -> Any:
        return service.server_metadata()

    async def live(request: Request) -> Any:
        return {"live": True}

    async def ready(request: Request) -> Any:
        return {"ready": True}

    async def models(request: Request) -> Any:
        return {"models": [service.name]}

    async def model(request: Request) -> Any:
        return service.model_metadata()

    async def model_ready(request: Request) -> Any:
        return {"name": service.name, "ready": True}

    async def infer(request: Request) -> Any:
        return await _infer(service, request)

    def ask(path: str, handle: Handler) -> Route:
        return Route(path, _answering(service, handle, lambda outcome: None))

    routes = [
        ask("/v2", server),
        ask("/v2/health/live", live),
        ask("/v2/health/ready", ready),
        ask("/v2/models", models),
    ]
    for path in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        routes += [ask(path, model), ask(f"{path}/ready", model_ready)]
        routes.append(Route(f"{path}/infer", _answering(service, infer, on_request), methods=["POST"]))
    return Router(routes)


def _answering(
    service: Service, handle: Handler, on_request: Callable[[Outcome], None]
) -> Callable[[Request], Awaitable[Response]]:
    """`handle` with what it gives as a response, and what it raises as a status."""

    async def answer(request: Request) -> Response:
        try:
            service.check_model(request.path_params.get("model"), request.path_params.get("version"))
            found = await handle(request)
        except Exception as error:
            outcome, message = outcome_of(error)
            found = _json({"error": message}, outcome)
        else:
            outcome, found = Outcome.OK, found if isinstance(found, Response) else _json(found)
        on_request(outcome)
        return found

    return answer


def _json(content: Any, outcome: Outcome = Outcome.OK) -> Response:
    return Response(orjson.dumps(content), outcome.http_status, media_type="application/json")


async def _infer(service: Service, request: Request) -> Response:
    body = await request.body()
    length = _json_length(request.headers.get(JSON_LENGTH), len(body))
    try:
        asked = _Request.model_validate_json(body[:length])
    except ValidationError as error:
        raise InvalidInput(f"the request isn't one of the protocol: {_first_problem(error)}") from None
    rest = memoryview(body)[length:]
    given = []
    for tensor in asked.inputs:
        raw, rest = _raw(tensor, rest)
        given.append((tensor.name, tensor_of(tensor.name, tensor.datatype, tensor.shape, tensor.data, raw)))
    if len(rest):
        raise InvalidInput(f"{len(rest)} bytes follow the data of the last input")
    wanted = [output.name for output in asked.outputs or []]
    check_outputs(service.signature, wanted)
    outputs = await service.infer(request_tensors(service.signature, given))
    by_default = bool((asked.parameters or {}).get("binary_data_output", False))
    binary = dict.fromkeys(service.output_names, by_default)
    for output in asked.outputs or []:
        binary[output.name] = bool((output.parameters or {}).get("binary_data", by_default))
    return _response(service, asked.id, named_outputs(service.signature, outputs, wanted), binary)


def _json_length(header: str | None, length: int) -> int:
    if header is None:
        return length
    if not header.isdigit() or int(header) > length:
        raise InvalidInput(f"{JSON_LENGTH} is {header!r}, but the body has {length} bytes")
    return int(header)


def _raw(tensor: _Input, rest: memoryview) -> tuple[bytes | None, memoryview]:
    """The binary data of an input, and what follows it."""
    size = (tensor.parameters or {}).get("binary_data_size")
    if size is None:
        if tensor.data is None:
            raise InvalidInput(f"{tensor.name}: there is neither data nor binary_data_size")
        return None, rest
    if tensor.data is not None:
        raise InvalidInput(f"{tensor.name}: there is data beside binary_data_size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(rest):
        raise InvalidInput(f"{tensor.name}: binary_data_size is {size!r}, but {len(rest)} bytes are left")
    return bytes(rest[:size]), rest[size:]


def _response(
    service: Service, id: str | None, outputs: Mapping[str, torch.Tensor], binary: Mapping[str, bool]
) -> Response:
    specs = {spec.name: spec for spec in service.signature.outputs}
    described: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    for name, tensor in outputs.items():
        entry: dict[str, Any] = {"name": name, "datatype": specs[name].datatype, "shape": list(tensor.shape)}
        if binary[name]:
            blobs.append(raw_bytes(tensor))
            entry["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            entry["data"] = _listed(name, tensor)
        described.append(entry)
    head: dict[str, Any] = {"model_name": service.name, "model_version": VERSION, "outputs": described}
    if id is not None:
        head["id"] = id
    text = orjson.dumps(head, option=orjson.OPT_SERIALIZE_NUMPY)
    if not blobs:
        return Response(text, media_type="application/json")
    headers = {JSON_LENGTH: str(len(text))}
    return Response(b"".join([text, *blobs]), headers=headers, media_type="application/octet-stream")


def _listed(name: str, tensor: torch.Tensor) -> Any:
    """Flat, for JSON."""
    if tensor.dtype == torch.float16:
        raise InvalidInput(f"{name} is FP16, which the protocol has no lists of: ask for binary_data")
    if tensor.dtype.is_floating_point and not bool(torch.isfinite(tensor).all()):
        raise InvalidInput(f"{name} has NaN or infinity, which JSON has no word for: ask for binary_data")
    return tensor.reshape(-1).contiguous().numpy()


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg']}" if where else str(problem["msg"])
