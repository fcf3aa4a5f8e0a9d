"""A plan in a notebook: its headline figures as HTML that runs nothing and reaches nowhere, and its figures as
charts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import altair
import pytest
from at_length import in_tiers

from planner.planning.plan import Plan

Planned = tuple[Path, Path, Plan]


def test_the_html_says_what_the_plan_says(made: Callable[..., Planned]) -> None:
    plan = made("starting")[2]
    html = plan._repr_html_()
    assert plan.npv_usd is not None
    shown = re.search(r"NPV</th><td[^>]*>\$([\d.]+)([BM])<", html)
    assert shown is not None
    assert float(shown[1]) * {"B": 1e9, "M": 1e6}[shown[2]] == pytest.approx(plan.npv_usd, rel=5e-3)
    assert html.count("<svg") == 2
    assert "<script" not in html
    assert not re.findall(r"(?:src|href)=[\"']https?:", html)


@pytest.mark.parametrize("name", in_tiers(["harmful", "infeasible", "unicode", "no lease"], 2))
def test_any_plan_shows_itself(made: Callable[..., Planned], name: str) -> None:
    plan = made(name)[2]
    html = plan._repr_html_()
    assert "<script" not in html
    assert "<b>Case</b>" not in html
    assert ("<svg" in html) is (plan.levels is not None)


def test_figures_are_charts_by_name(made: Callable[..., Planned]) -> None:
    figures: dict[str, Any] = made("starting")[2].figures()
    assert {"cash_by_year", "power"} <= figures.keys()
    for name, figure in figures.items():
        assert isinstance(figure, altair.TopLevelMixin), name
        assert figure.to_dict()["$schema"], name
