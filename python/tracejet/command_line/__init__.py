"""The command line, `tracejet`."""
