"""ONNX Runtime as a second opinion on conversions."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import torch
from torch.export.graph_signature import InputKind, OutputKind

import tracejet


class OnnxRuntime:
    """A saved ONNX file, run by ONNX Runtime."""

    def __init__(self, program: torch.export.ExportedProgram, path: str):
        tracejet.save_onnx(program, path)
        onnx.checker.check_model(path, full_check=True)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        # Fused 8-bit products saturate on processors without VNNI.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument as error:
            # Its fusion of attention of known sizes takes away what is read (1.32); the checker found the model valid.
            if "Invalid model. Node input" not in str(error):
                raise
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def __call__(self, *tensors: torch.Tensor) -> list[torch.Tensor]:
        names = [argument.name for argument in self._session.get_inputs()]
        results = self._session.run(None, {name: tensor.numpy() for name, tensor in zip(names, tensors, strict=True)})
        return [torch.from_numpy(np.asarray(result)) for result in results]


class OnnxProgram:
    """The same for whoever calls the program: it writes what the program writes, and gives what it gives."""

    def __init__(self, program: torch.export.ExportedProgram, path: str):
        self._runtime = OnnxRuntime(program, path)
        signature = program.graph_signature
        changed = set(signature.buffers_to_mutate.values())
        buffers = {**dict(program.named_buffers()), **program.constants}
        self._state = {
            spec.target: buffers[spec.target]
            for spec in signature.input_specs
            if spec.kind is InputKind.BUFFER and spec.target in changed
        }
        self._user_inputs = list(signature.user_inputs)
        self._outputs = signature.output_specs

    def __call__(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        results = self._runtime(*self._state.values(), *tensors)
        given = []
        for spec, result in zip(self._outputs, results, strict=True):
            if spec.kind is OutputKind.BUFFER_MUTATION:
                self._state[spec.target].copy_(result)
            elif spec.kind is OutputKind.USER_INPUT_MUTATION:
                tensors[self._user_inputs.index(spec.target)].copy_(result)
            else:
                given.append(result)
        return tuple(given)
