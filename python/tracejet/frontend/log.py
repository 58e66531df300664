"""The logger `tracejet`, and what `TRACEJET_LOG` in the environment asks of it."""

from __future__ import annotations

import logging
import os
import warnings

LOG = logging.getLogger("tracejet")
#: In the environment: the level from which on messages go to standard error.
VARIABLE = "TRACEJET_LOG"
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def follow_environment() -> None:
    """Shows what the environment asks for; without that, logging is the program's business, as of any library."""
    LOG.addHandler(logging.NullHandler())
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    level = _LEVELS.get(wanted.lower())
    if level is None:
        warnings.warn(f"{VARIABLE} is {wanted!r}; expected one of {', '.join(_LEVELS)}", stacklevel=2)
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s tracejet %(levelname)s %(message)s", "%H:%M:%S"))
    LOG.addHandler(handler)
    LOG.setLevel(level)
