"""Candidates that no plan can use: which they are, and that leaving them out changes nothing."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from at_length import few
from scipy.optimize import linprog

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.case.generate import generate_case
from planner.formulation.allocate import allocate
from planner.solver.options import SolverOptions
from planner.solver.status import Status

SEEDS = range(6)


@cache
def small(seed: int) -> Case:
    return generate_case(sites=3, leases=6, skus=2, months=36, seed=seed)


def changed(case: Case, table: str, **columns: object) -> Case:
    """The case with some columns of a table set to one value each."""
    tables = dict(case.tables)
    tables[table] = tables[table].assign(**columns).astype(tables[table].dtypes.to_dict())
    return Case(case.settings, tables, source=case.source, source_hash=case.source_hash)


def candidates_of(case: Case) -> CandidateSet:
    return build_candidates(make_outlook(case))


def tight(seed: int) -> CandidateSet:
    """A small case whose leases come in blocks that only some sites can hold, on fabrics that only some can offer."""
    case = small(seed)
    draw = np.random.default_rng(seed)
    leases = case.tables["leases"]
    gpus = (leases["kind"] == "gpu").to_numpy()
    blocks = np.where(draw.random(len(leases)) < 0.6, leases["max_size"] * draw.uniform(0.5, 1.0, len(leases)), 0.0)
    sites = case.tables["sites"]
    case = changed(
        case, "leases", min_block=blocks, min_size=np.maximum(leases["min_size"], blocks),
        single_fabric=gpus & (draw.random(len(leases)) < 0.5),
    )
    return candidates_of(
        changed(case, "sites", critical_it_mw=np.maximum(sites["critical_it_mw"] * 0.6, sites["existing_it_mw"]))
    )


@pytest.mark.parametrize("seed", few(SEEDS, 3))
def test_no_level_of_the_relaxation_can_reach_the_least_size(seed: int) -> None:
    """Each decision left out, held at 1 with all other decisions free, leaves no plan at all."""
    candidates = tight(seed)
    table, rows, mask = candidates.table, candidates.rows, candidates.left_out.mask
    decisions = np.flatnonzero(mask & table["integral"].to_numpy(bool))
    for number in decisions[:6]:
        lower, upper = table["lower"].to_numpy(np.float64).copy(), table["upper"].to_numpy(np.float64)
        lower[number] = 1.0
        found = linprog(
            np.zeros(len(table)), A_ub=rows.use, b_ub=rows.table["limit"], bounds=np.column_stack([lower, upper]),
            method="highs",
        )
        assert found.status == 2, table["candidate_id"].iat[number]


def test_some_decisions_are_left_out_and_some_are_kept() -> None:
    found = [tight(seed) for seed in SEEDS]
    tables = pd.concat([one.left_out.table for one in found])
    assert {"accept", "block", "serve"} <= set(tables["kind"])
    for one in found:
        assert one.left_out.mask.sum() == one.left_out.table["count"].sum()
        assert not one.left_out.mask[one.table["kind"].isin(["own", "shell", "power", "sell", "base"]).to_numpy()].any()
    kept = sum(int((~one.left_out.mask & (one.table["kind"] == "accept").to_numpy()).sum()) for one in found)
    assert kept > 0


@pytest.mark.parametrize("seed", few(SEEDS, 2))
def test_optimum_is_the_same_with_and_without(seed: int) -> None:
    candidates = tight(seed)
    without, everything = (allocate(candidates, SolverOptions(gap=1e-9), keep_all=keep) for keep in (False, True))
    assert without.status is everything.status
    if without.status is Status.OPTIMAL:
        assert without.objective_usd == pytest.approx(everything.objective_usd, rel=1e-7, abs=1e3)
        assert without.levels is not None
        assert not without.levels[candidates.left_out.mask].any()


def test_a_site_too_small_for_the_block_is_left_out_and_one_large_enough_is_kept() -> None:
    case = small(0)
    lease = case.tables["leases"]["lease_id"].iat[0]
    reasons = {}
    for share in (0.01, 1e6):
        size = float(case.tables["leases"]["max_size"].iat[0])
        leases = case.tables["leases"].assign(
            min_block=np.where(case.tables["leases"]["lease_id"] == lease, size * 0.9, 0.0)
        )
        sites = case.tables["sites"]
        larger = changed(
            changed(case, "leases", min_block=leases["min_block"]), "sites", liquid_cooled_it_mw=sites["critical_it_mw"]
        )
        if share < 1.0:
            larger = changed(larger, "sites", critical_it_mw=0.05, existing_it_mw=0.0)
        candidates = candidates_of(larger)
        blocks = (candidates.table["kind"] == "block").to_numpy()
        reasons[share] = (int(blocks.sum()), int((blocks & candidates.left_out.mask).sum()))
    assert reasons[0.01][0] == reasons[0.01][1] > 0
    assert reasons[1e6][1] < reasons[1e6][0]
