"""`tracejet config`."""

from __future__ import annotations

from typing import Any

import click

from tracejet.api.config import config as found_config
from tracejet.api.config import config_text
from tracejet.command_line.outcome import Status, json_option


@click.command()
@json_option
def config() -> tuple[Status, str, dict[str, Any]]:
    """Says what a bug report needs: versions, engines, the processor, the environment."""
    found = found_config()
    return Status.OK, config_text(found), found
