"""Keywords of Torch-TensorRT's `compile` and `save` that mean nothing here: each is answered, none is swallowed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracejet._C import ErrorCode, InvalidInput
from tracejet.api.compile_report import BuildWarning


@dataclass(frozen=True)
class Answer:
    """What is said of a keyword. Where results are what upstream promises without it, that is a warning."""

    text: str
    is_error: bool = False


def _error(text: str) -> Answer:
    return Answer(text, is_error=True)


_ONE_RUNTIME = Answer("programs run in C++, and there is no other runtime")
_ANY_WEIGHTS = Answer("refit_module_weights takes every compiled program, which is none the slower for it")
_IN_PLACE = Answer("nothing is moved: compiling takes the memory that the engine takes")
_TILING = _error("is for TensorRT's tiling, which can't be set here; leave it out")
_DLA = _error("is for DLA cores, for which nothing is built here; leave it out")
_AUTOCAST = _error("run the model under torch.autocast, or say precision=")

#: By name. docs/moving/torch-tensorrt.md is made from it.
UPSTREAM: dict[str, Answer] = {
    "debug": Answer('TRACEJET_LOG=debug, or Python\'s logging of "tracejet", says what happens'),
    "use_python_runtime": _ONE_RUNTIME,
    "lazy_engine_init": _ONE_RUNTIME,
    "immutable_weights": _ANY_WEIGHTS,
    "use_fast_partitioner": Answer("there is one partitioner; min_block_size and torch_executed_ops steer it"),
    "assume_dynamic_shape_support": Answer("every conversion takes dynamic shapes"),
    "use_explicit_typing": Answer("types are those of the model, always"),
    "truncate_double": Answer("float64 is computed as float64, by PyTorch's kernels where an engine has none"),
    "offload_module_to_cpu": _IN_PLACE,
    "enable_resource_partitioning": _IN_PLACE,
    "cpu_memory_budget": _IN_PLACE,
    "dynamically_allocate_resources": Answer("engines allocate what a call needs"),
    "use_distributed_mode_trace": Answer("DTensors and collectives are traced like all else"),
    "decompose_attention": Answer("attention goes to an engine as a whole where that takes it; see decompositions="),
    "attn_bias_is_causal": Answer("a mask is computed as it is given"),
    "fallback_data_dependent_ops": Answer("PyTorch's kernels run what an engine doesn't take"),
    "use_complex_decomposition": Answer("complex numbers are decomposed, or left to PyTorch's kernels"),
    "disabled_constant_fold_exclusions": Answer("weights are folded as engines fold them"),
    "refit_identical_engine_weights": _ANY_WEIGHTS,
    "device": _error("a program runs on the device that it was traced for: trace(…, device=…)"),
    "use_fp32_acc": _error("is decided while tracing: trace(…, use_fp32_acc=…)"),
    "enable_autocast": _AUTOCAST,
    "autocast_low_precision_type": _AUTOCAST,
    "autocast_excluded_nodes": _AUTOCAST,
    "autocast_excluded_ops": _AUTOCAST,
    "autocast_max_output_threshold": _AUTOCAST,
    "autocast_max_depth_of_reduction": _AUTOCAST,
    "autocast_calibration_dataloader": _AUTOCAST,
    "strip_engine_weights": _error("engines are kept with the weights that they have; a .pt2 file has weights once"),
    "enable_cross_compile_for_windows": _error("nothing is built for Windows"),
    "engine_capability": _error("TensorRT's standard capability is the only one; leave it out"),
    "dla_sram_size": _DLA,
    "dla_local_dram_size": _DLA,
    "dla_global_dram_size": _DLA,
    "tiling_optimization_level": _TILING,
    "l2_limit_for_tiling": _TILING,
}


def known_here(keywords: Mapping[str, Any], stacklevel: int) -> dict[str, Any]:
    """The keywords but for those of Torch-TensorRT alone, which have a BuildWarning each or raise InvalidInput."""
    for name in keywords.keys() & UPSTREAM.keys():
        answer = UPSTREAM[name]
        if answer.is_error:
            raise InvalidInput(f"{name}: {answer.text}", ErrorCode.INVALID_SETTING)
        warnings.warn(f"{name} has no effect: {answer.text}", BuildWarning, stacklevel=stacklevel + 1)
    return {name: value for name, value in keywords.items() if name not in UPSTREAM}


#: What `torch_tensorrt.save` takes besides, and a file doesn't depend on.
_OF_SAVE = {
    "retrace": "a program is written as it is, and nothing is traced again",
    "dynamic_shapes": "a program has its ranges already",
    "use_legacy_exporter": "there is one exporter",
    "pickle_protocol": "nothing is pickled",
}


def answer_save(keywords: Mapping[str, Any], stacklevel: int) -> None:
    """Warns of what has no effect in `save`. Raises InvalidInput where one asks for a file that isn't written here."""
    for name, value in keywords.items():
        if name == "output_format" and value != "exported_program":
            raise InvalidInput(
                f'output_format: expected "exported_program", got {value!r}; a .pt2 file is all that is written',
                ErrorCode.INVALID_SETTING,
            )
        if name == "extra_files" and value:
            raise InvalidInput("extra_files: a .pt2 file holds the program alone", ErrorCode.INVALID_SETTING)
        if name not in _OF_SAVE and name not in ("output_format", "extra_files"):
            raise InvalidInput(f"save has no keyword {name!r}", ErrorCode.INVALID_SETTING)
        if name in _OF_SAVE:
            warnings.warn(f"{name} has no effect: {_OF_SAVE[name]}", BuildWarning, stacklevel=stacklevel + 1)
