"""Programs that are traced again: with other decompositions, whoever made them."""

from __future__ import annotations

import os
from dataclasses import replace

import torch

from tracejet import _C
from tracejet._C import Graph, GraphInput
from tracejet.api.replay import retraced
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.call_spec import CallSpec
from tracejet.frontend.session import CHECK_RULES, Options


def relowered(program: torch.export.ExportedProgram, options: Options) -> ExportedProgram:
    """The program as `trace` gives one, with the same arguments and results.

    One that has a C++ graph (of `trace`, or of `load`) is traced in C++; others are replayed node by node.
    """
    graph = getattr(program, "_tracejet_graph", None)
    if graph is None:
        return retraced(program, options)
    if options.device is not None:
        raise _C.InvalidInput(
            "device: a program is for the device that it was traced for; trace the model itself",
            _C.ErrorCode.INVALID_SETTING,
        )
    lowered = _C.retrace(
        graph,
        decompositions=options.decompositions or _C.DecompositionTable(_C.DecompositionSet.tensorrt),
        prefer_deferred_runtime_asserts_over_guards=options.asserts,
        check_rules=CHECK_RULES in os.environ,
    )
    spec = program._tracejet_call_spec
    return ExportedProgram(lowered, replace(spec, constant_names=_constant_names(graph, lowered, spec)), {})


def _constant_names(before: Graph, after: Graph, spec: CallSpec) -> dict[str, str]:
    """Constants are the same tensors as before, under names of a new trace."""
    paths = {place: spec.constant_names[name] for name, place in _constants(before) if name in spec.constant_names}
    return {name: paths[place] for name, place in _constants(after) if place in paths}


def _constants(graph: Graph) -> list[tuple[str, int]]:
    """Their names, and where their data lie."""
    constants = [given for given in graph.inputs if given.kind == GraphInput.Kind.CONSTANT]
    return [(given.name, given.data.data_ptr()) for given in constants if given.data is not None]
