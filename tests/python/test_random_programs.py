"""Random small programs: what is traced equals eager at every size in range, or the trace is refused.

`TRACEJET_RANDOM_PROGRAMS` in the environment says how many; `--hypothesis-seed` which.
"""

from __future__ import annotations

import os
from random import Random

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.support.random_programs import assert_right_or_refused, random_program

COUNT = int(os.environ.get("TRACEJET_RANDOM_PROGRAMS", "150"))


@settings(
    max_examples=COUNT,
    deadline=None,
    database=None,
    derandomize="TRACEJET_RANDOM_PROGRAMS" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
@given(st.randoms(use_true_random=False))
def test_a_random_program_is_traced_right_or_refused(rng: Random) -> None:
    program = random_program(rng)
    note(program.text)
    assert_right_or_refused(program)
