"""AOTInductor, as far as there is no public way to it. PyTorch's own modules are imported when they are needed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch.fx import GraphModule


def aot_compile(module: GraphModule, inputs: tuple[Any, ...], options: dict[str, Any]) -> list[Any]:
    """The files that Inductor writes for `module`, by their paths, and the constants, as a dict, of which it writes
    none. `inputs` are FakeTensors like the placeholders' values."""
    from torch._inductor import aot_compile

    with torch.no_grad():
        files = aot_compile(module, inputs, options=options)
    assert isinstance(files, list)
    return files


def package(path: Path, files: list[str]) -> None:
    """Puts the files of `aot_compile` into one, which `torch._inductor.aoti_load_package` and its like in C++ read."""
    from torch._inductor.package import package_aoti

    package_aoti(str(path), files)


def sizes_told_apart_by_the_program_alone() -> AbstractContextManager[Any]:
    """Sizes of 0 and 1 aren't told from others for the time being, unless the program itself does."""
    from torch.fx.experimental import _config

    patch: AbstractContextManager[Any] = _config.patch(backed_size_oblivious=True)
    return patch


def output_of_compiler(error: Exception) -> str:
    """What the C++ compiler has said, where it is why Inductor gives up; else nothing."""
    from torch._inductor.exc import CppCompileError

    inner = getattr(error, "inner_exception", error)
    return str(inner.output) if isinstance(inner, CppCompileError) else ""
