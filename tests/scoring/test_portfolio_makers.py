"""Neighbours, random feasible portfolios and bundles: what each holds, and which limits it keeps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from oracle.tiny_case import cluster, grid, hall, rate, site, sku, tiny_case
from scoring_case import ScoringCase

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.errors import CaseError, PlannerError
from planner.formulation.allocate import ROW_TOLERANCE, worst_row
from planner.scoring.bundles import bundles
from planner.scoring.items import Bunch, each_an_item
from planner.scoring.neighbours import neighbours
from planner.scoring.random_vertices import MOST_VERTICES, random_portfolios
from planner.scoring.score import ScoreOptions, score_portfolios

NPV_ONLY = ScoreOptions(scenarios=4, paths=False, threads=1, float64=True)


def _levels(bunch: Bunch, number: int, count: int) -> np.ndarray:
    part = bunch.portfolios.part(slice(number, number + 1))
    found = np.zeros(count)
    found[bunch.items.held] = part.levels @ bunch.items.levels[part.candidates].toarray()
    return found


# --- neighbours


def test_each_neighbour_is_the_plan_and_one_change(planned: ScoringCase) -> None:
    table, before = planned.candidates.table, planned.levels
    near = neighbours(planned.candidates, before, 1000)
    assert near.names[0] == "plan"
    assert _levels(near, 0, len(table)) == pytest.approx(before)
    served = {f"without lease {name}" for name in set(table.loc[before > 0, "lease_id"]) - {""}}
    assert served & set(near.names)
    for number, name in list(enumerate(near.names))[1:]:
        after = _levels(near, number, len(table))
        changed = np.abs(after - before) > 1e-9
        assert changed.any()
        assert (after >= table["lower"] - 1e-9).all()
        words = name.split(" ")
        # Minimum take that is no longer drawn is paid on other phases' windows too; it is no choice of the plan.
        chosen = table[changed & (table["kind"] != "short").to_numpy()]
        if name.startswith("without lease"):
            assert set(chosen["lease_id"]) == {words[-1]}
            assert (after[chosen.index] == 0.0).all()
        elif name.startswith(("without site", "half of site")):
            assert set(chosen["site_id"]) == {words[-1]}
        elif name.startswith("without power"):
            assert ((chosen["phase"] == words[-1]) | (chosen["then_phase"] == words[-1])).all()
            assert (
                after[(table["phase"] == words[-1]) & (table["kind"] == "power")]
                == table.loc[(table["phase"] == words[-1]) & (table["kind"] == "power"), "lower"]
            ).all()
    scores = score_portfolios(planned.candidates, near, NPV_ONLY).table
    assert scores["limits_broken"].iloc[0] == 0
    assert scores["base_npv_usd"].iloc[1:].is_monotonic_decreasing


def test_fewer_neighbours_are_the_best_of_them(planned: ScoringCase) -> None:
    every, few = (neighbours(planned.candidates, planned.levels, most) for most in (1000, 3))
    assert few.names == every.names[:4]
    with pytest.raises(PlannerError, match="at least 1"):
        neighbours(planned.candidates, planned.levels, 0)


# --- random


def test_random_portfolios_keep_every_limit_and_differ(planned: ScoringCase) -> None:
    candidates, count = planned.candidates, MOST_VERTICES + 5
    made = random_portfolios(candidates, planned.levels, count, seed=3)
    (bunch,) = made.pieces(count)
    assert bunch.names[:2] == ("random 1", "random 2")
    assert bunch.names[-1] == "mixture 5"
    whole = candidates.table["integral"].to_numpy(bool)
    worth = set()
    for number in range(count):
        levels = _levels(bunch, number, len(candidates))
        assert worst_row(candidates, levels) <= ROW_TOLERANCE
        assert (levels >= candidates.table["lower"] - 1e-6).all()
        assert (levels <= candidates.table["upper"] + 1e-6).all()
        np.testing.assert_allclose(levels[whole], planned.levels[whole], atol=1e-6)
        worth.add(round(float(candidates.npv_usd @ levels)))
    assert len(worth) == count
    scores = score_portfolios(candidates, made, NPV_ONLY).table
    assert (scores["limits_broken"] == 0).all()
    assert scores["base_npv_usd"].max() <= float(candidates.npv_usd @ planned.levels) * (1 + 2e-3)
    again = random_portfolios(candidates, planned.levels, 2, seed=3)
    (first,) = again.pieces(10)
    np.testing.assert_array_equal(_levels(first, 1, len(candidates)), _levels(bunch, 1, len(candidates)))


# --- bundles


def _case() -> CandidateSet:
    case = tiny_case(
        months=36,
        sites=[
            site("a", mw=2, opening_cost_usd=1000),
            {"site_id": "b", "critical_it_mw": 4, "build_lead_months": 6, "shell_capex_usd_per_kw": 5000},
        ],
        power=[
            grid("a", mw=4), grid("b", mw=6),
            {**grid("b", mw=2), "source_id": "b_cells", "kind": "fuel_cell", "energised": "2027-01", "lumpy": True},
        ],
        gpus=[sku(spare_fraction=0.05)],
        leases=[
            cluster(start="2028-01", term_months=12, all_or_nothing=True, size=95),
            hall("tenant", start="2027-07", term_months=24),
        ],
        lease_rates=[rate(usd=3.0)],
        market=[{"gpu_id": "gpu", "usd_per_gpu_hour": 2.0}],
        budget=[{"quarter": "2027-Q1", "new_capital_usd": 1e9}],
    )
    return build_candidates(make_outlook(case))


def _row(**cells: Any) -> dict[str, Any]:
    return {
        "portfolio": "one", "site_id": "a", "power_path": "a_grid:1", "gpu_id": "gpu", "use": "market",
        "start": "2027-01", "level": 100, **cells,
    }


def _held(candidates: CandidateSet, rows: list[dict[str, Any]]) -> dict[str, float]:
    (package,) = bundles(pd.DataFrame(rows), candidates)
    return dict(zip(candidates.table["candidate_id"].to_numpy()[package.numbers], package.levels, strict=True))


def test_a_bundle_brings_gpus_work_and_what_they_need() -> None:
    candidates = _case()
    held = _held(candidates, [_row(use="market; lease; market", level=100)])
    assert held["own:a:gpu@2027-01"] == 100.0
    sold = {name: level for name, level in held.items() if name.startswith("sell:")}
    let = {name: level for name, level in held.items() if name.startswith("serve:")}
    assert set(let.values()) == set(sold.values()) == {95.0}
    # 100 GPUs of 2 kW fill 0.2 MW; 95 of them draw 0.2375 MW at 1.25; the site is opened and the lease taken.
    assert held["shell:a:existing@2027-01"] == pytest.approx(0.2)
    assert held["power:a_grid:1"] == pytest.approx(0.95 * 0.25)
    assert held["open:a@2027-01"] == 1.0
    assert held["accept:lease"] == 1.0
    assert held["base:capital raised"] == 1.0
    # No GPU earns twice, and none idles where its uses meet.
    table = candidates.table.set_index("candidate_id")
    windows = sorted((int(table.at[name, "from_month"]), int(table.at[name, "to_month"])) for name in (*sold, *let))
    assert windows[0][0] == 0
    assert windows[-1][1] == 36
    assert all(end == begins for (_, end), (begins, _) in pairwise(windows))


def test_derived_providers_make_a_bundle_feasible_and_their_peak_is_shared() -> None:
    candidates = _case()
    rows = [
        _row(use="market; lease; market"), _row(site_id="b", power_path="b_cells:1", level=200, start="2027-07"),
        _row(site_id="b", power_path="b_cells:1", level=100, start="2028-01"),
    ]
    held = _held(candidates, rows)
    # 300 GPUs at the peak: 0.6 MW of one hall in service by the first delivery, and the whole of a lumpy phase once.
    assert held["shell:b:new@2027-07"] == pytest.approx(0.6)
    assert held["power:b_cells:1"] == 1.0
    packages = bundles(pd.DataFrame(rows), candidates)
    scores = score_portfolios(candidates, each_an_item(packages), NPV_ONLY)
    assert scores.broken.empty
    assert scores.table["gpus_bought"].iloc[0] == 400.0


def test_what_the_table_states_is_not_derived_and_a_lack_is_flagged() -> None:
    candidates = _case()
    rows = [
        _row(level=500), _row(gpu_id="", power_path="", use="hall", level=0.5),
        _row(gpu_id="", use="power", start="", level=3),
    ]
    held = _held(candidates, rows)
    assert held["shell:a:existing@2027-01"] == 0.5
    assert held["power:a_grid:1"] == 3.0
    broken = score_portfolios(candidates, each_an_item(bundles(pd.DataFrame(rows), candidates)), NPV_ONLY).broken
    assert set(broken["family"]) == {"HALL"}
    assert broken["excess"].iloc[0] == pytest.approx(500 * 0.002 - 0.5)


def test_a_hosted_hall_brings_its_hall_and_power() -> None:
    held = _held(
        _case(), [_row(site_id="b", power_path="b_grid:1", gpu_id="", use="tenant", start="2027-07", level=1.5)]
    )
    assert [level for name, level in held.items() if name.startswith("host:tenant:b")] == [1.5]
    assert held["shell:b:new@2027-07"] == 1.5
    assert held["power:b_grid:1"] == pytest.approx(1.5 * 1.25)


@pytest.mark.parametrize(
    ("cells", "column", "said"),
    [
        ({"site_id": "aa"}, "site_id", "no such site"),
        ({"gpu_id": "gpus"}, "gpu_id", "did you mean"),
        ({"use": "leas"}, "use", "did you mean"),
        ({"use": "lease", "start": "2028-07"}, "use", "cannot serve"),
        ({"power_path": "b_grid:1"}, "power_path", "a has no phase"),
        ({"power_path": "a_grid:1 until a_grid:1 until a_grid:1"}, "power_path", "one until another"),
        ({"start": "2027-02"}, "start", "no gpu can be delivered"),
        ({"start": "soon"}, "start", "not a month"),
        ({"level": 0}, "level", "above 0"),
        ({"use": ""}, "use", "blank"),
        ({"use": "market; market"}, "use", "twice in a row"),
        ({"gpu_id": "", "use": "tenant; lease"}, "use", "one lease"),
        ({"portfolio": ""}, "portfolio", "blank"),
        ({"site_id": "b", "power_path": "b_cells:1", "use": "power", "level": 3}, "level", "whole phases"),
    ],
)
def test_rows_that_mean_nothing_are_named(cells: dict[str, Any], column: str, said: str) -> None:
    with pytest.raises(CaseError, match=said) as refused:
        bundles(pd.DataFrame([_row(), _row(**cells)]), _case(), file="b.csv")
    (fault,) = refused.value.faults
    assert (fault.file, fault.row, fault.column) == ("b.csv", 3, column)


def test_a_table_without_its_columns_is_refused() -> None:
    with pytest.raises(PlannerError, match="lacks the column start"):
        bundles(pd.DataFrame([_row()]).drop(columns=["start"]), _case())
