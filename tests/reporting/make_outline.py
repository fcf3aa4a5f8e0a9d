"""Makes planner/reporting/outline.json: `python tests/reporting/make_outline.py WORLD_ATLAS/countries-110m.json
US_ATLAS/states-10m.json`.

The two files come from the npm packages world-atlas 2.0.2 and us-atlas 3.0.1 (TopoJSON, ISC; their data are of Natural
Earth and the US Census Bureau, public domain). The states replace the outline of the USA; their borders are made
coarser arc by arc, so that neighbours still meet.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

COARSE_DEGREES = 0.06
LEAST_AREA = 0.05
"""Square degrees below which an island is left out."""
USA = "United States of America"


def arcs_of(topology: dict[str, Any], coarse: float) -> list[np.ndarray]:
    """The arcs in degrees, each made coarser with its ends kept."""
    scale, move = (np.array(topology["transform"][name]) for name in ("scale", "translate"))
    return [coarser(np.cumsum(np.array(arc), axis=0) * scale + move, coarse) for arc in topology["arcs"]]


def coarser(line: np.ndarray, tolerance: float) -> np.ndarray:
    """A line without the points that lie within a tolerance of it (Douglas and Peucker, 1973)."""
    if len(line) < 3 or tolerance == 0.0:
        return line
    first, last = line[0], line[-1]
    along = last - first
    length = float(np.hypot(*along))
    away = line - first
    distance = np.hypot(*away.T) if length == 0.0 else np.abs(along[0] * away[:, 1] - along[1] * away[:, 0]) / length
    far = int(distance.argmax())
    if distance[far] <= tolerance:
        return np.stack([first, last])
    return np.concatenate([coarser(line[: far + 1], tolerance)[:-1], coarser(line[far:], tolerance)])


def rings_of(topology: dict[str, Any], name: str, coarse: float, without: str = "") -> list[list[list[float]]]:
    """Outer rings of all features of an object, without their last point."""
    arcs = arcs_of(topology, coarse)
    found = []
    for geometry in topology["objects"][name]["geometries"]:
        if geometry.get("properties", {}).get("name") == without or geometry["type"] not in ("Polygon", "MultiPolygon"):
            continue
        polygons = [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry["arcs"]
        for polygon in polygons:
            parts = [arcs[at] if at >= 0 else arcs[~at][::-1] for at in polygon[0]]
            ring = np.concatenate([part[:-1] for part in parts])
            east, north = ring.T
            area = abs(float(east @ np.roll(north, 1) - north @ np.roll(east, 1))) / 2.0
            if len(ring) > 3 and area >= LEAST_AREA:
                found.append(ring.round(2).tolist())
    return found


def main(world: str, states: str) -> None:
    """Write the outline."""
    read = [json.loads(Path(path).read_text(encoding="utf-8")) for path in (world, states)]
    rings = rings_of(read[0], "countries", 0.0, without=USA) + rings_of(read[1], "states", COARSE_DEGREES)
    target = Path(__file__).parents[2] / "planner" / "reporting" / "outline.json"
    target.write_text(json.dumps({"rings": rings}, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(rings)} rings, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
