"""What `import tracejet` brings into a process, and leaves on the disk: nothing that a trace doesn't need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
#: They take as long as tracejet to import, or more; OpenVINO's tells Intel of it and keeps an id in the home folder.
HEAVY = """
grpc jinja2 kserve netron onnx onnxruntime openvino openvino_telemetry pygal ray sympy tensorrt tensorrt_rtx
torch._dynamo torch._inductor torchvision transformers triton
""".split()

IMPORT = "import torch, tracejet"
COMPILE = """
net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()
x = tracejet.Input(min_shape=(1, 4), opt_shape=(2, 4), max_shape=(8, 4))
compiled = tracejet.compile(tracejet.trace(net, arg_inputs=[x]))
assert compiled(torch.randn(7, 4)).shape == (7, 3)
"""
TRITON = """
tracejet.save_model_repository(net, "models", server="triton", name="net", arg_inputs=[x])
"""
HELP = """
from tracejet.command_line.main import main
try:
    main(["--help"])
except SystemExit as done:
    assert done.code == 0
"""


@pytest.mark.parametrize(
    "code", [IMPORT, IMPORT + COMPILE, IMPORT + COMPILE + TRITON, HELP], ids=["import", "compile", "triton", "help"]
)
def test_nothing_heavy_is_imported_and_nothing_is_written(code: str, tmp_path: Path) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_") and name != "CI"}
    environment |= {"HOME": str(home), "PYTHONPATH": str(ROOT / "python")}
    code += f"\nimport sys\nprint('heavy:', [name for name in {HEAVY} if name in sys.modules])\n"
    run = subprocess.run([sys.executable, "-c", code], cwd=work, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "heavy: []"
    assert not list(home.rglob("*"))


def test_these_tests_tell_intel_nothing() -> None:
    telemetry = pytest.importorskip("openvino.tools.ovc.telemetry_utils")
    assert telemetry.tm.__name__ == "openvino.tools.ovc.telemetry_stub"
