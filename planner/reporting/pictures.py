"""A figure as a picture: PNG or SVG, drawn without a browser."""

from __future__ import annotations

from pathlib import Path

from planner.reporting.charts.look import Figure, looked
from planner.reporting.page.script import VEGA_LITE

KINDS = ("png", "svg")
SCALE = 2.0
"""Pixels of a PNG for each of the page's."""


def svg(figure: Figure) -> str:
    """The figure as SVG."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(looked(figure).to_dict(), vl_version=VEGA_LITE)
    return drawn


def write_picture(figure: Figure, path: Path) -> None:
    """Write a figure as what the name ends in, .png or .svg."""
    import vl_convert

    if path.suffix == ".svg":
        path.write_text(svg(figure), encoding="utf-8")
    else:
        path.write_bytes(vl_convert.vegalite_to_png(looked(figure).to_dict(), vl_version=VEGA_LITE, scale=SCALE))
