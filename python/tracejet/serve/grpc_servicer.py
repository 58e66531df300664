"""What Ray's proxies import to take gRPC requests: they hand messages to replicas as pickles.

KServe's messages say that they are of the module `grpc_predict_v2_pb2`, as they were generated, and no such module can
be imported, so that they don't pickle. Here they are told where they are.
"""

from __future__ import annotations

from typing import Any

from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import add_GRPCInferenceServiceServicer_to_server

for _name in pb.DESCRIPTOR.message_types_by_name:
    getattr(pb, _name).__module__ = pb.__name__


def add_to_server(servicer: Any, server: Any) -> None:
    """Adds the Open Inference Protocol to a server."""
    add_GRPCInferenceServiceServicer_to_server(servicer, server)
