"""Makes a program that shows a fault smaller, as long as it shows it."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from tests.support.batches import judged_apart
from tests.support.oracle import Finding, program_of
from tests.support.random_programs import EAGER_REFUSES, Program


def reduced(finding: Finding) -> Finding:
    """The same fault in fewer lines, with fewer results, and of plain values where these show it too."""
    program = program_of(finding.seed, finding.engine)
    smallest, goes_on = finding, True
    while goes_on:
        goes_on = False
        for smaller in _smaller(program):
            if not _runs(smaller):
                continue
            found = judged_apart(smaller, finding.seed, finding.engine)
            if found.verdict == finding.verdict:
                program, smallest, goes_on = smaller, found, True
                break
    return smallest


def _smaller(program: Program) -> Iterator[Program]:
    if len(program.returned) > 1:
        for name in program.returned:
            yield _changed(program, returned=[name])
        for name in program.returned:
            yield _changed(program, returned=[other for other in program.returned if other != name])
    for i in reversed(range(len(program.lines))):
        yield _changed(program, lines=program.lines[:i] + program.lines[i + 1 :])
    if program.values != "plain":
        yield _changed(program, values="plain")
    if program.same:
        yield _changed(program, same=False)
    if any(p.layout != "contiguous" for p in program.parameters):
        plain = _changed(program)
        for parameter in plain.parameters:
            parameter.layout = "contiguous"
        yield plain


def _changed(program: Program, **changes: object) -> Program:
    changed = copy.deepcopy(program)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _runs(program: Program) -> bool:
    sizes = {name: axis.opt for name, axis in program.axes.items()}
    try:
        program.model()(*program.arguments(sizes))
    except (NameError, *EAGER_REFUSES):
        return False
    return True
