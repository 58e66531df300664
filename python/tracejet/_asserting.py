"""Recognises `assert condition`: what has to hold for the model to go on can be checked when the program runs."""

from __future__ import annotations

import dis
import functools
import sys
from types import CodeType, FrameType


def is_asserted() -> bool:
    """Whether the code that has just asked for a truth value raises AssertionError at once if the answer is no."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name == "__bool__":  # torch.SymBool's, torch.SymInt's
        frame = frame.f_back
    return frame is not None and _fails_an_assertion(frame.f_code, frame.f_lasti)


@functools.lru_cache(maxsize=256)
def _fails_an_assertion(code: CodeType, offset: int) -> bool:
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "NOP", "NOT_TAKEN")]
    position = next((i for i, step in enumerate(steps) if step.offset == offset), None)
    if position is None:
        return False
    if steps[position].opname in ("TO_BOOL", "COMPARE_OP"):  # they convert for the jump that follows
        position += 1
    jump = steps[position]
    if "POP_JUMP" not in jump.opname:
        return False
    if jump.opname.endswith("IF_TRUE"):
        when_false = steps[position + 1]
    elif jump.opname.endswith("IF_FALSE"):
        when_false = next(step for step in steps if step.offset == jump.argval)
    else:
        return False
    return when_false.opname == "LOAD_ASSERTION_ERROR" or when_false.argval is AssertionError
