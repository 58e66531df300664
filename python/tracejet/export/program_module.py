"""What `program.module()` does beyond torch.export's: it runs, or refuses, where that would give something else."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.export.graph_signature import ConstantArgument, ExportGraphSignature, InputKind, OutputKind
from torch.fx import GraphModule, Node
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet._C import ErrorCode, InvalidInput
from tracejet.export.compat.operators import OpOverload
from tracejet.export.compat.programs import argument_names, call_structure, reorder_kwargs
from tracejet.export.runner_state import RunnerState, written_memory
from tracejet.frontend.literals import check_literal

aten = torch.ops.aten
_STATE_WRITES = (OutputKind.BUFFER_MUTATION, OutputKind.PARAMETER_MUTATION)


def finish(program: torch.export.ExportedProgram, module: GraphModule, claimed: RunnerState) -> None:
    """Makes of torch.export's module what `ExportedProgram.module` of ours gives."""
    signature = program.graph_signature
    written = [str(spec.target) for spec in signature.output_specs if spec.kind in _STATE_WRITES]
    if written:
        _own_state(module, {**program.state_dict, **program.constants}, written, claimed)
    checks = _Checks(module, signature, written)
    _keep_what_is_overwritten(module)
    _write_without_gradients(module)
    _view_any_layout(module)
    module.recompile()
    if checks.are_needed:
        module.register_forward_pre_hook(checks.hook, with_kwargs=True)
    names = _keywords(module)
    if any(name != in_code for name, in_code in names.items()):
        module.register_forward_pre_hook(functools.partial(_rename, names), with_kwargs=True)


def _keywords(module: GraphModule) -> dict[str, str]:
    """The keywords of a call, and what the module's code calls these arguments."""
    args, kwargs = call_structure(module).children()
    return dict(zip(kwargs.context, argument_names(module)[args.num_children :], strict=True))


