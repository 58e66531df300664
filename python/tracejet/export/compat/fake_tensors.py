"""FakeTensors of a program and their mode, made without what makes them slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from tracejet.export.compat.symbols import is_awake, lazy_shape_env_class


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
            env = self.__dict__["_shape_env"] = lazy_shape_env_class()()
        return env

    @shape_env.setter
    def shape_env(self, env: Any) -> None:
        self.__dict__["_shape_env"] = env


def guards_of(mode: LazyMode) -> list[Any]:
    """What PyTorch took for granted of sizes, as conditions of sympy's."""
    env = mode.__dict__.get("_shape_env")
    return [guard.expr for guard in env.guards] if env is not None and is_awake(env) else []


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
