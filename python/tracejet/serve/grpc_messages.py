"""Requests and responses of the Open Inference Protocol over gRPC: KServe's messages, and tensors in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from kserve.constants.constants import GRPC_CONTENT_DATATYPE_MAPPINGS as CONTENTS
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from tracejet._C import InvalidInput
from tracejet.serve.service import VERSION, Service
from tracejet.serve.signature import TensorSpec
from tracejet.serve.wire import raw_bytes, tensor_of


def tensors_in(request: pb.ModelInferRequest) -> list[tuple[str, torch.Tensor]]:
    """The inputs of a request by name. Raises InvalidInput where the message contradicts itself."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidInput(f"there are {len(request.inputs)} inputs, but {len(raw)} raw_input_contents")
    found = []
    for index, given in enumerate(request.inputs):
        if raw and given.HasField("contents"):
            raise InvalidInput(f"{given.name}: there are contents beside raw_input_contents")
        field = CONTENTS.get(given.datatype)
        data = [] if raw or field is None else list(getattr(given.contents, field))
        found.append(
            (given.name, tensor_of(given.name, given.datatype, given.shape, data, raw[index] if raw else None))
        )
    return found


def response(
    service: Service, request: pb.ModelInferRequest, outputs: Mapping[str, torch.Tensor]
) -> pb.ModelInferResponse:
    """In raw bytes where the request was, and where there is FP16, which has no lists."""
    specs = {spec.name: spec for spec in service.signature.outputs}
    is_raw = bool(request.raw_input_contents) or any(specs[name].datatype not in CONTENTS for name in outputs)
    answer = pb.ModelInferResponse(model_name=service.name, model_version=VERSION, id=request.id)
    for name, tensor in outputs.items():
        entry = answer.outputs.add(name=name, datatype=specs[name].datatype, shape=tensor.shape)
        if is_raw:
            answer.raw_output_contents.append(raw_bytes(tensor))
        else:
            getattr(entry.contents, CONTENTS[entry.datatype]).extend(tensor.reshape(-1).tolist())
    return answer


def metadata(service: Service) -> pb.ModelMetadataResponse:
    known = service.model_metadata()
    return pb.ModelMetadataResponse(
        name=known["name"],
        versions=known["versions"],
        platform=known["platform"],
        inputs=_described(service.signature.inputs),
        outputs=_described(service.signature.outputs),
    )


def wanted_outputs(request: pb.ModelInferRequest) -> list[str]:
    return [output.name for output in request.outputs]


def _described(specs: Sequence[TensorSpec]) -> list[pb.ModelMetadataResponse.TensorMetadata]:
    return [pb.ModelMetadataResponse.TensorMetadata(**spec.metadata()) for spec in specs]
