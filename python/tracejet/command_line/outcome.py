"""How a command ends: exit statuses, errors as text or JSON, and progress while it works."""

from __future__ import annotations

import contextlib
import enum
import functools
import json
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

import click
from rich.console import Console

from tracejet import _C
from tracejet.frontend.written_files import writing_to

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Status(enum.IntEnum):
    """Exit statuses."""

    OK = 0
    NO = 1  #: the answer is no: the engine doesn't run it all, results differ
    USAGE = 2  #: usage error: no such model, engine or input
    FAILED = 3  #: the model couldn't be loaded, traced, compiled or run


def json_option(command: _Command) -> _Command:
    """Gives a command `--json`, and says errors as it asks.

    The command gives its exit status and what it found out: for people, and for machines.
    """

    @click.option("--json", "as_json", is_flag=True, help="Writes one JSON object to standard output.")
    @functools.wraps(command)
    def with_json(*args: Any, as_json: bool, **kwargs: Any) -> None:
        try:
            with contextlib.redirect_stdout(sys.stderr):  # what models and libraries print is no part of the answer
                status, text, found = command(*args, **kwargs)
        except click.ClickException as error:
            if not as_json:
                raise
            _end_with_error(Status.USAGE, "UsageError", error.format_message(), as_json)
        except _C.InvalidInput as error:
            _end_with_error(Status.USAGE, "InvalidInput", str(error), as_json)
        except _C.Error as error:
            _end_with_error(Status.FAILED, type(error).__name__, str(error), as_json, getattr(error, "report", None))
        except Exception as error:  # of the model's own code
            click.echo(traceback.format_exc(), err=True)
            _end_with_error(Status.FAILED, type(error).__name__, str(error), as_json)
        click.echo(json.dumps(found, indent=2) if as_json else text)
        sys.exit(int(status))

    return with_json  # type: ignore[return-value]


def _end_with_error(status: Status, kind: str, message: str, as_json: bool, report: Any = None) -> None:
    if as_json:
        error: dict[str, Any] = {"type": kind, "message": message}
        if report is not None:
            error["report"] = report.to_json()
        click.echo(json.dumps({"error": error}, indent=2))
    else:
        click.echo(f"{kind}: {message}", err=True)
    sys.exit(int(status))


@contextlib.contextmanager
def writing(path: str) -> Iterator[IO[bytes]]:
    """A file that is written anew."""
    with writing_to(path), open(path, "wb") as file:
        yield file


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """Says on a terminal what takes time."""
    with Console(stderr=True).status(f"{what} …"):
        yield
