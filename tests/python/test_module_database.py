"""Every module in PyTorch's own database of samples, evaluating and training: traced right, or refused for a reason.

`make test` runs some of them; with TRACEJET_OPERATORS=all in the environment, all of them (`make test-ops`). Those that
are refused are listed in refused_modules.json, with the reason: the list must be exact.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from torch.testing._internal.common_modules import ModuleInfo, module_db

from tests.support.database_samples import Result
from tests.support.module_calls import traced_dynamically, traced_statically

ALL = os.environ.get("TRACEJET_OPERATORS") == "all"
MODULES = module_db if ALL else module_db[::10]
REFUSED = json.loads(Path(__file__).with_name("refused_modules.json").read_text())


@pytest.mark.parametrize("info", MODULES, ids=lambda info: info.formatted_name)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize(("mode", "trace"), [("static", traced_statically), ("dynamic", traced_dynamically)])
@pytest.mark.filterwarnings("ignore")
def test_a_module_is_traced_right_or_known_to_be_refused(
    info: ModuleInfo, training: bool, mode: str, trace: Callable[[ModuleInfo, bool], Result | None]
) -> None:
    result = trace(info, training)
    if result is None:
        return
    assert result.kind != "wrong", result.why
    is_known = info.formatted_name in REFUSED[mode]
    assert is_known == (result.kind == "refused"), result.why or "works: take it off the list of refused modules"
    assert not result.slow_calls
