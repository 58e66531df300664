"""What stands behind `torch.compile(backend="tracejet")`."""
