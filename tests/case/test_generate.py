"""Generated cases: the same each time, without fault, on quarter starts, and with leases that sites can hold."""

from __future__ import annotations

import itertools
import math
import time
from pathlib import Path

import pandas as pd
import pytest
from at_length import in_tiers, many
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.case.case import Case
from planner.case.checking.validate import validate
from planner.case.edits import check_stresses
from planner.case.generate import generate_case
from planner.case.read import read_case
from planner.case.reading.given import Given
from planner.case.schema import ColumnType
from planner.case.tables import TABLES
from planner.case.write import write_case
from planner.errors import PlannerError

SIZES = [(1, 1), (30, 60), (100, 200)]
ALWAYS_THERE = [
    "sites", "site_groups", "power", "gpus", "resale", "gpu_supply", "customers", "leases", "market", "mining",
    "curves", "budget", "debt", "fleet", "stresses",
]


@pytest.fixture(scope="module")
def medium() -> Case:
    return generate_case(sites=30, leases=60)


def month_of(written: str) -> int:
    year, month = written.split("-")
    return int(year) * 12 + int(month) - 1


def faults_of(case: Case) -> list[str]:
    found = validate(Given(case.settings, case.tables, {name: f"{name}.csv" for name in case.tables}))
    return [str(fault) for fault in found]


def expected_energised(phase: pd.Series) -> int:
    """Month of first power after the mean triangular delay, rounded up, counted from the year 0."""
    delays = [int(phase[f"delay_{part}_months"]) for part in ("low", "mode", "high")]
    return month_of(phase.energised) + math.ceil(sum(delays) / 3)


def off_quarter(case: Case) -> list[str]:
    """Every date that is not on a quarter start."""
    found = [
        f"{name}.{column.name} {value}"
        for name, table in TABLES.items()
        for column in table.columns
        if column.type is ColumnType.MONTH
        for value in case.tables[name][column.name]
        if value and month_of(value) % 3
    ]
    found += [f"{row.source_id} {row.phase}" for _, row in case.power.iterrows() if expected_energised(row) % 3]
    spans = {
        "leases": ["term_months", "notice_months", "notice_from_month", "renewal_term_months", "late_grace_months"],
        "sites": ["build_lead_months", "conversion_lead_months"],
        "gpus": ["deposit_lead_months", "life_months", "order_lead_months"],
        "power": ["term_months", "lead_months"],
    }
    for name, columns in spans.items():
        for column in columns:
            found += [f"{name}.{column} {span}" for span in case.tables[name][column].dropna() if span % 3]
    return found


def it_mw_free(case: Case, site: pd.Series, month: int, dirtiest: float) -> float:
    """Critical IT that halls and power carry in a month, beside mining and the fleet."""
    start = month_of(case.settings.start)
    first_hall = max(month_of(site.ready_month), start + int(site.build_lead_months))
    halls = site.existing_it_mw
    while first_hall <= month:
        halls += site.build_mw_per_quarter
        first_hall += 3
    mined = case.mining.utility_mw[case.mining.site_id == site.site_id].sum()
    power = 0.0
    for _, phase in case.power[case.power.site_id == site.site_id].iterrows():
        mw = phase.guaranteed_mw
        if phase.status == "energised":
            mw, mined = mw - mined, 0.0
        if expected_energised(phase) <= month and phase.co2_kg_per_mwh <= dirtiest:
            power += mw / phase.mw_per_it_mw
    assert mined == 0.0, "mining draws on a connection that does not stand"
    fleet = case.fleet[case.fleet.site_id == site.site_id]
    it_kw = case.gpus.set_index("gpu_id").it_kw
    owned = sum(row.gpus * it_kw[row.gpu_id] / 1000.0 for row in fleet.itertuples())
    return float(min(halls, site.critical_it_mw, power) - owned)


def homeless(case: Case) -> list[str]:
    """Leases that no site can hold; large sites are tried first, as they hold most."""
    sites = [site for _, site in case.sites.sort_values("critical_it_mw", ascending=False).iterrows()]
    free: dict[tuple[str, int, float], float] = {}
    return [
        lease.lease_id
        for _, lease in case.leases.iterrows()
        if not any(holds(case, site, lease, free) for site in sites)
    ]


