"""Functions of dynamic sizes, traced and run."""

from torch import nn

import tracejet
from tracejet import Input


class Function(nn.Module):
    """A module from a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x, y=None, z=None):
        return self.function(*(given for given in (x, y, z) if given is not None))


def dynamic(low, opt, high, **options):
    return Input(min_shape=low, opt_shape=opt, max_shape=high, **options)


def trace(function, *inputs, **options):
    return tracejet.trace(Function(function), arg_inputs=inputs, **options)


def diagnose(function, *inputs, **options):
    return tracejet.diagnose(Function(function), arg_inputs=inputs, **options)


def runners(program):
    """Every way to run a program: as PyTorch's module, and with both engines."""
    yield program.module()
    for engine in ("aten", "openvino"):
        yield tracejet.compile(program, engine=engine)
