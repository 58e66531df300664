"""Writes docs/engines/differences.md from the table of known differences (`make docs`)."""

from __future__ import annotations

import json
from pathlib import Path

TABLE = Path(__file__).parent / "engines/differences.json"
PAGE = TABLE.with_suffix(".md")

INTRODUCTION = """\
# Where engines differ from eager PyTorch

Made from [differences.json](differences.json) by `make docs`; don't edit it by hand.

A compiled program gives what eager PyTorch gives, up to rounding, or it is refused. These are the exceptions, and all
that are known: random programs are held against eager on every engine (`make fuzz`), and nothing is excused there
but what stands here. NaN is kept elsewhere, and found by `isnan`, `x != x`, comparisons, `nan_to_num`, `where`, `amax`,
`nansum` and their like. The engine "aten" runs PyTorch's own kernels, and has one exception, where these differ among
themselves. One operator has two answers in eager PyTorch itself: the mean that `torch.var_mean` gives of infinities is
NaN or infinite, as they lie; in a program it is that of `mean`. Floats of 16 bits are computed in float32 on
OpenVINO, and rounded where they leave it in 16 bits: [what follows from that](openvino.md#floats-of-16-bits).

"""

ENGINES = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime, on a saved ONNX file", "aten": "ATen"}


def page() -> str:
    entries = json.loads(TABLE.read_text())
    sections = []
    for engine, title in ENGINES.items():
        found = [_entry(entry) for entry in entries if entry["engine"] == engine]
        if found:
            sections.append(f"## {title}\n\n" + "\n".join(found))
    return INTRODUCTION + "\n".join(sections)


def _entry(entry: dict[str, str | list[str]]) -> str:
    operators = ", ".join(f"`{name}`" for name in entry["operators"])
    return f"- **{entry['when']}** in {operators}. {entry['what']} {entry['why']}\n"


if __name__ == "__main__":
    PAGE.write_text(page())
