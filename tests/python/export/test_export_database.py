"""The examples of torch.export's own database: what it says is supported is, and equals eager; as is more."""

from __future__ import annotations

import pytest
import torch
from torch._export.db.case import ExportCase
from torch._export.db.examples import all_examples

from testing.compare import assert_same_as_eager
from tracejet import Input

MORE_THAN_DECLARED = 5


def _inputs(case: ExportCase) -> list[object]:
    """The example's arguments; the axes that it names in `dynamic_shapes` vary from 1 on."""
    inputs = list(case.example_args)
    for i, axes in enumerate((case.dynamic_shapes or {}).values()):
        t = inputs[i]
        if not axes:
            continue
        low = [1 if axis in axes else size for axis, size in enumerate(t.shape)]
        high = [size + MORE_THAN_DECLARED if axis in axes else size for axis, size in enumerate(t.shape)]
        inputs[i] = Input(min_shape=low, opt_shape=t.shape, max_shape=high, dtype=t.dtype)
    return inputs


@pytest.mark.parametrize("case", all_examples().values(), ids=all_examples())
@pytest.mark.filterwarnings("ignore")
def test_an_example_is_as_eager(case: ExportCase) -> None:
    torch.manual_seed(0)
    assert_same_as_eager(case.model, _inputs(case), kwargs=case.example_kwargs)