def holds(case: Case, site: pd.Series, lease: pd.Series, known: dict[tuple[str, int, float], float]) -> bool:
    """Whether the site takes the whole lease at its start, with one of the SKUs that it accepts.

    `known` keeps the free MW of a site and month from one lease to the next.
    """
    if lease.regions and site.region not in lease.regions.split(";"):
        return False
    if lease.sites and site.site_id not in lease.sites.split(";"):
        return False
    links = case.links[(case.links.site_id == site.site_id) & (case.links.lease_id == lease.lease_id)]
    if not links.allowed.all():
        return False
    start = month_of(lease.start)
    dirtiest = math.inf if math.isnan(lease.max_co2_kg_per_mwh) else lease.max_co2_kg_per_mwh
    place = (site.site_id, start, dirtiest)
    if place not in known:
        known[place] = it_mw_free(case, site, start, dirtiest)
    free = known[place]
    if lease.kind == "hosting":
        return bool(lease.max_size <= free)
    gpus = case.gpus.set_index("gpu_id")
    for rate in case.lease_rates[case.lease_rates.lease_id == lease.lease_id].itertuples():
        sku = gpus.loc[rate.gpu_id]
        count = lease.max_size * (rate.gpus_per_unit if lease.size_unit == "gpus" else 1000.0 / sku.it_kw)
        supply = case.gpu_supply[case.gpu_supply.gpu_id == rate.gpu_id]
        by_start = [row.max_gpus for row in supply.itertuples() if quarter_start(row.quarter) <= start]
        room = free if sku.cooling == "air" else min(free, site.liquid_cooled_it_mw)
        cluster = site.max_cluster_gpus if lease.single_fabric and not pd.isna(site.max_cluster_gpus) else math.inf
        if (
            count * sku.it_kw / 1000.0 <= room and sku.rack_kw <= site.max_rack_kw
            and count <= min(cluster, sum(by_start))
        ):
            return True
    return False


def quarter_start(written: str) -> int:
    year, quarter = written.split("-Q")
    return int(year) * 12 + (int(quarter) - 1) * 3


def demand_it_mw(case: Case) -> float:
    """MW of critical IT that all leases ask for, by the first SKU that each accepts."""
    it_kw = case.gpus.set_index("gpu_id").it_kw
    first = case.lease_rates.drop_duplicates("lease_id").set_index("lease_id").gpu_id
    return sum(
        lease.max_size if lease.size_unit == "it_mw" else lease.max_size * it_kw[first[lease.lease_id]] / 1000.0
        for lease in case.leases.itertuples()
    )


@pytest.mark.parametrize(("sites", "leases"), SIZES)
def test_has_the_size_asked_for_and_no_fault(sites: int, leases: int) -> None:
    case = generate_case(sites=sites, leases=leases)
    assert (len(case.sites), len(case.leases), len(case.gpus)) == (sites, leases, 6)
    assert faults_of(case) == []
    check_stresses(case)
    assert [name for name in ALWAYS_THERE if case.tables[name].empty] == []
    assert set(case.power.groupby("site_id").size()) == {3}


@pytest.mark.parametrize(("sites", "leases"), SIZES)
def test_all_dates_are_on_quarter_starts(sites: int, leases: int) -> None:
    assert off_quarter(generate_case(sites=sites, leases=leases)) == []


@pytest.mark.parametrize(("sites", "leases"), in_tiers(SIZES, 2))
def test_every_lease_is_held_by_some_site(sites: int, leases: int) -> None:
    assert homeless(generate_case(sites=sites, leases=leases)) == []


def test_a_lease_beyond_every_site_would_be_seen(medium: Case) -> None:
    leases = medium.leases.copy()
    leases.loc[7, "max_size"] *= 20.0
    assert homeless(medium.with_table("leases", leases)) == [leases.lease_id[7]]


