"""The `torch.export.ExportedProgram` that is made of a C++ graph."""
