"""What a report reads of a run: the plan's own figures again, computed from its files alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from at_length import in_tiers

from kernels.lines import UNLEVERED, Line
from planner.candidates.resources import Family
from planner.errors import PlannerError
from planner.reporting.findings import Findings, findings_of_plan, findings_of_run
from planner.reporting.leases import DECLINED, PART, WON, lease_table
from planner.reporting.usage import gpus_by_month, halls_by_month, power_by_month, site_table

NAMES = in_tiers(["starting", "no lease", "changed", "harmful", "one site", "unicode"], 3)


@pytest.fixture(params=NAMES)
def run(request: pytest.FixtureRequest, made: Callable[..., tuple[Path, Path, object]]) -> tuple[Findings, object]:
    folder, run_folder, found = made(request.param)
    return findings_of_run(run_folder, folder), found


def test_discounted_lines_add_to_the_npv(run) -> None:
    found, plan = run
    statement = plan.statement
    assert float(found.present_value_by_line.sum()) == pytest.approx(plan.npv_usd, rel=1e-9)
    for line in UNLEVERED:
        assert found.present_value_by_line[line.name.lower()] == pytest.approx(
            float(statement.line(line) @ statement.discount), rel=1e-9, abs=1e-3
        )
    np.testing.assert_allclose(found.periods["discount"], statement.discount[: len(found.periods)], rtol=1e-12)
    assert found.periods["period"].tolist() == list(statement.labels[: len(found.periods)])
    np.testing.assert_allclose(found.net_usd, statement.net[: len(found.periods)], rtol=1e-9, atol=1e-2)


def test_power_in_use_peaks_where_the_plan_says(run) -> None:
    found, _plan = run
    power = power_by_month(found)
    np.testing.assert_allclose(power.in_use.max(axis=1), found.tables["power"]["peak_use_mw"], atol=1e-6)
    assert (power.in_use <= power.contracted + 1e-6).all()
    assert (power.contracted <= power.on_offer + 1e-6).all()


def test_gpus_at_work_are_those_that_use_the_fleet(run) -> None:
    found, plan = run
    uses = plan.candidates.book.uses.frame()
    family = np.array([entry is Family.FLEET for entry in plan.candidates.book.family])
    work = uses[family[uses["resource"].to_numpy(np.int64)] & (uses["coefficient"] > 0.0)]
    kinds = plan.candidates.table["kind"].to_numpy()[work["candidate"].to_numpy(np.int64)]
    work = work[np.isin(kinds, ("serve", "renew", "sell"))]
    months = plan.case.settings.months
    expected = np.zeros(months)
    for row in work.itertuples():
        expected[int(row.start) : int(row.end)] += row.coefficient * plan.levels[int(row.candidate)]
    found_gpus = gpus_by_month(found).groupby("month")["gpus"].sum().reindex(range(months), fill_value=0.0)
    np.testing.assert_allclose(found_gpus, expected, atol=1e-3)


def test_work_fits_its_halls(run) -> None:
    halls = halls_by_month(run[0])
    assert (halls["work_mw"] <= halls["hall_mw"] + 1e-6).all()


def test_sites_add_to_the_plan(run) -> None:
    found, plan = run
    sites = site_table(found)
    assert sites["contracted_mw"].sum() == pytest.approx(found.summary["contracted_mw"])
    company = found.tables["cashflow"]
    beyond = company[
        ~company["site_id"].isin(sites["site_id"])
        & ~company["line"].isin(["debt_draw", "interest", "repayment", "depreciation"])
    ]
    discount = dict(zip(found.periods["month"], found.periods["discount"], strict=True))
    assert sites["npv_usd"].sum() + float(
        (beyond["usd"] * beyond["month"].map(discount)).sum()
    ) == pytest.approx(plan.npv_usd, rel=1e-9)


def test_leases_won_are_those_of_the_plan(run) -> None:
    found, plan = run
    leases = lease_table(found)
    won = leases[leases["outcome"] != DECLINED]
    assert won["lease_id"].tolist() == found.summary["leases_won"]
    assert set(leases["outcome"]) <= {WON, PART, DECLINED}
    assert (won["size"] <= won["asked"] * (1.0 + 1e-9)).all()
    assert leases["lease_id"].tolist() == plan.case.tables["leases"]["lease_id"].tolist()


def test_income_of_the_allocation_is_the_income_of_the_statement(run) -> None:
    _, plan = run
    statement = plan.statement
    income = sum(
        float(statement.line(line) @ statement.discount)
        for line in (Line.REVENUE, Line.SERVICES, Line.MINING, Line.TAIL_RENT)
    )
    assert plan.allocation["income_pv_usd"].sum() == pytest.approx(income, rel=1e-9)


def test_a_plan_in_memory_reads_as_its_folder(made) -> None:
    folder, run_folder, plan = made("starting")
    read, held = findings_of_run(run_folder, folder), findings_of_plan(plan)
    assert dict(held.summary) == dict(read.summary)
    assert held.record["solver"] == read.record["solver"]
    for name, table in read.tables.items():
        pd.testing.assert_frame_equal(
            held.tables[name].reset_index(drop=True), table, check_dtype=False, rtol=1e-9, obj=name
        )
    pd.testing.assert_frame_equal(held.held, read.held, check_dtype=False)


def test_a_run_knows_where_its_case_stood(made) -> None:
    folder, run_folder, _ = made("starting")
    assert findings_of_run(run_folder).case.source == str(folder)


def test_another_case_is_refused(made) -> None:
    other, _, _ = made("one site")
    _, run_folder, _ = made("starting")
    with pytest.raises(PlannerError, match=r"is not the case that .* planned.*--case PATH"):
        findings_of_run(run_folder, other)


def test_what_is_no_run_is_refused(tmp_path: Path, scored: Path) -> None:
    with pytest.raises(PlannerError, match=r"it has no run\.json"):
        findings_of_run(tmp_path)
    with pytest.raises(PlannerError, match="was written by planner score"):
        findings_of_run(scored)


def test_names_that_look_like_numbers_or_blanks_keep_their_letters(made, tmp_path: Path) -> None:
    from report_cases import renamed

    from planner.case.read import read_case
    from planner.case.write import write_case
    from planner.planning.make_plan import plan
    from planner.run_folder import write_run

    write_case(renamed({"river": "007", "mesa": "NA", "b300": "300"}, "names"), tmp_path / "case")
    write_run(plan(read_case(tmp_path / "case"), prices="none"), tmp_path / "run")
    found = findings_of_run(tmp_path / "run", tmp_path / "case")
    assert set(found.tables["allocation"]["site_id"]) <= {"007", "NA"}
    assert set(found.tables["allocation"]["gpu_id"]) <= {"300", "gb300", ""}
    assert site_table(found).set_index("site_id").loc["007", "contracted_mw"] > 0.0
