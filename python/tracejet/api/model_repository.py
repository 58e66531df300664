"""`save_model_repository`: the folder from which a model server serves a program."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from tracejet import _C
from tracejet._C import GraphOutput
from tracejet.api.compile import save_onnx
from tracejet.api.native_program import native
from tracejet.api.request_batch import batch_of
from tracejet.api.session_program import graph_of
from tracejet.api.triton_config import triton_config, triton_tensors
from tracejet.frontend.written_files import writing_to


def save_model_repository(
    mod: nn.Module | torch.export.ExportedProgram,
    folder: str | os.PathLike[str],
    *,
    server: Literal["triton", "ovms"],
    name: str,
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
    merge_requests: bool = False,
) -> Path:
    """Writes a program, or a module (which is traced first), as version 1 of a model in a model repository.

    Triton Inference Server gets an ONNX model for its onnxruntime backend and a config.pbtxt, OpenVINO Model Server an
    OpenVINO model in float32 and a config.json. The program has to be one without state.

    Args:
        mod: a program from `trace` or `torch.export`, or a module.
        folder: the repository. Other models in it are left alone.
        server: "triton" or "ovms".
        name: the model's.
        arg_inputs, kwarg_inputs, dynamic_shapes: what a module is traced with: see `trace`.
        merge_requests: Triton may put requests together into one batch. Only say so where rows of a batch don't depend
            on each other, which isn't checked.

    Returns:
        The folder of the model.

    Raises:
        InvalidInput: the program writes to buffers or inputs, or merge_requests is asked for where inputs and outputs
            haven't one batch, or of a server that decides it by itself; Triton has no such inputs or outputs.
        UnsupportedOperator: the program can't be written as ONNX.
        Error: the folder can't be written to; or what `trace` raises of a module.
    """
    if server not in ("triton", "ovms"):
        raise _C.InvalidInput(f'server: expected "triton" or "ovms", got {server!r}', _C.ErrorCode.MODEL_REPOSITORY)
    if not name or Path(name).name != name:
        raise _C.InvalidInput(f"name: expected a name without slashes, got {name!r}", _C.ErrorCode.MODEL_REPOSITORY)
    program = native(mod, arg_inputs, kwarg_inputs, dynamic_shapes)
    if any(output.kind != GraphOutput.Kind.USER for output in graph_of(program).outputs):
        raise _C.InvalidInput(
            "the program writes to buffers or inputs, and a server keeps no state between requests",
            _C.ErrorCode.MODEL_REPOSITORY,
        )
    batch = batch_of(program)
    if merge_requests and server != "triton":
        raise _C.InvalidInput(
            "merge_requests: OpenVINO Model Server doesn't put requests together", _C.ErrorCode.MODEL_REPOSITORY
        )
    if merge_requests and batch is None:
        raise _C.InvalidInput(
            "merge_requests: axis 0 of all inputs and outputs has to be one dimension, from 1 on: see shared_dims",
            _C.ErrorCode.MODEL_REPOSITORY,
        )
    tensors = triton_tensors(program, batch) if server == "triton" else []  # which refuses before anything is written
    place = Path(folder) / name
    with writing_to(place):
        (place / "1").mkdir(parents=True, exist_ok=True)
    if server == "triton":
        names = _C.save_onnx(graph_of(program), str(place / "1" / "model.onnx"))
        lines = triton_config(name, tensors, names, batch)
        with writing_to(place / "config.pbtxt"):
            (place / "config.pbtxt").write_text(
                "\n".join([*lines, *(["dynamic_batching { }"] if merge_requests else []), ""])
            )
        return place
    import openvino  # takes as long as the rest of tracejet, and tells Intel that it was imported

    with tempfile.TemporaryDirectory() as scratch:
        save_onnx(program, Path(scratch) / "model.onnx")
        model = openvino.Core().read_model(Path(scratch) / "model.onnx")
        openvino.save_model(model, place / "1" / "model.xml", compress_to_fp16=False)
    _add_to_config(Path(folder) / "config.json", name, place)
    return place


def _add_to_config(path: Path, name: str, place: Path) -> None:
    """OpenVINO Model Server's list of models, with this one in it."""
    known = json.loads(path.read_text())["model_config_list"] if path.exists() else []
    others = [entry for entry in known if entry["config"]["name"] != name]
    ours = {"config": {"name": name, "base_path": f"/models/{place.name}"}}
    with writing_to(path):
        path.write_text(json.dumps({"model_config_list": [*others, ours]}, indent=2) + "\n")
