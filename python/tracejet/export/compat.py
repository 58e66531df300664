"""The one place that knows how PyTorch's versions (2.11 to 2.15) differ, and what goes round its public ways for speed.

Everything here has a plain way beside the fast one, taken where PyTorch isn't built as expected.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch._decomp import core_aten_decompositions, decomposition_table
from torch._ops import HigherOrderOperator, OpOverload, OpOverloadPacket
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.export._tree_utils import reorder_kwargs
from torch.fx import Graph, GraphModule, Node
from torch.fx.graph import _custom_builtins, _Namespace
from torch.utils._traceback import CapturedTraceback

from tracejet.frontend.binding import unique_name

__all__ = ["OpOverload", "OpOverloadPacket", "core_aten_decompositions", "decomposition_table", "reorder_kwargs"]

try:
    from torch.fx._lazy_graph_module import _LazyGraphModule
except ImportError:
    _LazyGraphModule = GraphModule


class LazyMode(FakeTensorMode):
    """The mode of a program's FakeTensors, initialized when somebody uses it: that imports TorchDynamo for the sake of
    two settings. Its ShapeEnv comes later still, because it imports sympy."""

    # What FakeTensor's constructor asks of its mode, before the configuration has been read.
    _allow_unsafe_data_ptr_access = True
    allow_meta = True

    def __init__(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if "_initialized" in self.__dict__:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        self.__dict__["_initialized"] = True
        super().__init__(
            allow_non_fake_inputs=True, export=True, static_shapes=False, shape_env=self.__dict__.get("_shape_env")
        )
        return getattr(self, name)

    @property
    def shape_env(self) -> Any:
        env = self.__dict__.get("_shape_env")
        if env is None:
            env = self.__dict__["_shape_env"] = _lazy_shape_env_class()()
        return env

    @shape_env.setter
    def shape_env(self, env: Any) -> None:
        self.__dict__["_shape_env"] = env


def fake_tensor_maker(mode: FakeTensorMode) -> Callable[[torch.Tensor, torch.device, bool], FakeTensor]:
    """A function (meta tensor, device, requires_grad) -> FakeTensor of `mode`.

    FakeTensor's constructor sets twenty attributes one by one; all but the device are the same for every plain fake
    tensor, so they are taken from one that was made the usual way.
    """
    make_subclass = torch.Tensor._make_subclass
    guard_data = (
        torch._C._set_warn_deprecated_on_mutable_data_ptr
        if mode._allow_unsafe_data_ptr_access
        else torch._C._set_throw_on_mutable_data_ptr
    )
    states: dict[torch.device, tuple[torch.device, dict[str, Any]]] = {}

    def make(elem: torch.Tensor, device: torch.device, requires_grad: bool) -> FakeTensor:
        known = states.get(device)
        if known is None:
            fake = FakeTensor(mode, elem, device)
            states[device] = fake.fake_device, dict(fake.__dict__)
            return fake.requires_grad_() if requires_grad else fake
        fake_device, state = known
        fake = make_subclass(FakeTensor, elem, requires_grad, dispatch_device=True, device_for_backend_keys=fake_device)
        guard_data(fake)
        fake.__dict__.update(state)
        return fake

    return make


def node_appender(graph: Graph) -> Callable[[str, Any, tuple, dict, str], Node]:
    """A function (op, target, args, kwargs, name) -> the new last node of `graph`, called `name`.

    `Graph.create_node` flattens the arguments of every call to look for stray SymInts; there are none here.
    """
    if not all(hasattr(graph, field) for field in ("_insert", "_len", "_graph_namespace", "_find_nodes_lookup_table")):
        return lambda op, target, args, kwargs, name: graph.create_node(op, target, args, kwargs, name)
    remember_name = graph._graph_namespace.associate_name_with_obj
    remember_target = graph._find_nodes_lookup_table.insert

    def append(op: str, target: Any, args: tuple, kwargs: dict, name: str) -> Node:
        node = Node(graph, name, op, target, args, kwargs)
        remember_name(name, node)
        graph._insert(node)
        remember_target(node)
        graph._len += 1
        return node

    return append


def graph_module(
    graph: Graph,
    modules: Mapping[str, torch.nn.Module] = types.MappingProxyType({}),
    tensors: Mapping[str, torch.Tensor] = types.MappingProxyType({}),
) -> GraphModule:
    """The module of `graph`, with the `modules` and `tensors` that its nodes get by name. Its Python code, a third of
    the cost, is written when it is run or printed."""
    root = torch.nn.Module()
    for name, module in modules.items():
        root.add_module(name, module)
    for name, tensor in tensors.items():
        if isinstance(tensor, torch.nn.Parameter):
            root.register_parameter(name, tensor)
        else:
            root.register_buffer(name, tensor)
    return _LazyGraphModule(root, graph)


def exported_program_state(
    module: GraphModule,
    signature: Any,
    state_dict: dict[str, torch.Tensor],
    range_constraints: dict[Any, Any],
    module_call_graph: list[Any],
    constants: dict[str, Any],
) -> dict[str, Any]:
    """The attributes that `ExportedProgram.__init__` sets, without the example inputs."""
    from torch._export.verifier import Verifier

    return {
        "_graph_module": module,
        "_graph_signature": signature,
        "_state_dict": state_dict,
        "_range_constraints": range_constraints,
        "_module_call_graph": module_call_graph,
        "_constants": constants,
        "_verifiers": [Verifier],
        "_guards_code": [],
    }


EXPORTED_PROGRAM_FIELDS = frozenset(
    (
        "_graph_module",
        "_graph_signature",
        "_state_dict",
        "_range_constraints",
        "_module_call_graph",
        "_example_inputs",
        "_constants",
        "_verifiers",
        "_guards_code",
    )
)


@functools.cache
def _lazy_shape_env_class() -> type:
    """A ShapeEnv that is initialized, which imports TorchDynamo, when somebody asks it something; until then it notes
    the symbols that are made. (A function, because the base class's module imports sympy.)"""
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    class LazyShapeEnv(ShapeEnv):
        # What SymNodes ask before there is an answer.
        _translation_validation_enabled = False
        _replacements_version_counter = 0

        def __init__(self) -> None:
            self.__dict__["_awaiting"] = []

        def __getattr__(self, name: str) -> Any:
            awaiting = self.__dict__.pop("_awaiting", None)
            if awaiting is None:
                raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
            super().__init__()
            for symbol in awaiting:
                _add_symbol(self, *symbol)
            return getattr(self, name)

    return LazyShapeEnv


def guards_of(mode: LazyMode) -> list[Any]:
    """What PyTorch took for granted of sizes, as conditions of sympy's."""
    env = mode.__dict__.get("_shape_env")
    return [] if env is None or "_awaiting" in env.__dict__ else [guard.expr for guard in env.guards]


def is_higher_order(target: Any) -> bool:
    """Whether a node calls an operator that runs graphs, as torch.cond does."""
    return isinstance(target, HigherOrderOperator)


def value_of(expression: Any, symbols: Mapping[Any, Any]) -> Any:
    """What a SymPy expression is where its symbols are these numbers, symbolic ones among them."""
    from torch.utils._sympy.interp import sympy_interp
    from torch.utils._sympy.reference import PythonReferenceAnalysis

    return sympy_interp(PythonReferenceAnalysis, symbols, expression)


def has_upper_bound(env: Any, symbol: Any) -> bool:
    from torch.utils._sympy.numbers import int_oo

    return env.var_to_range[symbol].upper is not int_oo


def symbolic_number(env: Any, expression: Any, kind: type, hint: Any) -> Any:
    """As `ShapeEnv.create_symintnode` and its like, which would wake `env` up. `kind`: int, float or bool."""
    from torch.fx.experimental.sym_node import SymNode

    made = {int: torch.SymInt, float: torch.SymFloat, bool: torch.SymBool}[kind]
    return made(SymNode(expression, env, kind, hint))


def add_symbol(env: Any, symbol: Any, hint: int, range: Any) -> None:
    """Makes a size of an input known to `env`."""
    awaiting = env.__dict__.get("_awaiting")
    if awaiting is not None:
        awaiting.append((symbol, hint, range))
    else:
        _add_symbol(env, symbol, hint, range)


def _add_symbol(env: Any, symbol: Any, hint: int, range: Any) -> None:
    """As PyTorch's .pt2 reader does it, but for constrain_symbol_range, which would look for the user's line."""
    add_hint = getattr(env, "add_backed_var_to_val", None) or env.add_var_to_val
    add_hint(symbol, hint)
    try:
        from torch.fx.experimental.symbolic_shapes import SLoc, ValueRangesSLoc

        here = SLoc("tracejet", None)
        env.var_to_range[symbol] = range
        env.var_to_range_sloc[symbol] = ValueRangesSLoc(here, here)
    except (ImportError, AttributeError):
        env.constrain_symbol_range(symbol, compiler_min=range.lower, compiler_max=range.upper)
    env.var_to_stack[symbol] = CapturedTraceback(None)


def size_symbol(index: int, is_positive: bool) -> Any:
    """A symbol of sympy's for a size. PyTorch tells kinds of symbols by their first letter, so a user's name can't be
    used."""
    from torch.utils._sympy.symbol import SymT, make_symbol

    return make_symbol(SymT.SIZE, index, positive=True if is_positive else None, integer=True)


def value_range(low: int | None, high: int | None) -> Any:
    """The range of a size, where None is no bound."""
    from torch.utils._sympy.numbers import int_oo
    from torch.utils._sympy.value_ranges import ValueRanges

    return ValueRanges(-int_oo if low is None else low, int_oo if high is None else high)


def name_in_graph(name: str) -> str:
    """`name`, or what fx makes of one that is Python's own, like `input`; its code calls the module `self`."""
    names = _Namespace()
    names.create_name("self", None)
    return str(names.create_name(name, None))


def names_in_code(names: Sequence[str]) -> list[str]:
    """The names of arguments in the code of a module: one that fx's code needs itself, like `torch`, gets a number."""
    taken = {"self", *_custom_builtins, *names}
    return [unique_name(name, taken) if name in ("self", *_custom_builtins) else name for name in names]


def new_unbacked_symbol(env: Any, range: Any) -> Any:
    """A data-dependent size, known to `env`."""
    with env.ignore_fresh_unbacked_symbols():
        symbol = env.create_unbacked_symint().node.expr
    env.constrain_symbol_range(symbol, compiler_min=range.lower, compiler_max=range.upper)
    return symbol


def new_unbacked_float(env: Any) -> Any:
    """A float of data, known to `env`."""
    with env.ignore_fresh_unbacked_symbols():
        return env.create_unbacked_symfloat().node.expr


def bind_unbacked_symbols(graph: Graph, shape_env: Any) -> None:
    """Says at each node which data-dependent sizes first appear there, as PyTorch's passes want to know."""
    from torch.fx.experimental.symbolic_shapes import _free_unbacked_symbols_with_path, free_unbacked_symbols

    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    known = {symbol for node in inputs for symbol in free_unbacked_symbols(node.meta.get("val"))}
    pending = {symbol for node in graph.nodes for symbol in free_unbacked_symbols(node.meta.get("val"))} - known
    for node in graph.nodes:
        value = node.meta.get("val")
        if value is not None and pending:
            bindings = _free_unbacked_symbols_with_path(value, (), shape_env=shape_env, pending=pending)
            if bindings:
                node.meta["unbacked_bindings"] = bindings
