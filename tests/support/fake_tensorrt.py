"""TensorRT's bindings as far as the engine uses them, over ONNX Runtime: what it is told is what it does.

Addresses are read and written as such, so that a wrong one, a wrong size or a missing call shows.
"""

from __future__ import annotations

import ctypes
import enum
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime

__version__ = "1.2.3"
MAGIC = b"vtrt"

#: Operators that the parser doesn't know, that it refuses where it meets them, and that the builder has no kernels for.
unknown: set[str] = set()
unparsed: set[str] = set()
unbuilt: set[str] = set()
#: What the builders were told, the last one last.
configs: list[Any] = []
sessions: list[Any] = []


class NetworkDefinitionCreationFlag(enum.IntEnum):
    STRONGLY_TYPED = 1


class ComputeCapability(enum.IntEnum):
    NONE = 0
    CURRENT = 1
    SM75 = 75
    SM86 = 86
    SM89 = 89
    SM120 = 120


class BuilderFlag(enum.Enum):
    TF32 = 1
    SPARSE_WEIGHTS = 2
    VERSION_COMPATIBLE = 3
    WEIGHT_STREAMING = 4
    EXCLUDE_LEAN_RUNTIME = 5


class MemoryPoolType(enum.Enum):
    WORKSPACE = 1


class HardwareCompatibilityLevel(enum.Enum):
    NONE = 0
    AMPERE_PLUS = 1


class EngineValidity(enum.Enum):
    VALID = 0
    INVALID = 2


class CudaGraphStrategy(enum.Enum):
    DISABLED = 0
    WHOLE_GRAPH_CAPTURE = 1


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING = range(3)


class IOutputAllocator:
    pass


class Profile:
    def __init__(self) -> None:
        self.shapes: dict[str, Any] = {}

    def set_shape(self, name: str, least: Any, usual: Any, most: Any) -> None:
        assert all(a <= b <= c for a, b, c in zip(least, usual, most, strict=True)), (name, least, usual, most)
        self.shapes[name] = (least, usual, most)


class TimingCache:
    def __init__(self, data: bytes):
        self.data = data

    def serialize(self) -> bytes:
        return self.data + b"+"


class Config:
    def __init__(self) -> None:
        self.flags = {BuilderFlag.TF32}
        self.capabilities: dict[int, Any] = {}
        self.limits: dict[Any, int] = {}
        self.profiles: list[Profile] = []
        self.cache: TimingCache | None = None
        configs.append(self)

    def set_flag(self, flag: BuilderFlag) -> None:
        self.flags.add(flag)

    def clear_flag(self, flag: BuilderFlag) -> None:
        self.flags.discard(flag)

    def set_compute_capability(self, capability: ComputeCapability, index: int) -> bool:
        self.capabilities[index] = capability
        return True

    def set_memory_pool_limit(self, pool: MemoryPoolType, size: int) -> None:
        self.limits[pool] = size

    def add_optimization_profile(self, profile: Profile) -> int:
        self.profiles.append(profile)
        return len(self.profiles) - 1

    def create_timing_cache(self, data: bytes) -> TimingCache | None:
        return None if data.startswith(b"bad") else TimingCache(data)

    def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
        self.cache = cache
        return True


class Builder:
    def __init__(self, logger: Any):
        self.logger = logger

    def create_network(self, flags: int) -> Any:
        assert flags == 1 << NetworkDefinitionCreationFlag.STRONGLY_TYPED
        return SimpleNamespace(model=None, num_inputs=0, num_outputs=0)

    def create_builder_config(self) -> Config:
        return Config()

    def create_optimization_profile(self) -> Profile:
        return Profile()

    def build_serialized_network(self, network: Any, config: Config) -> bytes | None:
        if wrong := integers_in_the_open(network.model.graph):
            said = f"Quantized constant ({wrong[0]}) is only allowed before DQ (In build at x.cpp:2)"
            self.logger.log(ILogger.ERROR, said)
            return None
        if missing := unbuilt & {node.op_type for node in network.model.graph.node}:
            self.logger.log(ILogger.ERROR, f"no kernels for {sorted(missing)} (In build at x.cpp:1)")
            return None
        shapes = [profile.shapes for profile in config.profiles]
        return MAGIC + json.dumps(shapes).encode() + b"\0" + network.model.SerializeToString()


def integers_in_the_open(graph: onnx.GraphProto) -> list[str]:
    """Weights of int8 that anybody but DequantizeLinear takes, which TensorRT-RTX 1.7.1 doesn't build."""
    weights = {weight.name for weight in graph.initializer if weight.data_type == onnx.TensorProto.INT8}
    readers = [node for node in graph.node if node.op_type not in ("QuantizeLinear", "DequantizeLinear")]
    return [name for node in readers for name in node.input if name in weights]


def is_asymmetric(node: onnx.NodeProto, graph: onnx.GraphProto) -> bool:
    if node.op_type not in ("QuantizeLinear", "DequantizeLinear") or len(node.input) < 3:
        return False
    (offset,) = (weight for weight in graph.initializer if weight.name == node.input[2])
    return offset.data_type == onnx.TensorProto.UINT8 or bool(onnx.numpy_helper.to_array(offset).any())


