"""The one place that knows how PyTorch's versions (2.11 to 2.15) differ, and what goes round its public ways for speed.

Everything here has a plain way beside the fast one, taken where PyTorch isn't built as expected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.fx import Graph, GraphModule, Node

try:
    from torch.fx._lazy_graph_module import _LazyGraphModule
except ImportError:
    _LazyGraphModule = GraphModule  # type: ignore[assignment, misc]


class LazyShapeMode(FakeTensorMode):
    """The mode of a program's FakeTensors. Its ShapeEnv is made when somebody asks for it: that imports sympy, which a
    program without dynamic sizes can do without."""

    def __init__(self) -> None:
        super().__init__(allow_non_fake_inputs=True, export=True, static_shapes=False)

    @property
    def shape_env(self) -> Any:
        env = self.__dict__.get("_shape_env")
        if env is None:
            from torch.fx.experimental.symbolic_shapes import ShapeEnv

            env = self.__dict__["_shape_env"] = ShapeEnv()
        return env

    @shape_env.setter
    def shape_env(self, env: Any) -> None:
        self.__dict__["_shape_env"] = env


def fake_tensor_maker(mode: FakeTensorMode) -> Callable[[torch.Tensor, torch.device, bool], FakeTensor]:
    """A function (meta tensor, device, requires_grad) -> FakeTensor of `mode`.

    FakeTensor's constructor sets twenty attributes one by one; all but the device are the same for every plain fake
    tensor, so they are taken from one that was made the usual way.
    """
    make_subclass, forbid_data = torch.Tensor._make_subclass, torch._C._set_throw_on_mutable_data_ptr
    states: dict[torch.device, tuple[torch.device, dict[str, Any]]] = {}

    def make(elem: torch.Tensor, device: torch.device, requires_grad: bool) -> FakeTensor:
        known = states.get(device)
        if known is None:
            fake = FakeTensor(mode, elem, device)
            states[device] = fake.fake_device, dict(fake.__dict__)
            return fake.requires_grad_() if requires_grad else fake
        fake_device, state = known
        fake = make_subclass(
            FakeTensor, elem, requires_grad, dispatch_device=True, device_for_backend_keys=fake_device
        )
        forbid_data(fake)
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


def graph_module(graph: Graph) -> GraphModule:
    """The module of `graph`. Its Python code, a third of the cost, is written when it is run or printed."""
    return _LazyGraphModule(torch.nn.Module(), graph)


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


def add_symbol(env: Any, symbol: Any, hint: int, low: int, high: int | None) -> None:
    """Makes a size of an input known to `env`, as PyTorch's .pt2 reader does: no source is needed, whose class would
    import TorchDynamo."""
    add_hint = getattr(env, "add_backed_var_to_val", None) or env.add_var_to_val
    add_hint(symbol, hint)
    _constrain(env, symbol, low, high)


def new_unbacked_symbol(env: Any, low: int | None, high: int | None) -> Any:
    """A data-dependent size, known to `env`."""
    with env.ignore_fresh_unbacked_symbols():
        symbol = env.create_unbacked_symint().node.expr
    _constrain(env, symbol, low, high)
    return symbol


def _constrain(env: Any, symbol: Any, low: int | None, high: int | None) -> None:
    from torch.utils._sympy.numbers import int_oo

    env.constrain_symbol_range(
        symbol,
        compiler_min=-int_oo if low is None else low,
        compiler_max=int_oo if high is None else high,
    )
    env.var_to_stack.setdefault(symbol, torch.utils._traceback.CapturedTraceback(None, 0))
