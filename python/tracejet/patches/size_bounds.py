"""The range of a SymPy expression over sizes, as PyTorch infers it."""

from torch.utils._sympy.value_ranges import bound_sympy

__all__ = ["bound_sympy"]
