"""`tracejet cache`."""

from __future__ import annotations

import datetime
from typing import Any

import click
from rich.filesize import decimal

from tracejet import _C
from tracejet.command_line.outcome import Status, json_option

_folder_option = click.option("--dir", "folder", default="", help="The folder, where it isn't the default one.")


@click.group()
def cache() -> None:
    """The engine cache: what engines have compiled, kept for later processes."""


@cache.command("ls")
@_folder_option
@json_option
def ls(folder: str) -> tuple[Status, str, dict[str, Any]]:
    """Lists what is in it, the latest used first."""
    _C.CompileSettings(engine_cache_dir=folder)  # which refuses what is no folder
    found = _C.cached_engines(folder)
    return Status.OK, "\n".join([*map(_line, found), _summary(folder, found)]), _as_json(folder, found)


@cache.command("clear")
@_folder_option
@json_option
def clear(folder: str) -> tuple[Status, str, dict[str, Any]]:
    """Removes all of it. Programs that run go on running."""
    _C.CompileSettings(engine_cache_dir=folder)  # which refuses what is no folder
    removed = _C.clear_engine_cache(folder)
    return Status.OK, "removed " + _summary(folder, removed), _as_json(folder, removed)


def _line(entry: _C.CachedEngine) -> str:
    used = datetime.datetime.fromtimestamp(entry.last_used).isoformat(" ", "seconds")
    what = f"{entry.engine}, {entry.nodes} nodes" if entry.engine else "damaged"
    if entry.refused:
        what += f", {entry.refused} of them refused"
    return f"{entry.key}  {used}  {decimal(entry.bytes)}  {what}"


def _summary(folder: str, entries: list[_C.CachedEngine]) -> str:
    count = f"{len(entries)} entries" if len(entries) > 1 else "1 entry" if entries else "nothing"
    return f"{count}, {decimal(sum(e.bytes for e in entries))}, in {folder or _C.default_engine_cache_dir()}"


def _as_json(folder: str, entries: list[_C.CachedEngine]) -> dict[str, Any]:
    names = ("key", "engine", "fingerprint", "version", "nodes", "refused", "bytes", "last_used")
    return {
        "folder": folder or _C.default_engine_cache_dir(),
        "bytes": sum(entry.bytes for entry in entries),
        "entries": [{name: getattr(entry, name) for name in names} for entry in entries],
    }