def _rename(
    names: dict[str, str], module: GraphModule, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, {names.get(name, name): value for name, value in kwargs.items()}


def _own_state(module: GraphModule, state: dict[str, Any], written: list[str], claimed: RunnerState) -> None:
    tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    for name, tensor in claimed.claimed(written_memory(tensors, written)).items():
        path, _, attribute = name.rpartition(".")
        owner = module.get_submodule(path)
        if isinstance(getattr(owner, attribute, None), torch.Tensor):
            setattr(owner, attribute, tensor)


def _keep_what_is_overwritten(module: GraphModule) -> None:
    """Views of a buffer's old content, where forward has bound its name anew, are copied before it is written."""
    copies = module.graph.find_nodes(op="call_function", target=aten.copy_.default)
    written = {copy.args[0].target for copy in copies if copy.args[0].op == "get_attr"}
    if not written:
        return

    def kept(value: Node) -> Node:
        shown = _shown_by(value)
        if shown is value or shown.op != "get_attr" or shown.target not in written:
            return value
        with module.graph.inserting_before(copies[0]):
            return module.graph.call_function(aten.clone.default, (value,))

    for copy in copies:
        copy.update_arg(1, kept(copy.args[1]))
    output = module.graph.output_node()
    output.args = torch.fx.map_arg(output.args, kept)


def _shown_by(value: Node) -> Node:
    """What a view, or a view of a view, shows."""
    while isinstance(value.target, OpOverload) and value.target.is_view:
        value = value.args[0]
    return value


def _write_without_gradients(module: GraphModule) -> None:
    """As in eager's batch norm, gradients don't flow into what is left in buffers. Parameters are written as under
    no_grad, as the model must have done."""
    for copy in [node for node in module.graph.nodes if node.target is aten.copy_.default]:
        target, value = copy.args
        if target.op != "get_attr":
            continue
        with module.graph.inserting_before(copy):
            copy.update_arg(1, module.graph.call_function(aten.detach.default, (value,)))
            if isinstance(_attribute(module, target.target), torch.nn.Parameter):
                copy.update_arg(0, module.graph.call_function(aten.detach.default, (target,)))


def _attribute(module: torch.nn.Module, path: str) -> Any:
    owner, _, name = path.rpartition(".")
    return getattr(module.get_submodule(owner), name)


def _view_any_layout(module: GraphModule) -> None:
    """Views show a copy where an argument, or what is computed from it, lies otherwise than in the trace."""
    for node in module.graph.find_nodes(op="call_function", target=aten.view.default):
        node.target = aten.reshape.default


class _Checks:
    """What is refused when the module is called."""

    def __init__(self, module: GraphModule, signature: ExportGraphSignature, written_state: list[str]):
        self._module = module
        specs = [spec for spec in signature.input_specs if spec.kind == InputKind.USER_INPUT]
        self._structure = call_structure(module)
        self._literals = [(i, spec.arg) for i, spec in enumerate(specs) if isinstance(spec.arg, ConstantArgument)]
        names = [spec.arg.name for spec in specs]
        mutated = {spec.target for spec in signature.output_specs if spec.kind == OutputKind.USER_INPUT_MUTATION}
        self.written_inputs = {name: i for i, name in enumerate(names) if name in mutated}
        self._names = names
        self._written_state = written_state
        self._state = [str(spec.target) for spec in signature.input_specs if spec.kind != InputKind.USER_INPUT]
        read_by_place = _read_by_place(module)
        placeholders = module.graph.find_nodes(op="placeholder")
        self._by_place = [(i, node.meta["val"]) for i, node in enumerate(placeholders) if node in read_by_place]
        self.are_needed = bool(self._literals or self.written_inputs or self._written_state or self._by_place)

    @property
    def hook(self) -> Callable[..., None]:
        @torch.compiler.disable  # type: ignore[untyped-decorator]
        def check(module: GraphModule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if module.validate_inputs and not _C.is_tracing() and not torch.compiler.is_compiling():
                self._check(module, pytree.tree_leaves((args, reorder_kwargs(kwargs, self._structure))))

        return check

    def _check(self, module: GraphModule, leaves: list[Any]) -> None:
        for index, literal in self._literals:
            check_literal(literal.name, leaves[index], literal.value)
        for index, traced in self._by_place:
            _check_place(self._names[index], leaves[index], traced)
        tensors = {
            self._names[i]: leaf for i, leaf in enumerate(leaves) if type(leaf) in (torch.Tensor, torch.nn.Parameter)
        }
        for name in self.written_inputs:
            others = {**tensors, **dict(_tensors(module, self._state))}
            _check_apart(name, tensors.get(name), others)
        for name, tensor in _tensors(module, self._written_state):
            _check_apart(name, tensor, tensors)


def _tensors(module: GraphModule, names: list[str]) -> Iterator[tuple[str, torch.Tensor]]:
    for name in names:
        if isinstance(tensor := _attribute(module, name), torch.Tensor):
            yield name, tensor


def _check_apart(name: str, written: torch.Tensor | None, others: dict[str, torch.Tensor]) -> None:
    for other_name, other in others.items():
        if written is not None and other_name != name and _C.memory_overlaps(written, other):
            raise InvalidInput(
                f"{other_name}: it shares memory with {name}, which the program writes to; pass a clone",
                ErrorCode.SHARED_MEMORY,
            )


def _check_place(name: str, tensor: Any, traced: torch.Tensor) -> None:
    """`traced` may have symbolic strides: its axes are compared by their order, and gaps aren't allowed."""
    order = sorted(range(traced.dim()), key=lambda axis: -_hint(traced.stride(axis)))
    in_order = tensor.permute(order) if isinstance(tensor, torch.Tensor) and tensor.dim() == len(order) else tensor
    if not in_order.is_contiguous() or tensor.storage_offset() != 0:
        raise InvalidInput(
            f"{name}: the program takes elements of it by their place in memory (as_strided), and this tensor lies "
            "there otherwise than the traced one; pass a copy of the traced layout",
            ErrorCode.SHARED_MEMORY,
        )


def _hint(stride: Any) -> int:
    return stride if isinstance(stride, int) else stride.node.hint


def _read_by_place(module: GraphModule) -> set[Node]:
    """The inputs that as_strided counts elements of, directly or in what is computed from them."""
    strided = [node for node in module.graph.nodes if str(node.target).startswith("aten.as_strided")]
    reached, pending = set(strided), list(strided)
    while pending:
        for node in pending.pop().all_input_nodes:
            if node not in reached:
                reached.add(node)
                pending.append(node)
    return reached
