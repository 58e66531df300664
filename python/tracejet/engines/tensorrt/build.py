"""Builds TensorRT's engines."""

from __future__ import annotations

from typing import Any

from tracejet._C import CompileSettings, ErrorCode, UnsupportedOperator
from tracejet.engines.tensorrt.files import cache_path, read_bytes, write_bytes
from tracejet.engines.tensorrt.gpu import target_capabilities
from tracejet.engines.tensorrt.network import Network
from tracejet.engines.tensorrt.profiles import add_profiles


def build(network: Network, settings: CompileSettings) -> bytes:
    """A serialised engine of a network of which nothing is refused.

    Raises UnsupportedOperator where TensorRT finds no kernels for it.
    """
    library, program = network.library, network.program
    library.forget()
    config = network.builder.create_builder_config()
    _configure(network, config, settings)
    add_profiles(network.builder, config, program)
    cache = None if library.is_rtx else _timing_cache(config, settings)
    serialized = network.builder.build_serialized_network(network.network, config)
    if serialized is None:
        raise UnsupportedOperator(
            f"{library.name} can't build this program: {library.said()}", ErrorCode.ENGINE_REFUSAL
        )
    if cache is not None:
        write_bytes(cache_path(settings, "timing"), bytes(cache.serialize()))
    return bytes(serialized)


def _configure(network: Network, config: Any, settings: CompileSettings) -> None:
    library, trt = network.library, network.library.trt
    capabilities = target_capabilities(library, settings)
    if capabilities:
        config.num_compute_capabilities = len(capabilities)
        for index, capability in enumerate(capabilities):
            config.set_compute_capability(capability, index)
    if settings.workspace_size > 0:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings.workspace_size)
    if settings.optimization_level >= 0:
        config.builder_optimization_level = settings.optimization_level
    if settings.max_aux_streams >= 0:
        config.max_aux_streams = settings.max_aux_streams
    config.avg_timing_iterations = settings.num_avg_timing_iters
    if settings.hardware_compatible:
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    if settings.disable_tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    asked = {
        "SPARSE_WEIGHTS": settings.sparse_weights,
        "VERSION_COMPATIBLE": settings.version_compatible,
        "WEIGHT_STREAMING": settings.enable_weight_streaming,
    }
    for name, is_asked in asked.items():
        if is_asked:
            config.set_flag(getattr(trt.BuilderFlag, name))
    if settings.version_compatible and library.is_rtx:
        config.set_flag(trt.BuilderFlag.EXCLUDE_LEAN_RUNTIME)  # its packages have none to put in


def _timing_cache(config: Any, settings: CompileSettings) -> Any:
    path = cache_path(settings, "timing")
    if not path:
        return None
    cache = config.create_timing_cache(read_bytes(path))
    # One that was made for another GPU or version is of no use; an empty one takes its place.
    if cache is None or not config.set_timing_cache(cache, False):
        cache = config.create_timing_cache(b"")
        config.set_timing_cache(cache, False)
    return cache
