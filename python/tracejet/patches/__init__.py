"""What traces change of PyTorch's and Python's own objects, and undo."""
