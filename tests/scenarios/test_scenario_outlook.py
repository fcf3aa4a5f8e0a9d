"""The outlook in many futures: the base case where nothing moves, and what a plan's units earn where something does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scenarios.random_case import FACTORS, GAS, HASH, MARKET, NEW, USE, power, random_case

from kernels.lines import Line
from kernels.terms import WindowTerm
from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import Outlook, make_outlook
from planner.case.case import Case
from planner.scenarios.futures import make_futures
from planner.scenarios.imported import Imported
from planner.scenarios.outlook import ScenarioOutlook, scenario_outlook


def in_futures(case: Case, scenarios: int = 50) -> tuple[Outlook, ScenarioOutlook]:
    base = make_outlook(case)
    return base, scenario_outlook(base, make_futures(case, base.calendar, scenarios=scenarios))


def with_events(outlook: Outlook, **once: list[float]) -> ScenarioOutlook:
    """The outlook in futures whose defaults, delays and renewals are given, by name with [ and ] written as __."""
    values = {name.replace("__", "[", 1) + "]": np.array(value, dtype=np.float64) for name, value in once.items()}
    count = len(next(iter(values.values())))
    imported = Imported(tuple(map(str, range(count))), np.full(count, 1.0 / count), {}, values)
    return scenario_outlook(outlook, make_futures(outlook.case, outlook.calendar, imported=imported))


@pytest.fixture(scope="module")
def built() -> CandidateSet:
    return build_candidates(make_outlook(random_case()))


@pytest.mark.parametrize("regimes", [False, True])
def test_where_nothing_moves_it_is_the_base_case(regimes: bool) -> None:
    """No volatility, delays certain, nobody defaults, renewals certain or out of the question: equal to the last bit.

    But for regimes: their chances to stay and to leave are shares of 1 that do not add to it exactly.
    """
    still = [{**row, "volatility_per_year": 0.0} for row in (GAS, NEW, USE, HASH)]
    market = {**MARKET, "volatility_per_year": 0.0, "drift_glut_per_year": 0.0, "drift_shortage_per_year": 0.0}
    case = random_case(
        factors=(*still, market) if regimes else tuple(still),
        power=power(delay_low_months=4, delay_mode_months=4, delay_high_months=4),
        customers=[{"customer_id": name, "default_rate_per_year": 0} for name in ("lab", "child", "state")],
    )
    leases = case.tables["leases"]
    case = case.with_table("leases", leases.assign(renewal_probability=(leases["lease_id"] == "train").astype(float)))
    base = make_outlook(case)
    candidates = build_candidates(base)
    future = scenario_outlook(base, make_futures(case, base.calendar, scenarios=7))
    paths, events = candidates.cash_tables.paths.table(future), candidates.cash_tables.events.table(future)
    np.testing.assert_allclose(
        paths, np.repeat(candidates.cash_tables.paths.table(base), 7, axis=1), rtol=1e-13 if regimes else 0.0
    )
    np.testing.assert_array_equal(events, np.repeat(candidates.cash_tables.events.table(base), 7, axis=1))


def test_tables_have_a_scenario_axis_and_are_finite(built: CandidateSet) -> None:
    base = built.outlook
    future = scenario_outlook(base, make_futures(base.case, base.calendar, scenarios=23))
    arrays = built.cash_tables.under(future)
    count = len(built.cash_tables.paths.table(base))
    assert arrays.paths.shape == (count, 23, base.months)
    assert np.isfinite(arrays.paths).all()
    assert arrays.events.shape == (len(built.cash_tables.events.table(base)), 23)
    assert (arrays.events >= 0).all()
    assert (arrays.events <= base.months).all()
    assert future.energised_by_scenario.shape == (4, 23)
    for block in built.blocks:
        npv = arrays.npv(block)
        assert npv.shape == (len(block), 23)
        assert np.isfinite(npv).all()
    moving = arrays.paths.std(axis=1).max(axis=1) > 0
    assert 5 < moving.sum() < count


def test_pieces_of_futures_make_the_same_tables(built: CandidateSet) -> None:
    base = built.outlook
    futures = make_futures(base.case, base.calendar, scenarios=20)
    whole = built.cash_tables.under(scenario_outlook(base, futures))
    pieces = [built.cash_tables.under(scenario_outlook(base, piece)) for piece in futures.pieces(6)]
    np.testing.assert_array_equal(np.concatenate([piece.paths for piece in pieces], axis=1), whole.paths)
    np.testing.assert_array_equal(np.concatenate([piece.events for piece in pieces], axis=1), whole.events)


def test_means_over_futures_are_the_forward_curves() -> None:
    # Without utilisation: stopped at full use, it falls short of its mean.
    base, future = in_futures(random_case(factors=(GAS, MARKET, NEW, HASH)), scenarios=8000)
    early = slice(0, 12)

    def near(moving: np.ndarray, still: np.ndarray) -> None:
        assert moving.shape == (8000, base.months)
        error = 4.5 * moving[:, early].std(axis=0).max() / np.sqrt(8000)
        np.testing.assert_allclose(moving[:, early].mean(axis=0), still[early], atol=error)

    near(future.curve("hub"), base.curve("hub"))
    np.testing.assert_array_equal(future.curve("spot"), base.curve("spot"))
    for tier, price in base.market_price.items():
        near(future.market_price[tier], price)
    hall = base.case.tables["mining"].iloc[0]
    moving, still = (
        outlook.by_month(hall, "hashprice_usd_per_ph_day", "hashprice_curve") for outlook in (future, base)
    )
    assert moving is not None
    assert still is not None
    near(moving, still)
    for customer in ("lab", "child"):
        near(future.income_share[customer], base.income_share[customer])
    assert future.renewed["train"].mean() == pytest.approx(base.renewed["train"][0], abs=0.03)
    late = future.energised_by_scenario.mean(axis=1)
    assert ((base.energised - late >= -0.2) & (base.energised - late < 1.0)).all()  # the base case rounds the mean up


def test_factors_on_one_price_multiply() -> None:
    base, future = in_futures(random_case(factors=(MARKET, NEW)))
    paths = future.futures.values.multipliers
    np.testing.assert_array_equal(
        future.market_price["new", 2], base.market_price["new", 2] * (paths["gpus"] * paths["new price"])
    )
    np.testing.assert_array_equal(future.market_price["old", 1], base.market_price["old", 1] * paths["gpus"])


def test_utilisation_stops_at_full_use_and_gives_no_notice() -> None:
    wild = {**USE, "volatility_per_year": 1.5}
    base, future = in_futures(random_case(factors=(wild, GAS)), scenarios=400)
    change = future.futures.values.multipliers["use"]
    assert (change * 0.8 > 1.0).any()
    for (gpu, tier), planned in ((("new", 1), 0.8), (("new", 2), 0.6), (("old", 1), 0.9)):
        let = future.market_price[gpu, tier] / base.market_price[gpu, tier] * planned
        np.testing.assert_allclose(let, np.minimum(change * planned, 1.0), rtol=1e-12)
    price, let = future.market_top["new"]
    np.testing.assert_array_equal(price, base.market_top["new"][0])  # notice looks at the price
    np.testing.assert_allclose(let, np.minimum(change * 0.8, 1.0), rtol=1e-12)


def test_income_of_a_guaranteed_customer_stops_when_both_have_defaulted() -> None:
    base = make_outlook(random_case())
    never = float(base.months)
    future = with_events(base, default__lab=[5, 5, never, never], default__child=[2, 9, 4, never])
    month = np.arange(base.months)
    for scenario, stops in enumerate((5, 9, never, never)):
        np.testing.assert_array_equal(future.income_share["child"][scenario], np.where(month < stops, 1.0, 0.1))
    for scenario, stops in enumerate((5, 5, never, never)):
        np.testing.assert_array_equal(future.income_share["lab"][scenario], np.where(month < stops, 1.0, 0.25))
    assert (future.income_share["state"] == 1.0).all()


def test_renewals_are_whole() -> None:
    base = make_outlook(random_case())
    future = with_events(base, renewal__train=[1, 0, 1], renewal__hall=[0, 0, 1])
    np.testing.assert_array_equal(future.renewed["train"], [[1.0], [0.0], [1.0]])
    np.testing.assert_array_equal(future.renewed["hall"], [[0.0], [0.0], [1.0]])


def late_by(candidates: CandidateSet, months: int) -> ScenarioOutlook:
    """One future in which every phase comes some months after the base case, those in service too."""
    base = candidates.outlook
    names = [
        f"delay__{source}:{phase}"
        for source, phase in zip(
            base.case.tables["power"]["source_id"], base.case.tables["power"]["phase"], strict=True
        )
    ]
    months_late = base.energised - base.promised + months
    return with_events(base, **{name: [float(late)] for name, late in zip(names, months_late, strict=True)})


def test_a_year_late_no_window_ends_later_than_planned_and_nothing_earns_twice(built: CandidateSet) -> None:
    """What a unit earns stays inside the months that the plan gave it, so what held no GPU twice still holds none
    twice."""
    future = late_by(built, 12)
    np.testing.assert_array_equal(future.energised_by_scenario[:, 0], built.outlook.energised + 12)
    planned, late = (built.cash_tables.events.table(outlook)[:, 0] for outlook in (built.outlook, future))
    paths, later_starts, checked = built.cash_tables.paths.table(future)[:, 0], 0, 0
    for block in built.blocks:
        if block.kind not in ("serve", "host", "sell", "mine", "renew"):
            continue
        first, last = (block.table[name].to_numpy(np.int64) for name in ("from_month", "to_month"))
        earning = np.zeros((len(block), built.outlook.months), dtype=np.int64)
        for term in block.terms:
            assert isinstance(term, WindowTerm)
            start, end = late[np.asarray(term.start)], late[np.asarray(term.end)]
            checked += len(block)
            assert (end <= last).all(), f"{block.kind} {term.line}"
            if term.line in (Line.REVENUE, Line.MINING):
                assert (np.minimum(start, end) >= first).all()
                later_starts += int((start > planned[np.asarray(term.start)]).sum())
                month = np.arange(built.outlook.months)
                earns = paths[np.asarray(term.path)].any(axis=1)  # not the rest of an offer: there is none
                earning += (month >= start[:, None]) & (month < end[:, None]) & earns[:, None]
        if block.kind != "renew":  # a next term and its absence share a window, as chances that add to 1
            assert earning.max() <= 1
    assert later_starts > 0
    assert checked > 0


SLIPS = (
    {"factor_id": "builders", "model": "discrete_delay", "drives": "construction", "outcomes": "0:1"},
    {"factor_id": "chips", "model": "discrete_delay", "drives": "delivery", "outcomes": "0:1"},
)


@pytest.mark.parametrize("late", [("builders",), ("chips",), ("builders", "chips")])
@pytest.mark.parametrize("phases", [0, 12])
def test_halls_and_gpus_a_year_late_no_unit_works_before_they_are_there_and_none_earns_twice(
    late: tuple[str, ...], phases: int
) -> None:
    """With everything a year late: windows stay inside those planned, and a contract begins no sooner than its hall,
    its GPUs and its phase."""
    sites = [
        {
            "site_id": "river", "critical_it_mw": 12, "existing_it_mw": 8, "shell_capex_usd_per_kw": 9000,
            "build_lead_months": 4,
        },
        {"site_id": "pit", "critical_it_mw": 5, "shell_capex_usd_per_kw": 9000, "build_lead_months": 4},
    ]
    built = build_candidates(make_outlook(random_case(factors=(*FACTORS, *SLIPS), sites=sites)))
    base = built.outlook
    names = [
        f"delay[{source}:{phase}]"
        for source, phase in zip(
            base.case.tables["power"]["source_id"], base.case.tables["power"]["phase"], strict=True
        )
    ]
    delays = dict(zip(names, base.energised - base.promised + phases, strict=True))
    once = {**delays, **{name: 12.0 if name in late else 0.0 for name in ("builders", "chips")}}
    imported = Imported(("late",), np.ones(1), {}, {name: np.array([float(value)]) for name, value in once.items()})
    future = scenario_outlook(base, make_futures(base.case, base.calendar, imported=imported))
    events = built.cash_tables.events.table(future)[:, 0]
    month, paths = np.arange(base.months), built.cash_tables.paths.table(future)[:, 0]
    first_hall = {
        site: int(rows["from_month"].min())
        for site, rows in built.table[built.table["candidate_id"].str.contains(":new@")].groupby("site_id")
    }
    waited = 0
    for block in built.blocks:
        if block.kind not in ("serve", "host", "sell", "mine", "renew"):
            continue
        table = block.table
        first, last = (table[name].to_numpy(np.int64) for name in ("from_month", "to_month"))
        earning = np.zeros((len(block), base.months), dtype=np.int64)
        for term in block.terms:
            assert isinstance(term, WindowTerm)
            start, end = events[np.asarray(term.start)], events[np.asarray(term.end)]
            assert (end <= last).all()
            if term.line in (Line.REVENUE, Line.MINING):
                assert (start >= first).all()
                earns = paths[np.asarray(term.path)].any(axis=1)
                earning += (month >= start[:, None]) & (month < end[:, None]) & earns[:, None]
        if block.kind != "renew":
            assert earning.max() <= 1
        if block.kind not in ("serve", "host"):
            continue
        begins = np.where(earning.any(axis=1), earning.argmax(axis=1), last)
        pit = (table["site_id"] == "pit").to_numpy()  # nothing stands there: every hall is new
        if "builders" in late:
            new = pit & (first >= first_hall["pit"])
            assert (begins[new] >= np.minimum(first + 12, last)[new]).all()
            waited += int((begins[new] > first[new]).sum())
        if "chips" in late and block.kind == "serve":
            assert (begins >= np.minimum(first + 12, last)).all()
            waited += int((begins > first).sum())
    assert waited > 0
    for kind, name in (("shell", "builders"), ("own", "chips")):
        (block,) = (block for block in built.blocks if block.kind == kind)
        new = ~block.table["candidate_id"].str.contains(":existing@").to_numpy()
        write_off = next(term for term in block.terms if term.line is Line.DEPRECIATION)
        begins = events[np.asarray(write_off.start)] - block.table["from_month"].to_numpy(np.int64)
        within = block.table["from_month"].to_numpy(np.int64) + 12 <= base.months
        assert set(begins[new & within].tolist()) == {12 if name in late else 0}
        assert (begins[~new] == 0).all()


def test_on_demand_units_wait_for_the_first_hall_and_delivery_of_a_phase_alone() -> None:
    """A GPU sold step after step is late once, not at every step."""
    sites = [
        {"site_id": "river", "critical_it_mw": 12, "existing_it_mw": 8},
        {"site_id": "pit", "critical_it_mw": 5, "shell_capex_usd_per_kw": 9000, "build_lead_months": 4},
    ]
    built = build_candidates(make_outlook(random_case(factors=(*FACTORS, *SLIPS), sites=sites)))
    base = built.outlook
    delays = {
        f"delay[{row.source_id}:{row.phase}]": float(late)
        for row, late in zip(base.case.tables["power"].itertuples(), base.energised - base.promised, strict=True)
    }
    imported = Imported(
        ("late",), np.ones(1), {},
        {name: np.array([value]) for name, value in {**delays, "builders": 5.0, "chips": 0.0}.items()},
    )
    events = built.cash_tables.events.table(
        scenario_outlook(base, make_futures(base.case, base.calendar, imported=imported))
    )[:, 0]
    (sells,) = (block for block in built.blocks if block.kind == "sell")
    (revenue,) = (term for term in sells.terms if term.line is Line.REVENUE)
    assert isinstance(revenue, WindowTerm)
    first, last = (sells.table[name].to_numpy(np.int64) for name in ("from_month", "to_month"))
    pit = (sells.table["site_id"] == "pit").to_numpy()
    hall = int(built.table["from_month"][built.table["candidate_id"].str.contains("shell:pit:new@")].min())
    waits = pit & (first >= hall) & (first < hall + 5)
    assert waits.any()
    np.testing.assert_array_equal(events[np.asarray(revenue.start)][waits], np.minimum(hall + 5, last)[waits])
    np.testing.assert_array_equal(events[np.asarray(revenue.start)][~waits], first[~waits])


def test_futures_of_another_case_are_refused(built: CandidateSet) -> None:
    base = built.outlook
    futures = make_futures(base.case, base.calendar, scenarios=2)
    with pytest.raises(ValueError, match="different cases or months"):
        scenario_outlook(make_outlook(random_case()), futures)
    with pytest.raises(ValueError, match="different cases or months"):
        scenario_outlook(base, replace(futures, calendar=replace(base.calendar, tail_years=1)))
