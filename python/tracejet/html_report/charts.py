"""The charts of a report, as SVG that is part of the page: drawn by pygal."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from tracejet import _C
from tracejet.html_report.latency import Measured
from tracejet.html_report.module_tree import Module

#: Of engines, in the order in which a program names them, and of all else. They stand out on light and dark.
COLOURS = ("#3b82c4", "#e0853d", "#4c9f70", "#8b6fc0", "#c65b7c")
#: How many modules have a tile of their own in a treemap, and which part of all weights such a tile has at least.
_TILES = 24
_SMALLEST = 0.012
#: Of a chart, and of a letter in it.
_WIDTH, _HEIGHT, _LETTER = 1000, 320, 6.5


def pygal() -> Any:
    """The library. Raises Error where it isn't installed."""
    try:
        return importlib.import_module("pygal")
    except ModuleNotFoundError as error:
        if error.name != "pygal":
            raise
        raise _C.Error(
            "reports need pygal, which isn't installed: pip install 'tracejet[report]'", _C.ErrorCode.MISSING_PACKAGE
        ) from None


def weights_chart(root: Module) -> str:
    """Modules as tiles, as large as their weights; those of one branch of the model have one colour. Empty where there
    are no weights."""
    total = root.weight_bytes
    if total == 0:
        return ""
    tiles = _largest(root)
    small = [tile for tile in tiles if tile.weight_bytes < total * _SMALLEST]
    tiles = [tile for tile in tiles if tile.weight_bytes >= total * _SMALLEST]
    depth = _depth(root)
    branches: dict[str, list[Module]] = {}
    for tile in tiles:
        branches.setdefault(".".join(tile.path.split(".")[:depth]), []).append(tile)
    if small:
        branches["others"] = [Module(f"{len(small)} others", weight_bytes=sum(tile.weight_bytes for tile in small))]
    chart = pygal().Treemap(**_look(height=_HEIGHT, print_values=False, print_labels=True))
    chart.value_formatter = lambda value: f"{value / 2**20:.2f} MiB"
    for branch, members in branches.items():
        chart.add(branch, [{"value": tile.weight_bytes, "label": _short(tile, total)} for tile in members])
    return _svg(chart)


def _depth(root: Module) -> int:
    """How many names of a path there are up to where the model's branches begin."""
    inner = [child for child in root.children.values() if child.weight_bytes]
    return 1 + _depth(inner[0]) if len(inner) == 1 else 1


def _short(tile: Module, total: int) -> str:
    """As many of the last names of a path as a square tile of this size has room for."""
    room = int((_WIDTH * _HEIGHT * tile.weight_bytes / total) ** 0.5 / _LETTER)
    names = (tile.path or "the model").split(".")
    shown = ""
    for start in range(len(names) - 1, -1, -1):
        longer = ".".join(names[start:])
        if len(longer) > room:
            break
        shown = longer
    return shown


def _largest(root: Module) -> list[Module]:
    """Modules that have all weights among them: the largest are taken apart until there are enough."""
    tiles = [root]
    while len(tiles) < _TILES:
        apart = max((tile for tile in tiles if _parts(tile)), key=lambda tile: tile.weight_bytes, default=None)
        if apart is None:
            break
        tiles.remove(apart)
        tiles += _parts(apart)
    return sorted(tiles, key=lambda tile: -tile.weight_bytes)


def _parts(module: Module) -> list[Module]:
    """The children that have weights, and what the module has itself; none where it has no children with weights."""
    inner = [child for child in module.children.values() if child.weight_bytes]
    own = module.weight_bytes - sum(child.weight_bytes for child in inner)
    if not inner:
        return []
    return [*inner, *([Module(f"{module.path} itself".strip(), weight_bytes=own)] if own else [])]


def latency_chart(measured: Sequence[Measured]) -> str:
    """Compiled against eager at each size. Empty where nothing was measured."""
    found = [sizes for sizes in reversed(measured) if not sizes.problem]  # the first bar is the lowest
    if not found:
        return ""
    colours = (COLOURS[1], COLOURS[0])
    chart = pygal().HorizontalBar(**_look(height=60 + 70 * len(found), show_legend=True, colours=colours))
    chart.x_labels = [sizes.size for sizes in found]
    chart.value_formatter = lambda value: f"{value:.3g} ms"
    chart.add("eager", [sizes.eager for sizes in found])
    chart.add("compiled", [sizes.compiled for sizes in found])
    return _svg(chart)


def _look(colours: Sequence[str] = COLOURS, **settings: Any) -> Mapping[str, Any]:
    style = pygal().style.Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--text)",
        foreground_strong="var(--text)",
        foreground_subtle="var(--quiet)",
        colors=tuple(colours) * 8,
        opacity=".9",
        opacity_hover="1",
        transition="0s",
        font_family="inherit",
        label_font_size=13,
        major_label_font_size=13,
        value_font_size=12,
        legend_font_size=13,
    )
    plain = {"js": [], "disable_xml_declaration": True, "show_legend": False, "margin": 4, "width": _WIDTH}
    return {**plain, "style": style, "print_values": True, "show_y_guides": False, "legend_at_bottom": True, **settings}


def _svg(chart: Any) -> str:
    drawn: str = chart.render(is_unicode=True)
    return drawn
