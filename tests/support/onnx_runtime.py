"""ONNX Runtime as a second opinion on conversions."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import torch

import tracejet


class OnnxRuntime:
    """A saved ONNX file, run by ONNX Runtime."""

    def __init__(self, program: torch.export.ExportedProgram, path: str):
        tracejet.save_onnx(program, path)
        onnx.checker.check_model(path, full_check=True)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def __call__(self, *tensors: torch.Tensor) -> list[torch.Tensor]:
        names = [argument.name for argument in self._session.get_inputs()]
        results = self._session.run(None, {name: tensor.numpy() for name, tensor in zip(names, tensors, strict=True)})
        return [torch.from_numpy(np.asarray(result)) for result in results]
