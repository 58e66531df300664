"""The exception types, one per kind of mistake, all under `Error`; the C++ side throws the same ones."""

from __future__ import annotations

try:
    from tracejet._C import Error, InvalidInput
except ImportError:  # the argument checks are pure Python and work without the compiled tracer

    class Error(RuntimeError):
        """The base of everything tracejet raises."""

    class InvalidInput(Error):
        """An argument of a public function is wrong: a rank, a dtype, min > max, an unknown keyword."""


__all__ = ["Error", "InvalidInput"]
