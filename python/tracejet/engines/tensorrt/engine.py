"""TensorRT as the core asks it: see src/bindings/onnx_engine.cpp."""

from __future__ import annotations

from collections.abc import Callable

import torch

from tracejet._C import CompileSettings, ErrorCode, InvalidInput, OnnxProgram
from tracejet.engines.profiles import profiles_in_words
from tracejet.engines.tensorrt import gpu
from tracejet.engines.tensorrt.build import build
from tracejet.engines.tensorrt.executable import Executable
from tracejet.engines.tensorrt.library import Library
from tracejet.engines.tensorrt.network import Network


class TensorRT:
    """The engine "tensorrt". `load` imports the bindings, once; `chosen_profile` says what the user wants of a call."""

    name = "tensorrt"

    def __init__(self, load: Callable[[], Library], chosen_profile: Callable[[], int | None] = lambda: None):
        self._load = load
        self._chosen_profile = chosen_profile

    def fingerprint(self) -> str:
        try:
            library = self._load()
        except InvalidInput as problem:
            return str(problem)
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
        return f"{library.name} {library.version}, {device}{profiles_in_words()}"

    def runs_on(self, device: torch.device) -> bool:
        return device.type == "cuda" and gpu.can_run_on(self._load(), device)

    def check_settings(self, settings: CompileSettings) -> None:
        """Raises InvalidInput where it can't do what the settings ask for."""
        library = self._load()
        if settings.threads != 0:
            raise InvalidInput(
                f"threads is {settings.threads}, but tensorrt computes on a GPU and takes no number",
                ErrorCode.ENGINE_SETTING,
            )
        for name in ("runtime_cache_path", "use_cuda_graphs"):
            if getattr(settings, name) and not library.is_rtx:
                raise InvalidInput(
                    f"{name} is TensorRT-RTX's, and this is {library.name} {library.version}", ErrorCode.ENGINE_SETTING
                )
        if settings.timing_cache_path and library.is_rtx:
            raise InvalidInput(
                f"timing_cache_path is TensorRT's: {library.name} times nothing while it builds",
                ErrorCode.ENGINE_SETTING,
            )
        gpu.target_capabilities(library, settings)

    def find_unsupported(self, program: OnnxProgram, settings: CompileSettings) -> list[tuple[int, str]]:
        """The ONNX nodes that it doesn't take, each with the reason. Nothing is built."""
        return Network(self._load(), program).refused

    def compile(self, program: OnnxProgram, settings: CompileSettings) -> Executable:
        """A program of which it takes all. Raises UnsupportedOperator where it turns out that it can't be built."""
        library = self._load()
        blob = build(Network(library, program), settings)
        return Executable(library, blob, program, settings, self._chosen_profile)

    def load(self, blob: bytes, program: OnnxProgram, settings: CompileSettings) -> Executable | None:
        """What `compile` gave, from its bytes; None where they are no engine of this library's."""
        library = self._load()
        if not gpu.is_engine_of(library, blob):
            return None
        return Executable(library, blob, program, settings, self._chosen_profile)
