from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from risky_case import RiskyCase
from stand_in.cupy_like import cupy_like

from kernels.backend import Device, DeviceKind
from planner.errors import PlannerError
from planner.risk.allocate import RiskAllocation, allocate_from_pool
from planner.risk.bundle_grid import COLUMNS, Grid, bundle_grid
from planner.risk.case_pool import CasePool, make_case_pool, places_with_fleet, pool_on_disk
from planner.risk.pool_file import pool_table, read_pool
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.column_generation.pricing_rounds import generate
from planner.solver.options import SolverOptions
from planner.solver.status import Status


@pytest.fixture(scope="module")
def bundles(risky: RiskyCase) -> pd.DataFrame:
    return bundle_grid(risky.candidates, Grid(early_months=6), without=places_with_fleet(risky.candidates))


@pytest.fixture(scope="module")
def made(risky: RiskyCase, bundles: pd.DataFrame) -> CasePool:
    return make_case_pool(risky.candidates, risky.values, risky.futures.weights, bundles, threads=1, dtype=np.float64)


def test_a_pool_on_a_gpu_ends_at_the_same_plan_and_one_too_large_stays(
    risky: RiskyCase, made: CasePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for free, fits in ((1 << 30, True), (1000, False)):
        module = cupy_like(free_bytes=free)
        monkeypatch.setitem(sys.modules, "cupy", module)
        device = Device(DeviceKind.GPU, "GPU: a stand-in", module)
        there = made.priced_on(device)
        assert (there.pool.on_device is not None) is fits
        assert there.priced_by(device).startswith("GPU: a stand-in" if fits else "CPU: the pool's")
        found, plain = (generate(each.fixed, each.pool, measure_of(risky)).certificate for each in (there, made))
        assert found.value == pytest.approx(plain.value, rel=1e-9)
        assert found.bound == pytest.approx(plain.bound, rel=1e-9)
    cpu = Device(DeviceKind.CPU, "CPU: asked for", np)
    assert made.priced_on(cpu) is made
    assert made.priced_by(cpu) == "CPU: asked for"


def measure_of(risky: RiskyCase) -> MeanCvar:
    return MeanCvar(0.5, 0.9, risky.futures.weights)


def spelled_out(risky: RiskyCase, bundle: pd.Series) -> dict[int, float]:
    """The candidates of a bundle, window by window in plain Python."""
    table = risky.candidates.table
    works = 1.0 - float(
        risky.case.tables["gpus"].set_index("gpu_id").at[table["gpu_id"].iat[bundle["own"]], "spare_fraction"]
    )
    held = {int(bundle["own"]): 1.0}
    if bundle["retire"] >= 0:
        held[int(bundle["retire"])] = 1.0
    gone = int(
        table["from_month"].iat[bundle["retire"]] if bundle["retire"] >= 0 else table["to_month"].iat[bundle["own"]]
    )
    busy = []
    for name in ("serve", "renew", "then_serve", "then_renew"):
        if bundle[name] >= 0:
            held[int(bundle[name])] = works
            busy.append((int(table["from_month"].iat[bundle[name]]), int(table["to_month"].iat[bundle[name]])))
    power = risky.case.tables["power"]
    energised = dict(zip(power["source_id"] + ":" + power["phase"], risky.candidates.outlook.energised, strict=True))
    for number in np.flatnonzero((table["kind"] == "sell").to_numpy()):
        row = table.iloc[number]
        here = (
            row["site_id"] == table["site_id"].iat[bundle["own"]]
            and row["gpu_id"] == table["gpu_id"].iat[bundle["own"]] and row["tier"] == bundle["tier"]
        )
        second = bundle["then"] != "" and row["from_month"] >= energised[bundle["then"]]
        feeds = row["phase"] == (bundle["then"] if second else bundle["head"])
        free = all(row["to_month"] <= start or row["from_month"] >= end for start, end in busy)
        if (
            here and feeds and free and row["from_month"] >= table["from_month"].iat[bundle["own"]]
            and row["to_month"] <= gone
        ):
            held[int(number)] = works
    return held


def test_a_bundle_is_worth_what_its_parts_are_worth(risky: RiskyCase, bundles: pd.DataFrame, made: CasePool) -> None:
    rng = np.random.default_rng(0)
    twice = np.flatnonzero(bundles["then_serve"] >= 0)
    chosen = np.concatenate([rng.choice(len(bundles), 25, replace=False), twice[:5]])
    assert len(bundles) > 500
    for at in chosen.tolist():
        held = spelled_out(risky, bundles.iloc[at])
        expected = sum(level * risky.values[number] for number, level in held.items()) * 1000.0 / 1e6
        np.testing.assert_allclose(made.pool.values[at], expected, rtol=1e-9, atol=1e-9)
        levels = made.model.formulation.level_of @ (
            made.parts(np.array([at]), np.ones(1)) * made.model.formulation.unit
        )
        assert {number: round(float(levels[number]), 6) for number in np.flatnonzero(np.abs(levels) > 1e-9)} == {
            number: round(1000.0 * level, 6) for number, level in held.items()
        }


def test_a_bundle_works_no_more_than_it_owns(risky: RiskyCase, bundles: pd.DataFrame, made: CasePool) -> None:
    """Spelled out over all rows, a bundle breaks none of those of its own fleet: no month has two uses of one GPU."""
    fleet = risky.candidates.rows
    own_rows = (fleet.table["family"] == "FLEET").to_numpy()
    rng = np.random.default_rng(1)
    for at in rng.choice(len(bundles), 40, replace=False).tolist():
        levels = made.model.formulation.level_of @ (
            made.parts(np.array([at]), np.ones(1)) * made.model.formulation.unit
        )
        assert (fleet.use[own_rows] @ levels).max() <= 1e-6


def test_a_plan_out_of_the_pool_is_a_plan_of_the_case(
    risky: RiskyCase, after_risk: Callable[[float], RiskAllocation], made: CasePool
) -> None:
    measure = measure_of(risky)
    found = allocate_from_pool(risky.candidates, risky.values, measure, SolverOptions(gap=1e-3), made)
    assert found.allocation.status is Status.OPTIMAL, found.allocation.message
    assert found.allocation.worst_row <= 1e-6
    assert found.allocation.gap is not None
    assert found.npv_usd is not None
    whole = after_risk(0.5)
    assert whole.allocation.objective_usd is not None
    assert found.allocation.objective_usd is not None
    assert found.allocation.objective_usd <= whole.allocation.objective_usd * (1 + 1e-5)
    assert whole.relaxed is not None
    assert found.relaxed is not None
    assert found.relaxed.certificate.value <= whole.relaxed.certificate.value + 1e-6
    # the grid holds most of what there is
    assert found.relaxed.certificate.value >= 0.6 * whole.relaxed.certificate.value
    assert found.allocation.objective_usd == pytest.approx(measure.value(found.npv_usd), rel=1e-12)


def test_values_on_disk_give_the_same_plan(risky: RiskyCase, bundles: pd.DataFrame, made: CasePool) -> None:
    with pool_on_disk(len(bundles), 60, memory_bytes=1) as file:
        assert file is not None
        mapped = make_case_pool(risky.candidates, risky.values, risky.futures.weights, bundles, file=file, threads=2)
        assert isinstance(mapped.pool.values, np.memmap)
        assert mapped.pool.values.dtype == np.float32
        on_disk = generate(mapped.fixed, mapped.pool, measure_of(risky))
    assert not file.exists()
    in_memory = generate(made.fixed, made.pool, measure_of(risky))
    assert on_disk.proven
    assert in_memory.proven
    assert on_disk.certificate.value == pytest.approx(in_memory.certificate.value, rel=3e-6)
    with pool_on_disk(10, 10) as nothing:
        assert nothing is None


def test_a_pool_goes_through_a_file(risky: RiskyCase, bundles: pd.DataFrame, tmp_path: Path) -> None:
    pool_table(risky.candidates, bundles).to_parquet(tmp_path / "pool.parquet", index=False)
    pd.testing.assert_frame_equal(read_pool(tmp_path / "pool.parquet", risky.candidates), bundles, check_dtype=False)
    few = pd.read_parquet(tmp_path / "pool.parquet").head(20).astype(str)
    few.to_csv(tmp_path / "pool.csv", index=False)
    pd.testing.assert_frame_equal(
        read_pool(tmp_path / "pool.csv", risky.candidates), bundles.head(20), check_dtype=False
    )


@pytest.mark.parametrize(("column", "value", "what"), [
    ("own", "own:nowhere", "no candidate of kind own"), ("tier", "first", "not a tier"),
    ("head", "sun:1", "no phase of this case"),
])
def test_what_a_pool_file_cannot_mean(
    risky: RiskyCase, bundles: pd.DataFrame, tmp_path: Path, column: str, value: str, what: str
) -> None:
    pool_table(risky.candidates, bundles.head(5)).to_parquet(tmp_path / "pool.parquet", index=False)
    table = pd.read_parquet(tmp_path / "pool.parquet").astype(str)
    table.loc[3, column] = value
    table.to_csv(tmp_path / "pool.csv", index=False)
    with pytest.raises(PlannerError, match=rf"pool\.csv, column {column}, row 5: .*{what}"):
        read_pool(tmp_path / "pool.csv", risky.candidates)


def test_parts_that_do_not_follow_each_other(risky: RiskyCase, bundles: pd.DataFrame, tmp_path: Path) -> None:
    wrong = bundles[bundles["serve"] >= 0].head(3).reset_index(drop=True)
    wrong.loc[1, "then_serve"] = wrong.loc[1, "serve"]
    pool_table(risky.candidates, wrong).to_parquet(tmp_path / "pool.parquet", index=False)
    with pytest.raises(PlannerError, match="row 3: the parts do not follow each other"):
        read_pool(tmp_path / "pool.parquet", risky.candidates)
    (tmp_path / "empty.csv").write_text("own\n")
    with pytest.raises(PlannerError, match="lacks the column retire"):
        read_pool(tmp_path / "empty.csv", risky.candidates)


def test_a_pool_that_cannot_serve_what_must_be_served_says_so(risky: RiskyCase, bundles: pd.DataFrame) -> None:
    from planner.candidates.decisions import apply_decisions

    table, leases = risky.candidates.table, risky.case.tables["leases"].set_index("lease_id")
    in_bundles = set(table["lease_id"].iloc[bundles["serve"][bundles["serve"] >= 0].unique()])
    lease = min(in_bundles)
    size = leases.at[lease, "min_size"] if leases.at[lease, "min_size"] > 0 else leases.at[lease, "max_size"]
    forced = apply_decisions(risky.candidates, (f"leases.size[{lease}]={float(size)}",), ())
    without = bundles[~np.isin(bundles["serve"], np.flatnonzero(table["lease_id"] == lease))]
    without = without[
        ~np.isin(without["then_serve"], np.flatnonzero(table["lease_id"] == lease))
    ].reset_index(drop=True)
    pool = make_case_pool(forced, risky.values, risky.futures.weights, without, threads=1)
    found = allocate_from_pool(forced, risky.values, measure_of(risky), SolverOptions(), pool)
    assert found.allocation.status is Status.INFEASIBLE
    assert "no mix of the pool" in found.allocation.message


def test_the_grid_is_thinned_evenly_and_checked(risky: RiskyCase, bundles: pd.DataFrame) -> None:
    few = bundle_grid(risky.candidates, Grid(early_months=6, most=100), without=places_with_fleet(risky.candidates))
    assert len(few) == 100
    assert list(few.columns) == list(COLUMNS)
    assert few.drop_duplicates().shape == few.shape
    assert not bundles.duplicated().any()
    with pytest.raises(PlannerError, match="no grid"):
        Grid(most=0)
    with pytest.raises(PlannerError, match="no bundle"):
        make_case_pool(risky.candidates, risky.values, risky.futures.weights, bundles.head(0))


def test_more_choice_is_never_worth_less(risky: RiskyCase, bundles: pd.DataFrame, made: CasePool) -> None:
    half = make_case_pool(
        risky.candidates, risky.values, risky.futures.weights, bundles.iloc[::2].reset_index(drop=True), threads=1,
        dtype=np.float64,
    )
    measure = measure_of(risky)
    assert generate(half.fixed, half.pool, measure).certificate.value <= generate(
        made.fixed, made.pool, measure
    ).certificate.value + 1e-6
