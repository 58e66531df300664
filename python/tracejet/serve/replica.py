"""The class that Ray Serve makes replicas of: one compiled program, behind both protocols."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from ray.serve.grpc_util import RayServegRPCContext
from starlette.routing import Router

from tracejet.serve import grpc_messages
from tracejet.serve.batcher import Batcher
from tracejet.serve.http import router
from tracejet.serve.metrics import Metrics
from tracejet.serve.outcome import Outcome, outcome_of
from tracejet.serve.program import Function, ServedProgram
from tracejet.serve.service import Service
from tracejet.serve.wire import check_outputs, named_outputs, request_tensors

Message = TypeVar("Message")


class Replica:
    """Names of methods are those of the protocol's calls in gRPC, by which Ray finds them."""

    def __init__(
        self,
        file: str,
        name: str,
        max_batch_size: int | None,
        pad: Mapping[str, float] | None,
        concurrency: int,
        batch_wait_s: float,
        function: Callable[[str], Function] | None,
    ):
        program = ServedProgram(file, max_batch_size=max_batch_size, pad=pad, function=function)
        self._metrics = Metrics(name)
        batcher = Batcher(program, concurrency=concurrency, wait_s=batch_wait_s, on_call=self._metrics.on_call)
        self._service = Service(name, program.signature, batcher)

    def __serve_build_asgi_app__(self) -> Router:
        return router(self._service, lambda outcome: self._metrics.on_request("http", outcome))

    async def ServerLive(self, request: pb.ServerLiveRequest) -> pb.ServerLiveResponse:
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(self, request: pb.ServerReadyRequest) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=True)

    async def ServerMetadata(self, request: pb.ServerMetadataRequest) -> pb.ServerMetadataResponse:
        return pb.ServerMetadataResponse(**self._service.server_metadata())

    async def ModelReady(
        self, request: pb.ModelReadyRequest, grpc_context: RayServegRPCContext
    ) -> pb.ModelReadyResponse:
        async def ready() -> pb.ModelReadyResponse:
            self._service.check_model(request.name, request.version)
            return pb.ModelReadyResponse(ready=True)

        return await _answered(grpc_context, ready, pb.ModelReadyResponse)

    async def ModelMetadata(
        self, request: pb.ModelMetadataRequest, grpc_context: RayServegRPCContext
    ) -> pb.ModelMetadataResponse:
        async def metadata() -> pb.ModelMetadataResponse:
            self._service.check_model(request.name, request.version)
            return grpc_messages.metadata(self._service)

        return await _answered(grpc_context, metadata, pb.ModelMetadataResponse)

    async def ModelInfer(
        self, request: pb.ModelInferRequest, grpc_context: RayServegRPCContext
    ) -> pb.ModelInferResponse:
        async def infer() -> pb.ModelInferResponse:
            self._service.check_model(request.model_name, request.model_version)
            signature = self._service.signature
            wanted = grpc_messages.wanted_outputs(request)
            check_outputs(signature, wanted)
            outputs = await self._service.infer(request_tensors(signature, grpc_messages.tensors_in(request)))
            return grpc_messages.response(self._service, request, named_outputs(signature, outputs, wanted))

        answer = await _answered(grpc_context, infer, pb.ModelInferResponse)
        self._metrics.on_request("grpc", Outcome.of_grpc(grpc_context.code()))
        return answer


async def _answered(
    context: RayServegRPCContext, answer: Callable[[], Awaitable[Message]], empty: Callable[[], Message]
) -> Message:
    """What `answer` gives; where it raises, an empty message with the status, which is what clients see of it."""
    try:
        return await answer()
    except Exception as error:
        outcome, message = outcome_of(error)
        context.set_code(outcome.grpc_code)
        context.set_details(message)
        return empty()