class OnnxParser:
    def __init__(self, network: Any, logger: Any):
        self.network = network
        self.errors: list[Any] = []

    def supports_operator(self, name: str) -> bool:
        return name not in unknown

    def load_model_proto(self, data: bytes) -> bool:
        self.model = onnx.ModelProto.FromString(data)
        return True

    def load_initializer(self, name: str, pointer: int, size: int) -> bool:
        for tensor in self.model.graph.initializer:
            if tensor.name == name:
                tensor.raw_data = ctypes.string_at(pointer, size) if size else b""
                del tensor.external_data[:]
                tensor.data_location = onnx.TensorProto.DEFAULT
                return True
        return False

    def parse_model_proto(self) -> bool:
        onnx.checker.check_model(self.model)
        for index, node in enumerate(self.model.graph.node):
            if node.op_type in unparsed or is_asymmetric(node, self.model.graph):
                self.errors.append(
                    SimpleNamespace(
                        node=lambda i=index: i,
                        node_operator=lambda node=node: node.op_type,
                        desc=lambda: "no such operator (In parse at x.cpp:3)",
                    )
                )
        inputs, outputs = self.model.graph.input, self.model.graph.output
        self.network.model = self.model
        self.network.num_inputs, self.network.num_outputs = len(inputs), len(outputs)
        self.network.get_input = lambda i: SimpleNamespace(name=inputs[i].name, is_shape_tensor=False)
        return not self.errors

    @property
    def num_errors(self) -> int:
        return len(self.errors)

    def get_error(self, index: int) -> Any:
        return self.errors[index]


class RuntimeCache:
    def __init__(self) -> None:
        self.data = b"kernels"

    def deserialize(self, data: bytes) -> bool:
        self.data = data + b"+"
        return True

    def serialize(self) -> bytes:
        return self.data


class RuntimeConfig:
    cuda_graph_strategy = CudaGraphStrategy.DISABLED
    cache: RuntimeCache | None = None

    def create_runtime_cache(self) -> RuntimeCache:
        return RuntimeCache()

    def set_runtime_cache(self, cache: RuntimeCache) -> bool:
        self.cache = cache
        return True


class TensorIOMode(enum.Enum):
    INPUT = 1
    OUTPUT = 2


class Context:
    profile = 0

    def set_optimization_profile_async(self, index: int, stream: int) -> bool:
        assert stream == 7
        self.profile = index
        return True

    def __init__(self, engine: Engine, config: RuntimeConfig | None):
        self.engine, self.config = engine, config
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}
        self.allocators: dict[str, Any] = {}
        sessions.append(self)

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        profiles = self.engine.profiles
        least, _, most = (profiles[self.profile] if profiles else {}).get(name, (shape, shape, shape))
        self.shapes[name] = shape
        return all(low <= size <= high for low, size, high in zip(least, shape, most, strict=True))

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return address != 0

    def set_output_allocator(self, name: str, allocator: Any) -> bool:
        self.allocators[name] = allocator
        return True

    def get_tensor_shape(self, name: str) -> list[int]:
        model = onnx.ModelProto.FromString(self.engine.model.SerializeToString())
        for given in model.graph.input:
            dims = given.type.tensor_type.shape.dim
            for dim, size in zip(dims, self.shapes[given.name], strict=True):
                dim.dim_value = size
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
        (output,) = (one for one in inferred.graph.output if one.name == name)
        return [dim.dim_value if dim.HasField("dim_value") else -1 for dim in output.type.tensor_type.shape.dim]

    def execute_async_v3(self, stream: int) -> bool:
        assert stream == 7
        feeds = {}
        for given in self.engine.model.graph.input:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(given.type.tensor_type.elem_type)
            shape = self.shapes[given.name]
            data = ctypes.string_at(self.addresses[given.name], int(np.prod(shape)) * dtype.itemsize)
            feeds[given.name] = np.frombuffer(data, dtype).reshape(shape)
        for output, array in zip(self.engine.model.graph.output, self.engine.session.run(None, feeds), strict=True):
            array = np.ascontiguousarray(array)
            if output.name in self.allocators:
                allocator = self.allocators[output.name]
                address = allocator.reallocate_output_async(output.name, 0, array.nbytes, 256, stream)
                allocator.notify_shape(output.name, list(array.shape))
            else:
                address = self.addresses[output.name]
            ctypes.memmove(address, array.ctypes.data, array.nbytes)
        return True


class Engine:
    def __init__(self, blob: bytes):
        shapes, model = blob.removeprefix(MAGIC).split(b"\0", 1)
        self.profiles = json.loads(shapes)
        self.num_optimization_profiles = max(len(self.profiles), 1)
        self.model = onnx.ModelProto.FromString(model)
        self.session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        self.weight_streaming_budget_v2 = -1

    @property
    def num_io_tensors(self) -> int:
        return len(self.model.graph.input) + len(self.model.graph.output)

    def get_tensor_name(self, index: int) -> str:
        return [*self.model.graph.input, *self.model.graph.output][index].name

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        is_input = any(given.name == name for given in self.model.graph.input)
        return TensorIOMode.INPUT if is_input else TensorIOMode.OUTPUT

    def get_tensor_profile_shape(self, name: str, index: int) -> list[list[int]]:
        return self.profiles[index][name]

    def get_weight_streaming_automatic_budget(self) -> int:
        return 1000

    def create_runtime_config(self) -> RuntimeConfig:
        return RuntimeConfig()

    def create_execution_context(self, config: RuntimeConfig | None = None) -> Context:
        return Context(self, config)


class Runtime:
    def __init__(self, logger: Any):
        self.logger = logger

    def deserialize_cuda_engine(self, blob: bytes) -> Engine | None:
        if blob.startswith(MAGIC):
            return Engine(blob)
        self.logger.log(ILogger.ERROR, "no engine of ours (In load at x.cpp:2 (cudaError 35: no driver))")
        return None

    def get_engine_validity(self, blob: bytes) -> tuple[EngineValidity, int]:
        return (EngineValidity.VALID, 0) if blob.startswith(MAGIC) else (EngineValidity.INVALID, 32)
