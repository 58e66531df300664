"""AOTInductor: PyTorch's own compiler, ahead of time."""

from tracejet import _C
from tracejet.engines.inductor.engine import Inductor


def register() -> None:
    """Makes it one of the engines. Nothing of Inductor's is imported yet."""
    _C.register_inductor_engine(Inductor())
