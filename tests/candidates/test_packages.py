"""Packages: bundles hold exactly what one GPU needs, and site packages add up to the portfolio."""

from __future__ import annotations

import numpy as np
import pytest

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.packages import COMPANY, gpu_bundle, hosting_bundle, site_packages
from planner.case.generate import generate_case
from planner.errors import PlannerError
from planner.formulation.allocate import allocate
from planner.solver.options import SolverOptions


@pytest.fixture(scope="module")
def candidates() -> CandidateSet:
    return build_candidates(make_outlook(generate_case(sites=6, leases=16, skus=4, months=72, seed=4)))


def _some_bundle_parts(candidates: CandidateSet) -> tuple[str, list[str], str]:
    """A delivery, a lease and a market window that follow one another at one place, and a hall there."""
    table = candidates.table
    for serve in table[table["kind"] == "serve"].itertuples():
        here = (table["site_id"] == serve.site_id) & (table["gpu_id"] == serve.gpu_id)
        own = table[
            here & (table["kind"] == "own") & (table["from_month"] <= serve.from_month)
            & (table["to_month"] > serve.to_month)
        ]
        sell = table[here & (table["kind"] == "sell") & (table["from_month"] > serve.to_month)]
        shells = table[(table["site_id"] == serve.site_id) & (table["kind"] == "shell")]
        if len(own) and len(sell):
            delivered = own.iloc[0]
            hall = shells[shells["from_month"] <= delivered["from_month"]]
            later = sell[sell["to_month"] <= delivered["to_month"]]
            if len(hall) and len(later):
                return delivered["candidate_id"], [
                    later.iloc[0]["candidate_id"], serve.candidate_id
                ], hall.iloc[0]["candidate_id"]
    raise AssertionError("the generated case has no such path")


def test_a_bundle_is_feasible_but_for_decisions_and_its_time_is_accounted_for(candidates: CandidateSet) -> None:
    own, work, shell = _some_bundle_parts(candidates)
    bundle = gpu_bundle(candidates, own, work, shell=shell)
    table = candidates.table
    bought = table[table["candidate_id"] == own].iloc[0]
    assert bundle.stretches[0].from_month == bought["from_month"]
    assert bundle.stretches[-1].to_month == bought["to_month"]
    for before, after in zip(bundle.stretches, bundle.stretches[1:], strict=False):
        assert before.to_month == after.from_month
    assert [stretch.what for stretch in bundle.stretches if stretch.number is not None] == work[::-1]
    assert any(stretch.what == "idle" for stretch in bundle.stretches)
    # What a bundle brings along covers what it uses: no row of GPUs, halls or power is broken.
    rows = candidates.rows
    broken = rows.use @ bundle.package.spread(len(candidates)) > rows.table["limit"].to_numpy() + 1e-9
    needs = rows.table["family"].isin(["FLEET", "HALL", "PHASE", "ENDED", "MIN_TAKE"]).to_numpy()
    assert not (broken & needs & (rows.table["family"] != "MIN_TAKE").to_numpy()).any()
    gpus = candidates.outlook.case.tables["gpus"].set_index("gpu_id")
    hall = bundle.package.levels[bundle.package.numbers == table.index[table["candidate_id"] == shell][0]]
    assert hall == pytest.approx([gpus.loc[bundle.gpu_id, "it_kw"] / 1000.0])


def test_a_bundle_that_overlaps_itself_is_refused(candidates: CandidateSet) -> None:
    own, work, shell = _some_bundle_parts(candidates)
    with pytest.raises(PlannerError, match="not free"):
        gpu_bundle(candidates, own, [work[0], work[0]], shell=shell)
    with pytest.raises(PlannerError, match="no candidate of kind own"):
        gpu_bundle(candidates, "own:nowhere", work, shell=shell)


def test_a_hosted_megawatt_brings_its_hall_and_its_power(candidates: CandidateSet) -> None:
    table = candidates.table
    hosts = table[table["kind"] == "host"]
    shells = table[table["kind"] == "shell"].sort_values("from_month").drop_duplicates("site_id").set_index("site_id")
    chosen = next(
        row for row in hosts.itertuples()
        if row.site_id in shells.index and shells.loc[row.site_id, "from_month"] <= row.from_month
    )
    bundle = hosting_bundle(candidates, chosen.candidate_id, shell=shells.loc[chosen.site_id, "candidate_id"])
    rows = candidates.rows
    used = rows.use @ bundle.package.spread(len(candidates))
    needs = rows.table["family"].isin(["HALL", "PHASE"]).to_numpy()
    assert (used[needs] <= 1e-9).all()


def test_site_packages_add_up_to_the_portfolio(candidates: CandidateSet) -> None:
    levels = allocate(candidates, SolverOptions(relax=True)).levels
    assert levels is not None
    packages = site_packages(candidates, levels)
    total = np.sum([package.spread(len(candidates)) for package in packages], axis=0)
    np.testing.assert_array_equal(total, levels)
    assert sum(
        package.npv_usd(candidates) for package in packages
    ) == pytest.approx(float(candidates.npv_usd @ levels), rel=1e-12)
    assert COMPANY in {package.name for package in packages}
