"""A program as TensorRT's parser reads it."""

from __future__ import annotations

import torch

from tracejet._C import OnnxProgram
from tracejet.engines.tensorrt.library import Library, essence_of
from tracejet.engines.tensorrt.refusals import refused_inputs


class Network:
    """TensorRT's network of a program, or what it refuses of it.

    The weights stay where they are: the network points to them, so this keeps them.
    """

    def __init__(self, library: Library, program: OnnxProgram):
        trt = library.trt
        self.library = library
        self.program = program
        #: What can't be built: the ONNX node that it is about, and why.
        self.refused: list[tuple[int, str]] = refused_inputs(program)
        if self.refused:
            return
        library.forget()
        self.builder = trt.Builder(library.logger)
        flags = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
        self.network = self.builder.create_network(flags)
        self._weights = [(name, _on_host(data)) for name, data in program.weights]
        self._parser = trt.OnnxParser(self.network, library.logger)
        self.refused = self._without_importers() or ([] if self._parse() else self._errors())

    def _without_importers(self) -> list[tuple[int, str]]:
        """The parser itself stops at the first."""
        operators = {node.op for node in self.program.nodes}
        missing = {name for name in operators if not self._parser.supports_operator(name)}
        return [(i, self._refuses(node.op)) for i, node in enumerate(self.program.nodes) if node.op in missing]

    def _refuses(self, operator: str, why: str = "") -> str:
        reason = f"becomes ONNX's {operator}, which {self.library.name}'s parser refuses"
        return f"{reason}: {why}" if why and why != "false" else reason

    def _parse(self) -> bool:
        if not self._parser.load_model_proto(self.program.skeleton()):
            return False
        for name, data in self._weights:
            if not self._parser.load_initializer(name, data.data_ptr(), data.nbytes):
                return False
        return bool(self._parser.parse_model_proto()) and not self._takes_numbers()

    def _takes_numbers(self) -> bool:
        """Whether an input's values, and not only its sizes, decide about shapes: they would have to be on the host."""
        return any(self.network.get_input(i).is_shape_tensor for i in range(self.network.num_inputs))

    def _errors(self) -> list[tuple[int, str]]:
        errors = [self._parser.get_error(i) for i in range(self._parser.num_errors)]
        if not errors:
            why = "has sizes that depend on the values of an input" if self._takes_numbers() else self.library.said()
            return [(0, f"isn't taken by {self.library.name}: {why}")]
        return [
            (max(error.node(), 0), self._refuses(error.node_operator(), essence_of(error.desc()))) for error in errors
        ]


def _on_host(data: torch.Tensor) -> torch.Tensor:
    return data.detach().cpu().contiguous()
