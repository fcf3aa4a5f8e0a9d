"""The outline of the land around some places, for a map without tiles.

`outline.json` holds rings of [longitude, latitude] of countries (Natural Earth 1:110m) and of the states of the USA (US
Census Bureau, made coarser), both in the public domain; `tests/reporting/make_outline.py` makes it again from the npm
packages world-atlas 2 and us-atlas 3.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

MARGIN = 0.15
LEAST_DEGREES = 3.0
"""Land shown around the outermost places, as a share of their spread, and at least so many degrees."""
ASPECT = 1.9
"""Width of the frame over its height, which is widened to it."""
MOST_LATITUDE = 84.0
Ring = list[list[float]]


@cache
def _rings() -> tuple[Ring, ...]:
    return tuple(json.loads(files("planner.reporting").joinpath("outline.json").read_text(encoding="utf-8"))["rings"])


@dataclass(frozen=True)
class Outline:
    """Land in a plane in which a degree of latitude is one: x = longitude x `squeeze`, true to shape at the middle.

    features: GeoJSON of the land within the frame, cut at it. width: of the frame, in degrees of latitude.
    """

    features: list[dict[str, Any]]
    squeeze: float
    width: float


def outline_around(longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> Outline:
    """The land within a frame around some places, degrees east and north."""
    east, north = np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)
    middle = float(north.max() + north.min()) / 2.0
    squeeze = max(float(np.cos(np.radians(middle))), 0.2)
    margin = max(MARGIN * max(float(np.ptp(east)) * squeeze, float(np.ptp(north))), LEAST_DEGREES)
    high = float(np.ptp(north)) + 2.0 * margin
    wide = float(np.ptp(east)) * squeeze + 2.0 * margin
    high, wide = max(high, wide / ASPECT), max(wide, high * ASPECT)
    centre = float(east.max() + east.min()) / 2.0
    west_edge, east_edge = max(centre - wide / squeeze / 2.0, -180.0), min(centre + wide / squeeze / 2.0, 180.0)
    south_edge, north_edge = max(middle - high / 2.0, -MOST_LATITUDE), min(middle + high / 2.0, MOST_LATITUDE)
    sides = ((0, west_edge, 1.0), (0, east_edge, -1.0), (1, south_edge, 1.0), (1, north_edge, -1.0))
    found = []
    for ring in _rings():
        cut = ring
        for axis, edge, sign in sides:
            cut = _cut(cut, axis, edge, sign)
            if not cut:
                break
        if len(cut) > 2:
            flat = [[round(point[0] * squeeze, 3), point[1]] for point in (*cut, cut[0])]
            found.append({"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [flat]}})
    return Outline(found, squeeze, wide)


def _cut(ring: Ring, axis: int, edge: float, sign: float) -> Ring:
    """The part of a ring on one side of an edge (Sutherland and Hodgman, 1974); the last point is not the first
    again."""
    kept: Ring = []
    for at, point in enumerate(ring):
        before = ring[at - 1]
        inside, was = sign * (point[axis] - edge) >= 0.0, sign * (before[axis] - edge) >= 0.0
        if inside != was:
            share = (edge - before[axis]) / (point[axis] - before[axis])
            kept.append([round(b + share * (p - b), 3) for b, p in zip(before, point, strict=True)])
        if inside:
            kept.append(point)
    return kept
