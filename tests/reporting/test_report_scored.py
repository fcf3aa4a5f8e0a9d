"""What a report reads of scores: the plan among them, its spread, what drives it, who stands where."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planner.errors import PlannerError
from planner.reporting import scored as module
from planner.reporting.findings import findings_of_run
from planner.reporting.scored import distribution, drivers, read_scores, weighted_correlation
from planner.storage.seals import seal

Made = Callable[..., tuple[Path, Path, Any]]


@pytest.fixture(name="read")
def the_scores(made: Made, scored: Path) -> module.Scored:
    folder, run, _ = made("starting")
    return read_scores(scored, findings_of_run(run, folder))


def test_the_plan_is_found_and_its_spread_has_its_measures(read: module.Scored) -> None:
    row = read.table.set_index("portfolio").loc[read.plan]
    spread = distribution(read)
    assert spread is not None
    npv, weight = spread
    assert float(npv @ weight) == pytest.approx(row["mean_npv_usd"], rel=1e-9)
    assert float(np.sqrt(weight @ (npv - npv @ weight) ** 2)) == pytest.approx(
        row["standard_deviation_usd"], rel=1e-6, abs=1.0
    )


def test_members_are_the_sites_that_a_subset_holds(read: module.Scored, scored: Path) -> None:
    wide = pd.read_parquet(scored.parent / "p.parquet")
    levels = [name for name in wide if name.startswith("level of ") and "(" not in name]
    expected = {
        (row["portfolio"], name.removeprefix("level of ")) for row in wide.to_dict("records") for name in levels
        if row[name] > 0
    }
    assert set(read.members.itertuples(index=False, name=None)) == expected


def test_scores_of_another_case_are_refused(made: Made, scored: Path) -> None:
    folder, run, _ = made("one site")
    with pytest.raises(PlannerError, match="scored under another case"):
        read_scores(scored, findings_of_run(run, folder))


def test_a_folder_without_scores_is_refused(made: Made, tmp_path: Path) -> None:
    folder, run, _ = made("starting")
    with pytest.raises(PlannerError, match="holds no scores; make them with planner score"):
        read_scores(tmp_path, findings_of_run(run, folder))


def test_scores_without_futures_still_show(made: Made, scored: Path, tmp_path: Path) -> None:
    for name in ("scores.parquet", "run.json"):
        (tmp_path / name).write_bytes((scored / name).read_bytes())
    record = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**record, "portfolios_read_from": ""}))
    seal(tmp_path)
    folder, run, _ = made("starting")
    read = read_scores(tmp_path, findings_of_run(run, folder))
    assert distribution(read) is None
    assert drivers(read).empty
    assert read.members.empty


def made_up(futures: pd.DataFrame) -> module.Scored:
    return module.Scored(
        {"options": {"alpha": 0.95}}, pd.DataFrame({"portfolio": ["p"]}), 1, 1, futures, "p", pd.DataFrame()
    )


def test_drivers_are_those_that_move_the_npv() -> None:
    draws = np.random.default_rng(4)
    price, noise, late = draws.normal(size=4000), draws.normal(size=4000), draws.integers(0, 4, size=4000)
    npv = 3e9 + 5e8 * price - 2e8 * late
    futures = pd.DataFrame(
        {
            "future": range(4000), "weight": 1 / 4000, "npv_usd of p": npv, "price": price, "noise": noise,
            "delay[x:1]": late,
        }
    )
    found = drivers(made_up(futures)).set_index("factor")
    assert found.index.tolist()[0] == "price"
    assert {"price", "delay[x:1]"} <= set(found.index)
    assert found.loc["price", "correlation"] == pytest.approx(np.corrcoef(price, npv)[0, 1], abs=1e-12)
    order = np.argsort(price)
    assert found.loc["price", "low_usd"] == pytest.approx(npv[order[:800]].mean() - npv.mean(), rel=1e-9)
    assert found.loc["price", "high_usd"] == pytest.approx(npv[order[-800:]].mean() - npv.mean(), rel=1e-9)
    # A quarter of the futures is not late at all: the lowest fifth is all of them, since ties count alike.
    assert found.loc["delay[x:1]", "low_usd"] == pytest.approx(npv[late == 0].mean() - npv.mean(), rel=1e-9)
    assert found.loc["delay[x:1]", "high_usd"] < 0.0


def test_correlation_under_weights_is_that_of_repeated_rows() -> None:
    draws = np.random.default_rng(7)
    a, b = draws.normal(size=6), draws.normal(size=6)
    times = np.array([1, 2, 3, 1, 1, 2])
    assert weighted_correlation(a, b, times / times.sum()) == pytest.approx(
        np.corrcoef(np.repeat(a, times), np.repeat(b, times))[0, 1], abs=1e-12
    )
    assert weighted_correlation(np.ones(6), b, times / times.sum()) == 0.0


def test_a_long_table_of_scores_is_thinned_but_keeps_the_plan_and_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SHOWN", 50)
    draws = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "portfolio": [str(n) for n in range(1000)], "mean_npv_usd": draws.normal(size=1000),
            "cvar_usd": draws.normal(size=1000),
        }
    )
    shown = module._shown(table, "777")
    assert len(shown) <= 50
    assert "777" in set(shown["portfolio"])
    assert set(table.nlargest(10, "mean_npv_usd")["portfolio"]) <= set(shown["portfolio"])
    assert shown["portfolio"].astype(int).is_monotonic_increasing
