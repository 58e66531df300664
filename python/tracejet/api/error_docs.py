"""What `help` says of the core's errors. Each has a section in docs/errors.md, with causes and fixes."""

from __future__ import annotations

from tracejet import _C

PAGE = "docs/errors.md"
_DOCS: dict[type[_C.Error], str] = {
    _C.Error: "Whatever tracejet raises; also what fits none of the others, such as a file that can't be read.",
    _C.InvalidInput: "An argument contradicts itself or doesn't fit, of trace, of compile, or of a call.",
    _C.UnsupportedOperator: "A call can't be captured, or an engine can't run it. The message lists all with lines.",
    _C.ShapeError: "An operator is called with sizes that don't fit each other.",
    _C.ConstraintViolation: "The model can't take all sizes that were declared. `report` is what `diagnose` gives.",
    _C.DataDependent: "The model's Python code needs a value that only exists when the program runs.",
    _C.VerificationError: "What was compiled gives something else than PyTorch's kernels.",
}


def document_errors() -> None:
    """Gives the classes their docstrings, which C++ can't."""
    for kind, text in _DOCS.items():
        kind.__doc__ = f"{text}\n\nCauses and fixes: {PAGE}#{kind.__name__.lower()}"
