"""Recognises `assert condition` and `if condition: raise …`: what has to hold for the model to go on can be checked
when the program runs."""

from __future__ import annotations

import dis
import functools
import sys
from collections.abc import Sequence
from types import CodeType, FrameType

_IGNORED = ("CACHE", "NOP", "NOT_TAKEN", "EXTENDED_ARG", "RESUME", "PRECALL")


def needed_truth() -> bool | None:
    """The truth value without which the code that has just asked for one raises an error at once; None where it goes on
    either way."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name == "__bool__":  # torch.SymBool's, torch.SymInt's
        frame = frame.f_back
    return None if frame is None else _truth_to_go_on(frame.f_code, frame.f_lasti)


@functools.lru_cache(maxsize=256)
def _truth_to_go_on(code: CodeType, offset: int) -> bool | None:
    steps = [step for step in dis.get_instructions(code) if step.opname not in _IGNORED]
    position = next((i for i, step in enumerate(steps) if step.offset == offset), None)
    if position is None:
        return None
    if steps[position].opname in ("TO_BOOL", "COMPARE_OP"):  # they convert for the jump that follows
        position += 1
    jump = steps[position]
    if "POP_JUMP" not in jump.opname or not jump.opname.endswith(("IF_TRUE", "IF_FALSE")):
        return None
    target = next((i for i, step in enumerate(steps) if step.offset >= jump.argval), len(steps))
    when_jumping, otherwise = _raises(steps[target:]), _raises(steps[position + 1 :])
    if when_jumping == otherwise or _has_handlers(steps):
        return None
    jumps_if = jump.opname.endswith("IF_TRUE")
    return not jumps_if if when_jumping else jumps_if


def _has_handlers(steps: Sequence[dis.Instruction]) -> bool:
    """Whether the function may catch its own errors. The handler of a `with` passes them on."""
    names = [step.opname for step in steps]
    handlers = [i for i, name in enumerate(names) if name == "PUSH_EXC_INFO"]
    return "SETUP_FINALLY" in names or any(names[i + 1] != "WITH_EXCEPT_START" for i in handlers)


def _raises(steps: Sequence[dis.Instruction]) -> bool:
    """Whether an error is made and raised, whatever the data."""
    for step in steps:
        if step.opname == "RAISE_VARARGS":
            return True
        if "JUMP" in step.opname or step.opname.startswith(("RETURN", "YIELD", "STORE", "SEND", "FOR_ITER")):
            return False
    return False
