"""The ways to run a model on a CPU that bench.latency compares: each makes a function of its inputs.

Every such function takes the tensors of `case.example()` and gives the first tensor of the model's output.
"""

from __future__ import annotations

import io
import os
import tempfile
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from testing.models import Case

Run = Callable[[tuple[Any, ...], dict[str, Any]], torch.Tensor]


def first_tensor(output: Any) -> torch.Tensor:
    return next(leaf for leaf in pytree.tree_leaves(output) if isinstance(leaf, torch.Tensor))


def eager(model: nn.Module, case: Case, threads: int) -> Run:
    return lambda args, kwargs: first_tensor(model(*args, **kwargs))


def inductor(model: nn.Module, case: Case, threads: int) -> Run:
    """torch.compile as it is fastest for inference on a CPU: with the weights frozen into the code.

    Its caches on disk start out empty, so that the first answer is that of a model it hasn't seen.
    """
    import torch._inductor.config

    caches = tempfile.TemporaryDirectory()
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = caches.name
    torch._inductor.config.freezing = True
    compiled = torch.compile(model)
    weakref.finalize(compiled, caches.cleanup)
    return lambda args, kwargs: first_tensor(compiled(*args, **kwargs))


def onnx_runtime(model: nn.Module, case: Case, threads: int) -> Run:
    import onnxruntime

    args, kwargs = case.example()
    model_file = io.BytesIO()
    torch.onnx.export(model, args, kwargs=kwargs, dynamo=True, verbose=False).save(model_file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model_file.getvalue(), options, providers=["CPUExecutionProvider"])
    names = [declared.name for declared in session.get_inputs()]

    def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        feeds = zip(names, (tensor.numpy() for tensor in (*args, *kwargs.values())), strict=True)
        return torch.from_numpy(session.run(None, dict(feeds))[0])

    return run


def openvino(model: nn.Module, case: Case, threads: int) -> Run:
    """OpenVINO's own way in, `convert_model`, which traces and translates the model by itself."""
    import openvino

    args, kwargs = case.example()
    converted = openvino.convert_model(model, example_input=kwargs or args)
    ports = [converted.input(name) for name in kwargs] or converted.inputs
    tensors = (*args, *kwargs.values())
    converted.reshape({port: list(tensor.shape) for port, tensor in zip(ports, tensors, strict=True)})
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    compiled = openvino.compile_model(converted, "CPU", settings)

    def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        feeds = {name: tensor.numpy() for name, tensor in kwargs.items()} or [tensor.numpy() for tensor in args]
        return torch.from_numpy(compiled(feeds)[0])

    return run


def tracejet_static(model: nn.Module, case: Case, threads: int) -> Run:
    import tracejet

    args, kwargs = case.example()
    compiled = tracejet.compile(model, arg_inputs=args, kwarg_inputs=kwargs, engine="openvino", threads=threads)
    return lambda args, kwargs: first_tensor(compiled(*args, **kwargs))


def tracejet_dynamic(model: nn.Module, case: Case, threads: int) -> Run:
    import tracejet

    args, kwargs = case.tracejet_inputs()
    compiled = tracejet.compile(model, arg_inputs=args, kwarg_inputs=kwargs, engine="openvino", threads=threads)
    return lambda args, kwargs: first_tensor(compiled(*args, **kwargs))


RUNTIMES: dict[str, Callable[[nn.Module, Case, int], Run]] = {
    "eager": eager,
    "torch.compile, freezing": inductor,
    "ONNX Runtime": onnx_runtime,
    "OpenVINO, convert_model": openvino,
    "tracejet": tracejet_static,
    "tracejet, dynamic shapes": tracejet_dynamic,
}
