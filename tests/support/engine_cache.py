"""What the tests of the engine cache share."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

import tracejet
from tests.support.lambda_module import batch


class Net(nn.Module):
    def __init__(self, seed: int = 0):
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def convolutions() -> nn.Module:
    """37 MB of weights that batch norm is folded into."""
    torch.manual_seed(0)
    layers = [nn.Sequential(nn.Conv2d(512, 512, 3, padding=1), nn.BatchNorm2d(512), nn.ReLU()) for _ in range(4)]
    return nn.Sequential(*layers).eval()


def compiled_in(folder: Path | str, model: Any, *inputs: Any, **settings: Any) -> tracejet.CompiledModule:
    """Compiled with the engine cache in this folder."""
    cache = {"cache_built_engines": True, "reuse_cached_engines": True, "engine_cache_dir": folder}
    given = inputs if inputs or "kwarg_inputs" in settings else [batch(8)]
    return tracejet.compile(model, arg_inputs=given, **{"engine": "openvino", **cache, **settings})


def is_hit(compiled: tracejet.CompiledModule) -> bool:
    return any(part.is_cached for part in compiled.report.parts)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.engine"))


def assert_same(compiled: tracejet.CompiledModule, other: Callable[..., Any], width: int = 8) -> None:
    for rows in (1, 2, 4, 9):
        x = torch.randn(rows, width)
        torch.testing.assert_close(compiled(x), other(x), rtol=0, atol=0)


def run_python(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    head = f"""
        import os, sys, torch, tracejet
        from pathlib import Path
        from testing.models import SMALL_MODELS
        from tests.support.lambda_module import batch
        from tests.support.engine_cache import *
        folder = Path({str(folder)!r})
    """
    text = textwrap.dedent(head) + textwrap.dedent(code)
    options = {"env": {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}}
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300, **options)
