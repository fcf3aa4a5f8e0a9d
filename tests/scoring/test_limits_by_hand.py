"""Random portfolios are flagged for exactly the limits that plain loops over units and months find broken."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from at_length import few
from oracle.plain_case import PlainCase
from oracle.plain_cash import plain_rows
from oracle.plain_usage import plain_excess
from oracle.rich_case import rich_case

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.packages import Package
from planner.scoring.items import each_an_item
from planner.scoring.limits import LIMIT_TOLERANCE, limits_over

MONEY = ("CAPITAL", "CASH_FLOOR")


@cache
def _built() -> CandidateSet:
    return build_candidates(make_outlook(rich_case(1, tail="contracted")))


def _levels(candidates: CandidateSet, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    levels = draw.uniform(0.0, 3.0, len(candidates)) * (draw.random(len(candidates)) < 0.3)
    exact = draw.random(len(candidates)) < 0.5
    return np.where(exact, np.round(levels), levels)


@pytest.mark.parametrize("seed", few([1, 2, 3], 2))
def test_flags_are_those_of_the_loops(seed: int) -> None:
    candidates = _built()
    table, levels = candidates.table, _levels(candidates, seed)
    numbers = np.flatnonzero(levels)
    nothing = Package("nothing", numbers[:1], np.zeros(1))
    bunch = each_an_item([Package("any", numbers, levels[numbers]), nothing])
    found = limits_over(candidates, bunch.items).broken(bunch, threads=1, budget_bytes=1 << 24).frame(bunch.names)
    flagged = found[(found["portfolio"] == "any") & ~found["family"].isin(MONEY)]

    plain = plain_excess(PlainCase(rich_case(1, tail="contracted")), plain_rows(table), levels.tolist())
    every = {(*key, month): excess for key, by_month in plain.items() for month, excess in by_month.items()}
    broken = {key: excess for key, excess in every.items() if excess > 0.1}
    said = {
        (str(row.family), str(row.name), month): row.excess
        for row in flagged[~flagged["family"].isin(["LEAST", "MOST", "WHOLE"])].itertuples(index=False)
        for month in range(row.from_month, row.to_month)
    }
    assert len(broken) > 100
    assert broken.keys() <= said.keys()
    for key, excess in said.items():
        assert excess > 0.0
        assert excess == pytest.approx(every[key], rel=1e-9, abs=1e-9)

    bounds = {"LEAST": table["lower"] - levels, "MOST": levels - table["upper"]}
    for family, beyond in bounds.items():
        expected = set(
            table["candidate_id"][beyond > LIMIT_TOLERANCE * np.maximum(1.0, np.abs(levels) + np.abs(beyond))]
        )
        assert set(flagged.loc[flagged["family"] == family, "name"]) == expected
        assert expected or family == "MOST"
    away = np.abs(levels - np.round(levels))
    assert set(flagged.loc[flagged["family"] == "WHOLE", "name"]) == set(
        table["candidate_id"][table["integral"] & (away > 1e-6)]
    )
    # Who holds nothing breaks what must be held, and no more.
    empty = found[found["portfolio"] == "nothing"]
    assert set(empty.loc[empty["family"] == "LEAST", "name"]) == set(table["candidate_id"][table["lower"] > 0])


def test_dust_of_large_sums_is_no_breach_and_a_real_one_is() -> None:
    candidates = _built()
    rows = candidates.rows
    finite = np.isfinite(candidates.table["upper"].to_numpy()) & (candidates.table["upper"].to_numpy() > 1.0)
    number = int(np.flatnonzero(finite & (candidates.table["lower"].to_numpy() == 0.0))[0])
    upper = float(candidates.table["upper"].iat[number])
    packages = [
        Package(name, np.array([number]), np.array([upper * (1.0 + share)]))
        for name, share in (("dust", 1e-9), ("more", 1e-3))
    ]
    bunch = each_an_item(packages)
    found = limits_over(candidates, bunch.items).broken(bunch, threads=1, budget_bytes=1 << 24).frame(bunch.names)
    most = found[found["family"] == "MOST"]
    assert list(most["portfolio"]) == ["more"]
    assert most["excess"].iat[0] == pytest.approx(1e-3 * upper, rel=1e-6)
    assert len(rows.table) > 100
