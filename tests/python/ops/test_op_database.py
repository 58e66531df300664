"""Every operator in PyTorch's own database of samples: what is traced is right, and what can't be traced is refused.

`make test` runs a fixed part of the operators, the rest is marked as slow: `make test-ops` runs all. Those that are
refused are listed in refused_operators.json, with the reason, and those whose shapes Python had to tell in
slow_operators.json: both lists must be exact.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import OpInfo

import tracejet
from tests.support.database_samples import Sample
from tests.support.databases import NOTHING_COMPARED, one_in_ten_by_default
from tests.support.fake_devices import assert_devices_as_faked
from tests.support.operator_calls import Result, calls, dtypes_of, traced_dynamically, traced_statically

OPERATORS = one_in_ten_by_default(op_db)
REFUSED = json.loads(Path(__file__).with_name("refused_operators.json").read_text())
SLOW = json.loads(Path(__file__).with_name("slow_operators.json").read_text())


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize(("mode", "trace"), [("static", traced_statically), ("dynamic", traced_dynamically)])
@pytest.mark.filterwarnings("ignore")
def test_an_operator_is_traced_right_or_known_to_be_refused(
    op: OpInfo, mode: str, trace: Callable[[OpInfo], Result | None]
) -> None:
    result = trace(op)
    if result is None:
        pytest.skip(NOTHING_COMPARED)
    assert result.kind != "wrong", result.why
    is_known = op.formatted_name in REFUSED[mode]
    assert is_known == (result.kind == "refused"), result.why or "works: take it off the list of refused operators"
    assert sorted(result.slow_calls) == SLOW[mode].get(op.formatted_name, []), "bring slow_operators.json up to date"


#: Fake tensors of these need a PyTorch that is built with CUDA, or the operators do.
NEEDS_CUDA = ("geqrf", "histogram", "jiterator", "nn_functional_ctc_loss")


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.filterwarnings("ignore")
def test_an_operators_results_are_on_the_device_that_fake_tensors_say(op: OpInfo) -> None:
    compared = False
    for sample in [sample for dtype in dtypes_of(op)[:1] for sample in calls(op, dtype)[:2]]:
        if torch.cuda.is_available() or op.formatted_name.startswith(NEEDS_CUDA) or not _is_traceable(sample):
            continue
        if op.formatted_name == "tensor_split":  # its sections have to be on the CPU
            continue
        args, kwargs = sample.inputs()
        program = tracejet.trace(sample.model, arg_inputs=args, kwarg_inputs=kwargs, device="cuda")
        try:
            assert_devices_as_faked(program)
        except (DataDependentOutputException, DynamicOutputShapeException):
            continue  # fake tensors don't know the operator's results
        compared = True
    if not compared:
        pytest.skip("no sample can be traced, or fake tensors don't know the operator or need CUDA")


def _is_traceable(sample: Sample) -> bool:
    args, kwargs = sample.inputs()
    try:
        tracejet.trace(sample.model, arg_inputs=args, kwarg_inputs=kwargs)
    except tracejet.Error:
        return False
    return True
