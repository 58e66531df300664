"""`compiled.profile(…)`: how long the kernels of a compiled program take, and which module each is for."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity
from torch.profiler import profile as torch_profile

from tracejet import _C
from tracejet.api.compile_report import CompileReport
from tracejet.frontend.written_files import writing_to

#: What a compiled program is called where PyTorch's profiler listens, and its parts: "tracejet part 3 (openvino)".
PROGRAM, PART = "tracejet program", "tracejet part "


@dataclass(frozen=True)
class Kernel:
    """What an engine runs in one go: a call of the model, or several that it has fused."""

    part: int  #: of `report.parts`
    engine: str
    kernel: str  #: in the engine's words: "FullyConnected brgemm_avx512_FP32", "aten::gelu"
    operators: tuple[str, ...]  #: of the calls, the first one's first
    milliseconds: float  #: the mean of a call of the program
    module: str  #: whose forward made the first call: "encoder.layers.3"; empty for the model itself
    file: str
    line: int
    text: str  #: that line


class Profile:
    """How long a compiled program takes, kernel by kernel. `str(profile)` is for people, `to_json` for machines."""

    def __init__(self, kernels: Sequence[Kernel], calls: int, trace: dict[str, Any]):
        self.kernels = tuple(kernels)  #: in the order in which they ran; of engines that measure theirs
        self.calls = calls
        self._trace = trace

    @property
    def milliseconds(self) -> float:
        """Of all kernels: a call of the program takes what is between them besides."""
        return sum(kernel.milliseconds for kernel in self.kernels)

    def by_module(self) -> dict[str, float]:
        """Milliseconds by the path of a module, all that is inside of it included; "" is the model."""
        found: Counter[str] = Counter()
        for kernel in self.kernels:
            names = kernel.module.split(".") if kernel.module else []
            for depth in range(len(names) + 1):
                found[".".join(names[:depth])] += kernel.milliseconds  # type: ignore[assignment]
        return dict(found)

    def write_trace(self, path: str | os.PathLike[str]) -> None:
        """Writes one call as a file that Perfetto and Chrome (chrome://tracing) open: the program, its parts, PyTorch's
        operators, and the engines' kernels in a row of their own, one after the other, with their mean times.

        Raises:
            Error: the file can't be written.
        """
        with writing_to(path):
            Path(path).write_text(json.dumps(self._trace), encoding="utf-8")

    def to_json(self) -> dict[str, Any]:
        """The same in lists, dicts, strings and numbers."""
        kernels = [{**asdict(kernel), "operators": list(kernel.operators)} for kernel in self.kernels]
        return {"calls": self.calls, "milliseconds": self.milliseconds, "kernels": kernels}

    def __str__(self) -> str:
        if not self.kernels:
            return "none of the program's engines says how long its kernels take"
        slowest = sorted(self.kernels, key=lambda kernel: -kernel.milliseconds)
        lines = [f"{len(self.kernels)} kernels take {self.milliseconds:.3f} ms, the mean of {self.calls} calls"]
        for kernel in slowest[:10]:
            where = f"{kernel.file.rpartition('/')[2]}:{kernel.line}" if kernel.file else "no line"
            module = f" in {kernel.module}" if kernel.module else ""
            lines.append(f"  {kernel.milliseconds:8.3f} ms  {' + '.join(kernel.operators)}  {where}{module}")
            lines.append(f"               {kernel.engine}: {kernel.kernel}")
        if len(slowest) > 10:
            rest = sum(kernel.milliseconds for kernel in slowest[10:])
            lines.append(f"  {rest:8.3f} ms  {len(slowest) - 10} more")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Profile: {len(self.kernels)} kernels, {self.milliseconds:.3f} ms>"


def profile_of(program: _C.ProgramRunner, tensors: list[torch.Tensor], run: Callable[[], Any], calls: int) -> Profile:
    """`run`: calls the program on the same."""
    run()
    program.kernel_times(tensors, 1)  # engines compile again what measures, and make room for these sizes
    engines = [part.engine for part in CompileReport(program.report()).parts if not part.inside]
    kernels = [
        Kernel(
            time.part,
            engines[time.part],
            time.kernel,
            tuple(time.operators),
            time.microseconds / 1e3 / calls,
            time.line.module_path,
            time.line.file,
            time.line.line,
            time.line.text,
        )
        for time in program.kernel_times(tensors, calls)
        if time.part < len(engines)  # what reads numbers for results is no part
    ]
    return Profile(kernels, calls, _trace(run, kernels))


def _trace(run: Callable[[], Any], kernels: Sequence[Kernel]) -> dict[str, Any]:
    """One call as PyTorch's profiler sees it, with the kernels of other engines put into their parts."""
    with torch.no_grad(), torch_profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiled:
        run()
    with tempfile.TemporaryDirectory(prefix="tracejet-") as folder:
        file = Path(folder) / "trace.json"
        profiled.export_chrome_trace(str(file))
        trace: dict[str, Any] = json.loads(file.read_text())
    events: list[dict[str, Any]] = trace["traceEvents"]
    spans = [event for event in events if event.get("ph") == "X"]
    is_split = any(event["name"].startswith(PART) for event in spans)
    seen = {event["name"] for event in spans}  # PyTorch's own kernels
    for event in spans:
        part = _part_of(event["name"], is_split)
        if part is None:
            continue
        begin, row = event["ts"], f"{event['tid']}: kernels"
        for kernel in kernels:
            if kernel.part != part or kernel.kernel in seen:
                continue
            microseconds = kernel.milliseconds * 1e3
            said = {"kernel": kernel.kernel, "module": kernel.module, "line": f"{kernel.file}:{kernel.line}"}
            name = " + ".join(kernel.operators)
            place = {"ph": "X", "cat": "kernel", "pid": event["pid"], "tid": row, "ts": begin, "dur": microseconds}
            events.append({**place, "name": name, "args": said})
            begin += microseconds
    return trace


def _part_of(name: str, is_split: bool) -> int | None:
    """A program that is one part has no event for it besides its own."""
    if name.startswith(PART):
        return int(name.removeprefix(PART).split()[0])
    return 0 if name == PROGRAM and not is_split else None
