"""The charts: sound Vega-Lite, drawn without a browser, in colours that can be told apart, with figures of few
digits."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kernels.lines import UNLEVERED
from planner.reporting.amounts import count, dollars, megawatts, rate, share
from planner.reporting.beside_files import Swept
from planner.reporting.charts.look import COLOURS, looked
from planner.reporting.charts.money import GROUPS
from planner.reporting.charts.risk import frontier_chart
from planner.reporting.charts.sweeps import sweep_chart
from planner.reporting.compare import differences
from planner.reporting.figures import figures_of
from planner.reporting.findings import findings_of_run
from planner.reporting.outline import outline_around
from planner.reporting.pictures import svg, write_picture
from planner.reporting.scored import read_scores

Made = Callable[..., tuple[Path, Path, Any]]


def test_every_figure_is_sound_and_draws_something(made: Made, scored: Path) -> None:
    before, after = (findings_of_run(made(name)[1], made(name)[0]) for name in ("changed", "starting"))
    figures = figures_of(
        after, read_scores(scored, after), differences(before, after),
        frontier=pd.DataFrame({"expected_npv_usd": [2e9, 1e9], "cvar_usd": [-1e8, -5e8], "risk_weight": [0.0, 1.0]}),
    )
    assert len(figures) >= 14
    for name, figure in figures.items():
        looked(figure).to_dict(validate=True)
        drawing = ET.fromstring(svg(figure))
        shapes = [node for node in drawing.iter() if node.tag.endswith(("path", "circle", "rect"))]
        assert len(shapes) > 5, name
        assert figure.title
        assert figure.reading.endswith(".")


def test_pictures_are_what_they_are_called(made: Made, tmp_path: Path) -> None:
    found = findings_of_run(made("starting")[1], made("starting")[0])
    figure = figures_of(found)["waterfall"]
    write_picture(figure, tmp_path / "a.png")
    write_picture(figure, tmp_path / "a.svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert (tmp_path / "a.svg").read_text().startswith("<svg")


def test_numbers_in_the_data_of_a_chart_are_those_of_the_plan(made: Made) -> None:
    _, run, plan = made("starting")
    figures = figures_of(findings_of_run(run, made("starting")[0]))
    (values,) = figures["waterfall"].spec()["datasets"].values()
    by_line = {row["line"]: row["usd"] for row in values}
    assert by_line["NPV"] == pytest.approx(plan.npv_usd, rel=1e-9)
    assert sum(usd for line, usd in by_line.items() if line != "NPV") == pytest.approx(plan.npv_usd, rel=1e-6)


def test_every_line_of_cash_stands_in_one_group() -> None:
    assert sorted(itertools.chain(*GROUPS.values())) == sorted(line.name.lower() for line in UNLEVERED)


# Machado, Oliveira and Fernandes (2009), full dichromacy, on linear RGB.
SEEN_BY = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}


def lab(colour: str, matrix: list[list[float]]) -> np.ndarray:
    """CIE L*a*b* of a colour as somebody sees it, from its sRGB (D65)."""
    rgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255.0
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(matrix) @ linear, 0.0, 1.0)
    xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) @ seen / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    return np.array([116.0 * f[1] - 16.0, 500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2])])


@pytest.mark.parametrize("matrix", [*SEEN_BY.values(), np.eye(3).tolist()], ids=[*SEEN_BY, "all colours"])
def test_colours_can_be_told_apart(matrix: list[list[float]]) -> None:
    seen = [lab(colour, matrix) for colour in COLOURS[:7]]
    least = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))
    assert least > 15.0, least


def contrast(colour: str, ground: str) -> float:
    """Contrast of two colours after WCAG 2."""

    def luminance(code: str) -> float:
        rgb = np.array([int(code[at : at + 2], 16) for at in (1, 3, 5)]) / 255.0
        return float(np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])

    bright, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", ["#ffffff", "#14181d"])
def test_colours_stand_out_from_light_and_dark_ground(ground: str) -> None:
    for colour in COLOURS:
        assert contrast(colour, ground) > 2.0, colour


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (9_141_163_451.0, "$9.14B"), (-45_230_000.0, "-$45.2M"), (540_300_000.0, "$540M"), (999_600_000.0, "$1.00B"),
        (46_700.0, "$46.7k"), (999.6, "$1.00k"), (310.4, "$310"),
        (0.2, "$0"), (-0.2, "$0"), (None, "–"), (float("nan"), "–"), (2.5e12, "$2.50T"),
    ],
)
def test_dollars_have_few_digits(usd: float | None, shown: str) -> None:
    assert dollars(usd) == shown


def test_other_amounts_have_few_digits() -> None:
    assert (rate(7.8), rate(-1.005)) == ("$7.80", "-$1.00")
    assert (count(373969.5), count(0.431), count(12.0)) == ("373,970", "0.43", "12")
    assert (megawatts(84.0708), megawatts(269.19), megawatts(40.0)) == ("84.1", "269", "40")
    assert (share(0.14499), share(None)) == ("14.5%", "–")


def inside(x: float, y: float, ring: list[list[float]]) -> bool:
    """Whether a point lies within a ring, by the crossings of a ray."""
    crossed = False
    for (x1, y1), (x2, y2) in itertools.pairwise([*ring, ring[0]]):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            crossed = not crossed
    return crossed


def test_cutting_the_outline_keeps_the_land_within_the_frame() -> None:
    from planner.reporting.outline import _rings

    east, north = np.array([-103.5, -75.0]), np.array([31.4, 46.0])
    outline = outline_around(east, north)
    points = np.random.default_rng(2).uniform([-105, 30], [-74, 47], size=(300, 2))
    rings = [
        [[x / outline.squeeze, y] for x, y in feature["geometry"]["coordinates"][0]] for feature in outline.features
    ]
    land = [any(inside(x, y, ring) for ring in rings) for x, y in points]
    whole = [any(inside(x, y, ring) for ring in _rings()) for x, y in points]
    # Points within a thousandth of a degree of a coast may fall on either side.
    assert sum(a != b for a, b in zip(land, whole, strict=True)) <= 1
    assert 0 < sum(land) < len(land)


def test_a_sweep_of_a_number_and_of_stresses_are_drawn() -> None:
    record = {"axes": [{"name": "gpu_price", "values": [0.5, 1.0]}], "base": {"npv_usd": 1e9}}
    points = pd.DataFrame({"gpu_price": [0.5, 1.0], "held_npv_usd": [5e8, 1e9], "redone_npv_usd": [6e8, 1e9]})
    line = sweep_chart(Swept(record, points))
    assert line is not None
    assert ET.fromstring(svg(line)) is not None
    named = pd.DataFrame({"stress": ["gas x3", "late"], "held_npv_usd": [5e8, np.nan], "redone_npv_usd": [6e8, 7e8]})
    tornado = sweep_chart(Swept({"axes": [{"name": "stress"}], "base": {"npv_usd": 1e9}}, named))
    assert tornado is not None
    assert "gas x3" in svg(tornado)
    nothing = points.assign(held_npv_usd=np.nan, redone_npv_usd=np.nan)
    assert sweep_chart(Swept(record, nothing)) is None


def test_a_frontier_without_its_columns_is_none() -> None:
    assert frontier_chart(pd.DataFrame({"x": [1.0]})) is None
