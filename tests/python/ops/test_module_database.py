"""Every module in PyTorch's own database of samples, evaluating and training: traced right, or refused for a reason.

`make test` runs a fixed part of them, the rest is marked as slow: `make test-ops` runs all. Those that are refused are
listed in refused_modules.json, with the reason: the list must be exact.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from torch.testing._internal.common_modules import ModuleInfo, module_db

from tests.support.database_samples import Result
from tests.support.databases import NOTHING_COMPARED, one_in_ten_by_default
from tests.support.module_calls import traced_dynamically, traced_statically

MODULES = one_in_ten_by_default(module_db)
REFUSED = json.loads(Path(__file__).with_name("refused_modules.json").read_text())


@pytest.mark.parametrize("info", MODULES)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize(("mode", "trace"), [("static", traced_statically), ("dynamic", traced_dynamically)])
@pytest.mark.filterwarnings("ignore")
def test_a_module_is_traced_right_or_known_to_be_refused(
    info: ModuleInfo, training: bool, mode: str, trace: Callable[[ModuleInfo, bool], Result | None]
) -> None:
    result = trace(info, training)
    if result is None:
        pytest.skip(NOTHING_COMPARED)
    assert result.kind != "wrong", result.why
    is_known = info.formatted_name in REFUSED[mode]
    assert is_known == (result.kind == "refused"), result.why or "works: take it off the list of refused modules"
    assert not result.slow_calls
