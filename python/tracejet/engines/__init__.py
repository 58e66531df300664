"""Engines that are written in Python and come with tracejet."""
