"""Numbers on the command line."""

from __future__ import annotations

import math
from typing import Any

import click


class Amount(click.FloatRange):
    """A number from 0 on. FloatRange takes NaN, too, which nothing is larger than."""

    def __init__(self) -> None:
        super().__init__(0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no number from 0 on.", param, ctx)
        return number
