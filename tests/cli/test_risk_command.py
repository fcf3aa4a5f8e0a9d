"""`planner plan --risk-weight ...` and `planner frontier` from end to end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from command_line import Run
from risk.whole_case import whole_case

from planner.case.generate import generate_case
from planner.case.made_up.frame import declared_frame
from planner.case.tables import TABLES
from planner.case.write import write_case
from planner.cli.progress import rounds_on
from planner.solver.column_generation.pricing_rounds import Round

FACTORS = [{"factor_id": "gpus", "model": "gbm", "drives": "market", "volatility_per_year": 0.3}]
RISK = ("--risk-weight", 0.5, "--alpha", 0.9, "--scenarios", 40, "--prices", "none")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("risk") / "case"
    made = generate_case(sites=2, leases=4, skus=2, months=36, seed=8)
    write_case(replace(made, tables={**made.tables, "factors": declared_frame(TABLES["factors"], FACTORS)}), root)
    return root


def test_a_plan_after_risk_is_written_and_scores_as_it_says(run: Run, case: Path, tmp_path: Path) -> None:
    out, scores = tmp_path / "run", tmp_path / "scores"
    code, said, err = run("plan", case, *RISK, "--information", 5, "--out", out, "--details")
    assert code == 0, err
    assert "over 40 futures: expected NPV" in said
    assert "the plan fears these futures" in said
    assert "weight in the objective" in said
    assert "│ gpus " in said
    assert "to know the future before deciding" in said
    plan = json.loads((out / "plan.json").read_text())
    assert plan["objective_usd"] == pytest.approx(0.5 * plan["expected_npv_usd"] - 0.5 * plan["cvar_usd"], rel=1e-9)
    assert plan["mip_gap"] <= 1e-3
    assert plan["evpi_usd"] >= 0.0
    proof = json.loads((out / "run.json").read_text())["certificate"]
    assert proof["gap"] <= 1e-6
    assert proof["least_weight"] >= 0.0
    assert proof["weight_sum"] == pytest.approx(1.0, abs=1e-9)
    feared = pd.read_csv(out / "feared.csv")
    assert feared["tail_weight"].sum() == pytest.approx(1.0, abs=1e-9)
    assert (feared["npv_usd"].diff().dropna() >= 0).all()
    assert "gpus" in feared.columns
    assert -(feared["tail_weight"] @ feared["npv_usd"]) == pytest.approx(plan["cvar_usd"], rel=1e-9)
    code, _, err = run(
        "score", case, "--portfolios", out / "portfolio.csv", "--scenarios", 40, "--alpha", 0.9, "--float64", "--out",
        scores, "--no-paths",
    )
    assert code == 0, err
    (row,) = pd.read_parquet(scores / "scores.parquet").to_dict("records")
    assert row["mean_npv_usd"] == pytest.approx(plan["expected_npv_usd"], rel=1e-9)
    assert row["cvar_usd"] == pytest.approx(plan["cvar_usd"], rel=1e-9)
    assert row["limits_broken"] == 0
    assert run("plan", case, *RISK, "--information", 5, "--out", tmp_path / "again")[0] == 0
    for file in ("portfolio.csv", "feared.csv", "factors_feared.csv", "plan.json"):  # equal runs write equal tables
        assert (out / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_a_limit_on_cvar_and_one_that_no_plan_keeps(run: Run, case: Path) -> None:
    code, said, _ = run(
        "plan", case, "--risk-weight", 0, "--alpha", 0.9, "--scenarios", 40, "--prices", "none", "--json"
    )
    assert code == 0
    free = json.loads(said)
    code, said, _ = run(
        "plan", case, "--risk-weight", 1, "--alpha", 0.9, "--scenarios", 40, "--prices", "none", "--json"
    )
    least = json.loads(said)
    limit = 0.5 * (free["cvar_usd"] + least["cvar_usd"])
    code, said, _ = run(
        "plan", case, "--max-cvar", limit, "--alpha", 0.9, "--scenarios", 40, "--prices", "none", "--json"
    )
    held = json.loads(said)
    assert code == 0
    assert held["cvar_usd"] <= limit + 1e-6 * abs(limit)
    assert held["objective_usd_per_usd_of_cvar_limit"] >= 0.0
    assert held["expected_npv_usd"] <= free["expected_npv_usd"] * (1 + 1e-3)
    code, said, _ = run("plan", case, "--max-cvar", least["cvar_usd"] - 1e10, "--alpha", 0.9, "--scenarios", 40)
    assert code == 3
    assert "the least is" in " ".join(said.split())


def test_a_plan_out_of_a_pool_and_out_of_its_file(run: Run, case: Path, tmp_path: Path) -> None:
    code, said, err = run("plan", case, *RISK, "--pool", "grid:3000", "--out", tmp_path / "grid")
    assert code == 0, err
    assert "decisions whole" in said
    assert (tmp_path / "grid" / "pool.parquet").is_file()
    record = json.loads((tmp_path / "grid" / "run.json").read_text())
    assert record["certificate"]["gap"] <= 1e-6
    assert record["certificate"]["largest_reduced_value"] <= 1e-3
    assert record["pool"]["bundles"] <= 3000
    assert record["pool"]["bound_by"] in ("relaxation", "tree")
    again = run("plan", case, *RISK, "--pool", tmp_path / "grid" / "pool.parquet", "--json")
    assert again[0] == 0, again[2]
    first = json.loads((tmp_path / "grid" / "plan.json").read_text())
    assert first["status"] == "optimal"
    assert first["mip_gap"] <= 1e-3
    levels = pd.read_csv(tmp_path / "grid" / "portfolio.csv")
    whole = levels[levels["kind"].isin(("open", "accept", "take", "fabric", "block"))]
    assert len(whole)
    assert (whole["level"] == whole["level"].round()).all()
    assert json.loads(again[1])["objective_usd"] == pytest.approx(first["objective_usd"], rel=1e-6)


def test_a_pool_plan_says_whether_its_whole_decisions_are_proven(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case(whole_case(1), tmp_path / "case")
    words = (
        "plan", tmp_path / "case", "--risk-weight", 0.5, "--alpha", 0.8, "--scenarios", 16, "--pool", "grid",
        "--prices", "none",
    )
    code, said, err = run(*words, "--out", tmp_path / "run")
    assert code == 0, err
    assert "decisions whole: proven in" in said
    proven = json.loads((tmp_path / "run" / "plan.json").read_text())
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["pool"]["bound_by"] == "tree"
    assert record["pool"]["parts"] > 2
    assert record["pool"]["stopped_by"] is None
    assert proven["bound_usd"] < 0.99 * proven["relaxation_usd"]  # what the relaxation alone would have left open
    monkeypatch.setattr("planner.solver.column_generation.branch_and_price.MOST_NODES", 2)
    code, said, _ = run(*words, "--out", tmp_path / "short")
    assert code == 4
    assert "not proven, the size of the tree ended it after 2 parts with a gap of" in said
    short = json.loads((tmp_path / "short" / "plan.json").read_text())
    assert short["status"] == "feasible"
    assert short["mip_gap"] > 1e-3
    assert short["bound_usd"] >= proven["objective_usd"] * (1 - 1e-9)
    assert json.loads((tmp_path / "short" / "run.json").read_text())["pool"]["stopped_by"] == "nodes"


@pytest.mark.parametrize(("words", "what"), [
    (("--risk-weight", 1.5), "give one from 0"), (("--risk-weight", 0.5, "--alpha", 1.0), "between 0 and 1"),
    (("--risk-weight", 0.5, "--solver", "cbc"), "leave --solver out"),
    (("--risk-weight", 0.5, "--confirm-infeasible", "cbc"), "leave --confirm-infeasible out"),
    (("--pool", "grid:many"), "is no grid"),
    (("--pool", "nowhere.parquet"), "cannot be read"),
    (("--pool", "grid", "--information", 5), "leave --pool or --information out"),
])
def test_what_is_refused(run: Run, case: Path, words: tuple[object, ...], what: str) -> None:
    code, _, err = run("plan", case, *words)
    assert code == 2
    assert what in err


def test_progress_says_bound_value_and_columns() -> None:
    said: list[tuple[object, ...]] = []
    show = rounds_on(lambda *entry: said.append(entry))  # type: ignore[arg-type]
    show(Round(1.0, float("-inf"), 90.0, 7, 0, 7, 0))
    show(Round(2.0, 60.0, 90.0, 1200, 12, 5, 0))
    assert said[0][1:4] == (None, 90.0, None)
    assert said[1] == (2.0, 60.0, 90.0, 0.5, ", 1,200 bundles, 12 futures in the relaxation")


def test_the_frontier_is_printed_and_written(run: Run, case: Path, tmp_path: Path) -> None:
    code, said, err = run(
        "frontier", case, "--weights", "0,50%,1", "--alpha", "90%", "--scenarios", 40, "--out", tmp_path / "f"
    )
    assert code == 0, err
    assert "no point is beaten in both" in said
    table = pd.read_parquet(tmp_path / "f" / "frontier.parquet")
    assert (table["expected_npv_usd"].diff().dropna() < 0).all()
    assert (table["cvar_usd"].diff().dropna() < 0).all()
    code, said, _ = run("frontier", case, "--weights", "0,1", "--alpha", 0.9, "--scenarios", 40, "--json")
    assert code == 0
    assert {"risk_weight", "cvar_usd"} <= set(json.loads(said)[0])
    code, _, err = run("frontier", case, "--weights", "a,b")
    assert code == 2
    assert "--weights: 'a' is not a share" in err
