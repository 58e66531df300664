"""Every operator in PyTorch's own database of samples, traced with an axis that may have no element or a single one.

`make test` runs a fixed part of the operators, the rest is marked as slow and tries more: `make test-ops` runs all.
"""

from __future__ import annotations

import pytest
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import OpInfo

from tests.support.databases import one_in_ten_by_default
from tests.support.operator_calls import TRUSTS_ITS_INDICES, calls, dtypes_of
from tests.support.small_sizes import findings

#: By operator and size, what eager itself doesn't define there.
UNDEFINED = {
    ("nn_functional_multi_margin_loss", 0): "the mean of no losses is whatever was in memory",
    ("nn_functional_multilabel_margin_loss", 0): "the mean of no losses is whatever was in memory",
    ("nn_functional_ctc_loss", 1): "the labels of the targets lie outside of a single class",
}

#: Kernels that read what isn't there, and may crash.
CRASHES = {
    "_segment_reduce_lengths": "lengths that add up to more than there is",
    "_segment_reduce_offsets": "offsets behind the end",
    "linalg_lstsq": "no right-hand sides",
    "linalg_lstsq_grad_oriented": "no right-hand sides",
}


@pytest.mark.parametrize("op", one_in_ten_by_default(op_db))
@pytest.mark.filterwarnings("ignore")
def test_an_operator_is_right_or_refused_at_sizes_of_0_and_1(op: OpInfo, request: pytest.FixtureRequest) -> None:
    if op.formatted_name in CRASHES or op.formatted_name in TRUSTS_ITS_INDICES:
        pytest.skip("eager's kernel trusts its arguments, which other sizes make wrong")
    choices = 5 if request.node.get_closest_marker("slow") else 1
    for sample in [sample for dtype in dtypes_of(op)[:1] for sample in calls(op, dtype)]:
        for finding in findings(sample, choices):
            assert (op.formatted_name, finding.size) in UNDEFINED, finding.what


def test_what_is_undefined_is_of_operators_that_there_are() -> None:
    names = {op.formatted_name for op in op_db}
    assert {name for name, _ in UNDEFINED} | CRASHES.keys() <= names