@given(
    sites=st.integers(1, 8), leases=st.integers(1, 12), skus=st.integers(1, 13), months=st.integers(12, 130),
    seed=st.integers(0, 10**6)
)
@settings(max_examples=many(6, 15), deadline=None, derandomize=True)
def test_any_size_horizon_and_seed(sites: int, leases: int, skus: int, months: int, seed: int) -> None:
    case = generate_case(sites=sites, leases=leases, skus=skus, months=months, seed=seed)
    assert (len(case.sites), len(case.leases), len(case.gpus)) == (sites, leases, skus)
    assert case.settings.months == months
    assert faults_of(case) == []
    assert off_quarter(case) == []
    assert homeless(case) == []


def test_same_arguments_give_the_same_case(medium: Case) -> None:
    again = generate_case(sites=30, leases=60)
    assert again.settings == medium.settings
    assert again.source_hash == medium.source_hash
    for name, table in medium.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table)


def test_written_and_read_it_is_the_same_case(medium: Case, tmp_path: Path) -> None:
    write_case(medium, tmp_path / "case")
    back = read_case(tmp_path / "case")
    assert back.source_hash == medium.source_hash
    for name, table in medium.tables.items():
        pd.testing.assert_frame_equal(back.tables[name], table)


def test_another_seed_gives_another_case(medium: Case) -> None:
    other = generate_case(sites=30, leases=60, seed=2)
    assert other.source_hash != medium.source_hash
    for name in ("sites", "power", "leases", "lease_rates", "customers", "gpus"):
        assert not other.tables[name].drop(columns="source").equals(medium.tables[name].drop(columns="source")), name


def test_more_leases_leave_the_sites_as_they_are(medium: Case) -> None:
    more = generate_case(sites=30, leases=90)
    pd.testing.assert_frame_equal(more.sites, medium.sites)
    pd.testing.assert_frame_equal(more.power, medium.power)


def test_tables_have_the_declared_columns_and_dtypes(medium: Case) -> None:
    kinds = {ColumnType.NUMBER: "float64", ColumnType.WHOLE: "Int64", ColumnType.FLAG: "bool"}
    for name, table in TABLES.items():
        frame = medium.tables[name]
        assert tuple(frame.columns) == table.column_names
        for column in table.columns:
            if column.type in kinds:
                assert str(frame[column.name].dtype) == kinds[column.type], f"{name}.{column.name}"
            else:
                assert all(isinstance(value, str) for value in frame[column.name]), f"{name}.{column.name}"
        assert set(frame.source) <= {"generated, seed 1"}


@pytest.mark.parametrize(("sites", "leases"), [(30, 60), (100, 200), (10, 100)])
def test_leases_ask_for_half_more_than_the_sites_hold(sites: int, leases: int) -> None:
    case = generate_case(sites=sites, leases=leases)
    end = month_of(case.settings.start) + case.settings.months - 3
    capacity = sum(it_mw_free(case, site, end, math.inf) for _, site in case.sites.iterrows())
    assert demand_it_mw(case) == pytest.approx(1.5 * capacity, rel=0.1)


def test_terms_are_as_frequent_as_asked_for() -> None:
    case = generate_case(sites=300, leases=600)
    leases = case.leases
    gpu = leases[leases.kind == "gpu"]
    assert (leases.all_or_nothing | (leases.min_size > 0)).mean() == pytest.approx(0.5, abs=0.08)
    assert (leases.kind == "hosting").mean() == pytest.approx(0.15, abs=0.05)
    assert gpu.single_fabric.mean() == pytest.approx(0.20, abs=0.06)
    assert (gpu.prepay_fraction > 0).mean() == pytest.approx(0.10, abs=0.05)
    assert len(case.mining) == 30
    assert (case.sites.site_group != "").sum() == 30
    assert (case.sites.fabric_group != "").sum() == 30
    accepted = case.lease_rates.groupby("lease_id").gpu_id.nunique()
    assert set(accepted) == {1, 2, 3}
    for column in ("notice_months", "late_grace_months"):
        assert leases[column].notna().any()
    for column in ("renewal_probability", "min_block", "sla_credit"):
        assert (leases[column] > 0).any()


