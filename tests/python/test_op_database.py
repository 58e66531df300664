"""Every operator in PyTorch's own database of samples: what is traced is right, and what can't be traced is refused.

`make test` runs some of the operators; with TRACEJET_OPERATORS=all in the environment, all of them (`make test-ops`).
Those that are refused are listed in refused_operators.json, with the reason, and those whose shapes Python had to tell
in slow_operators.json: both lists must be exact.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import OpInfo

import tracejet
from tests.support.fake_devices import assert_devices_as_faked
from tests.support.operator_calls import Result, calls, dtypes_of, traced_dynamically, traced_statically

ALL = os.environ.get("TRACEJET_OPERATORS") == "all"
OPERATORS = op_db if ALL else op_db[::10]
REFUSED = json.loads(Path(__file__).with_name("refused_operators.json").read_text())
SLOW = json.loads(Path(__file__).with_name("slow_operators.json").read_text())


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.formatted_name)
@pytest.mark.parametrize(("mode", "trace"), [("static", traced_statically), ("dynamic", traced_dynamically)])
@pytest.mark.filterwarnings("ignore")
def test_an_operator_is_traced_right_or_known_to_be_refused(
    op: OpInfo, mode: str, trace: Callable[[OpInfo], Result | None]
) -> None:
    result = trace(op)
    if result is None:
        return
    assert result.kind != "wrong", result.why
    is_known = op.formatted_name in REFUSED[mode]
    assert is_known == (result.kind == "refused"), result.why or "works: take it off the list of refused operators"
    assert sorted(result.slow_calls) == SLOW[mode].get(op.formatted_name, []), "bring slow_operators.json up to date"


#: Fake tensors of these need a PyTorch that is built with CUDA, or the operators do.
NEEDS_CUDA = ("geqrf", "histogram", "jiterator", "nn_functional_ctc_loss")


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.formatted_name)
@pytest.mark.filterwarnings("ignore")
def test_an_operators_results_are_on_the_device_that_fake_tensors_say(op: OpInfo) -> None:
    for call in [call for dtype in dtypes_of(op)[:1] for call in calls(op, dtype)[:2]]:
        if torch.cuda.is_available() or op.formatted_name.startswith(NEEDS_CUDA) or not _is_traceable(call):
            continue
        if op.formatted_name == "tensor_split":  # its sections have to be on the CPU
            continue
        assert_devices_as_faked(tracejet.dynamo.trace(call, arg_inputs=call.inputs(), device="cuda"))


def _is_traceable(call: torch.nn.Module) -> bool:
    try:
        tracejet.dynamo.trace(call, arg_inputs=call.inputs())
    except tracejet.Error:
        return False
    return True
