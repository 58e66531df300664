"""What the package knows of PyTorch that PyTorch keeps private, and how its versions (2.11 to 2.15) differ.

Each module is about one thing. What goes round PyTorch's public ways for speed has the plain way beside it, taken where
PyTorch isn't built as expected.
"""