def test_fabric_groups_are_pairs_of_one_region_with_a_link() -> None:
    case = generate_case(sites=100, leases=100)
    linked = case.links[case.links.other_site_id != ""]
    pairs = {frozenset(pair) for pair in zip(linked.site_id, linked.other_site_id, strict=True)}
    groups = [group for name, group in case.sites.groupby("fabric_group") if name]
    assert {frozenset(group.site_id) for group in groups} == pairs
    assert all(group.region.nunique() == 1 for group in groups)


def test_prices_on_demand_fall_each_quarter_and_tiers_are_ordered(medium: Case) -> None:
    curves = {name: rows.value.tolist() for name, rows in medium.curves.groupby("curve_id")}
    for _, tiers in medium.market.groupby("gpu_id"):
        first, second = (curves[name] for name in tiers.sort_values("tier").price_curve)
        assert all(later < earlier for earlier, later in itertools.pairwise(first))
        assert all(low < high for low, high in zip(second, first, strict=True))


def test_no_deliveries_before_a_sku_is_made() -> None:
    case = generate_case(sites=5, leases=10, skus=12)
    supply = case.gpu_supply
    assert len(supply) == 12 * 20
    first = {gpu: min(rows.quarter[rows.max_gpus > 0]) for gpu, rows in supply.groupby("gpu_id")}
    assert first["h100"] == "2027-Q1" < first["vr200"] < first["vr200_g2"]


def test_large_case_takes_seconds() -> None:
    began = time.perf_counter()
    generate_case(sites=300, leases=600)
    assert time.perf_counter() - began < 5.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sites": 0}, "sites = 0 is out of range; give 1 to"),
        ({"leases": 0}, "leases = 0 is out of range"),
        ({"skus": 0}, "skus = 0 is out of range"),
        ({"months": 11}, "months = 11 is out of range; give 12 to"),
        ({"seed": -1}, "seed = -1 is out of range"),
    ],
)
def test_sizes_out_of_range_are_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(PlannerError, match=message):
        generate_case(**({"sites": 2, "leases": 2} | wrong))


def test_contracts_add_their_terms_and_leave_the_rest() -> None:
    plain, more = (generate_case(sites=6, leases=18, seed=3, contracts=contracts) for contracts in (False, True))
    assert faults_of(more) == []
    assert off_quarter(more) == []
    assert more.settings.months == plain.settings.months
    for name in TABLES:
        if name not in ("leases", "lease_tranches", "customer_shares"):
            pd.testing.assert_frame_equal(more.tables[name], plain.tables[name])
    added = [column for column in plain.leases if not plain.leases[column].equals(more.leases[column])]
    assert set(added) == {
        "storage_usd_per_gpu_month", "network_usd_per_gpu_month", "support_usd_per_gpu_month", "goodput_promised",
        "goodput_expected", "goodput_credit",
    }
    assert len(more.lease_tranches) > 0
    assert set(more.customer_shares.year) == {2027, 2028, 2029, 2030, 2031}


def test_curtailable_power_comes_earlier_and_is_firm_when_it_would_have_come(medium: Case) -> None:
    case = generate_case(sites=30, leases=60, curtailable=True)
    before, power = medium.tables["power"], case.tables["power"].iloc[: len(medium.tables["power"])]
    assert set(case.tables["power"]["kind"][len(power) :]) == {"battery"}
    changed = power["curtailed_hours_per_year"] > 0
    assert (changed == ((power["kind"] == "grid") & (power["status"] == "studied"))).all()
    assert changed.any()
    for at in power.index[changed]:
        assert power.energised[at] < before.energised[at]
        assert month_of(power.curtailed_until[at]) == expected_energised(before.loc[at])
    assert 10 < (case.tables["leases"]["curtailable_hours_per_year"] > 0).sum() < 40
    assert faults_of(case) == off_quarter(case) == []
    for name, table in medium.tables.items():
        if name not in ("power", "leases"):
            pd.testing.assert_frame_equal(table, case.tables[name])
