"""Whether the text of a size is only shown: `torch._assert(x.dim() == 3, f"got {x.shape}")`."""

from __future__ import annotations

import dis
import functools
from types import CodeType, FrameType

#: Functions that hand a text to people, if to anybody.
_SHOW = frozenset("_assert print warn warn_once warning warning_once info debug error".split())
_FORMATS = frozenset({"FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC"})
_JOINS = _FORMATS | {"BUILD_STRING", "CONVERT_VALUE", "PRECALL", "KW_NAMES", "EXTENDED_ARG"}
_CALLEE = 3  #: instructions at most that load a function: `torch`, `_assert`, after a null


def is_only_shown(frame: FrameType) -> bool:
    """Whether what the frame formats now becomes part of an argument of such a function, whose result is dropped."""
    return _is_only_shown(frame.f_code, frame.f_lasti)


@functools.lru_cache(maxsize=1024)
def _is_only_shown(code: CodeType, offset: int) -> bool:
    steps = [step for step in dis.get_instructions(code) if step.opname != "CACHE"]
    at = next((i for i, step in enumerate(steps) if step.offset == offset), None)
    if at is None or steps[at].opname not in _FORMATS:
        return False
    end = at
    while steps[end].opname in _JOINS or steps[end].opname.startswith("LOAD_"):
        end += 1
    if not steps[end].opname.startswith("CALL") or steps[end + 1].opname != "POP_TOP":
        return False
    start = at
    while start > 0 and not _ends_statement(steps[start - 1].opname):
        start -= 1
    return any(step.argval in _SHOW for step in steps[start : start + _CALLEE] if step.opname.startswith("LOAD_"))


def _ends_statement(opname: str) -> bool:
    return opname in ("POP_TOP", "RESUME") or opname.startswith(("STORE_", "POP_JUMP", "JUMP", "RETURN"))
