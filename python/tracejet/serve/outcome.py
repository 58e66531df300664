"""How a request ends, in the statuses of HTTP and gRPC."""

from __future__ import annotations

import enum

import grpc

from tracejet._C import InvalidInput


class ModelNotFound(LookupError):
    """The request is for another model, or another version of it."""


class Outcome(enum.Enum):
    OK = (200, grpc.StatusCode.OK)
    INVALID = (400, grpc.StatusCode.INVALID_ARGUMENT)
    NOT_FOUND = (404, grpc.StatusCode.NOT_FOUND)
    FAILED = (500, grpc.StatusCode.INTERNAL)

    @property
    def http_status(self) -> int:
        return self.value[0]

    @property
    def grpc_code(self) -> grpc.StatusCode:
        return self.value[1]

    @classmethod
    def of_grpc(cls, code: grpc.StatusCode | None) -> Outcome:
        return next((outcome for outcome in cls if outcome.grpc_code == code), cls.OK)


def outcome_of(error: Exception) -> tuple[Outcome, str]:
    """The status of an error, and what to say of it."""
    if isinstance(error, InvalidInput):
        return Outcome.INVALID, str(error)
    if isinstance(error, ModelNotFound):
        return Outcome.NOT_FOUND, str(error)
    return Outcome.FAILED, f"{type(error).__name__}: {error}"
