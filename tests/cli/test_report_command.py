"""`planner report` from end to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import Run

from planner.case.read import read_case
from planner.case.starting import write_starting_case
from planner.planning.make_plan import plan
from planner.run_folder import write_run

TINY = Path(__file__).parents[2] / "fixtures" / "tiny"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the smallest case, which stands beside it."""
    root = tmp_path_factory.mktemp("report")
    shutil.copytree(TINY, root / "case")
    return write_run(plan(read_case(root / "case"), prices="none"), root / "run")


def test_a_report_is_a_page_and_a_workbook_whose_case_plans_again(run: Run, base: Path, tmp_path: Path) -> None:
    """With pictures, on request."""
    out = tmp_path / "report"
    code, said, _ = run("report", base, "--out", out, "--pictures", "svg")
    assert code == 0
    written = {path.name for path in out.iterdir()}
    assert {"report.html", "report.xlsx", "waterfall.svg", "power.svg", "cash_by_year.svg"} <= written
    assert str(out / "report.html") in said
    code, said, _ = run("plan", out / "report.xlsx", "--json")
    assert code == 0
    assert json.loads(said)["npv_usd"] == json.loads((base / "plan.json").read_text())["npv_usd"]


def test_by_default_it_stands_beside_its_run_and_is_never_replaced_unasked(
    run: Run, base: Path, tmp_path: Path
) -> None:
    """What replaces it has the floors of quotes beside their leases."""
    beside = base.with_name("run-report")
    code, said, _ = run("report", base, "--json")
    assert code == 0
    told = json.loads(said)
    assert Path(told["out"]) == beside
    assert {path.name for path in beside.iterdir()} == {"report.html", "report.xlsx"}
    assert told["bytes"]["report.html"] == (beside / "report.html").stat().st_size
    assert "$9.88" not in (beside / "report.html").read_text()
    code, _, complained = run("report", base)
    assert code == 2
    assert "replace that report with --force" in complained
    quote = tmp_path / "q.json"
    quote.write_text(
        json.dumps(
            [
                {
                    "name": "alpha", "floor": 9.876, "rate_unit": "usd_per_gpu_hour", "answer": "floor",
                    "size": 4000.0,
                },
                {"name": "asked", "answer": "no floor", "floor": None},
            ]
        )
    )
    assert run("report", base, "--force", "--quotes", quote)[0] == 0
    assert "$9.88" in (beside / "report.html").read_text()


def test_a_folder_that_is_no_report_is_left_alone(run: Run, base: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    code, _, complained = run("report", base, "--out", tmp_path / "mine", "--force")
    assert code == 2
    assert "is not a report" in complained
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"


def test_what_does_not_fit_is_refused_with_the_remedy(run: Run, base: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    for arguments, told in (
        ((tmp_path,), "it has no run.json"),
        ((base, "--case", tmp_path / "nowhere"), "no such folder or workbook"),
        ((base, "--scores", tmp_path), "holds no scores"),
        ((base, "--portfolios", tmp_path / "p.parquet"), "give the scores too"),
        ((base, "--sweep", tmp_path), "is not a sweep"),
        ((base, "--frontier", tmp_path), "holds no frontier"),
        ((base, "--quotes", tmp_path / "q.json"), "cannot be read as quotes"),
        ((base, "--policy", tmp_path), "is not a policy"),
        ((base, "--policy", base), "was written by planner plan, not by planner plan --adapt"),
        ((base, "--replay", tmp_path), "give the policy too"),
        ((base, "--pictures", "gif"), "pictures as 'gif' are not known"),
    ):
        code, _, complained = run("report", *arguments, "--out", out)
        assert code == 2, arguments
        assert told in complained
    assert not out.exists()


def test_quotes_that_are_none_or_of_another_case_are_refused(run: Run, base: Path, tmp_path: Path) -> None:
    quote = tmp_path / "q.json"
    for written, told in (
        ({"floors": 2.0}, "is not what planner quote writes"),
        ({"case_hash": "other", "quotes": []}, "quotes another case"),
    ):
        quote.write_text(json.dumps(written))
        code, _, complained = run("report", base, "--out", tmp_path / "second", "--quotes", quote)
        assert code == 2
        assert told in complained


def test_a_policy_and_its_replay_stand_beside_their_run(run: Run, tmp_path: Path) -> None:
    futures = ("--futures", "fixtures/waiting_futures.csv")
    policy, replayed, base = (tmp_path / name for name in ("policy", "replay", "run"))
    assert run(
        "plan", "fixtures/waiting", "--adapt", "--reviews", "2027-10", "--branches", "2", *futures, "--out", policy
    ).code == 0
    assert run("replay", policy, "--rule", *futures, "--out", replayed).code == 0
    assert run("plan", "fixtures/waiting", "--prices", "none", "--out", base).code == 0
    out = tmp_path / "report"
    assert run("report", base, "--policy", policy, "--replay", replayed, "--out", out, "--pictures", "svg").code == 0
    page = (out / "report.html").read_text()
    assert "adapting is worth $5.76M" in page
    assert "the policy brings $5.8M ± $5.8M more than the plan that never changes" in page
    assert {"policy_tree.svg", "policy_capacity.svg"} <= {path.name for path in out.iterdir()}
    assert run("report", base, "--policy", replayed, "--out", tmp_path / "other").code == 2


def test_a_run_finds_its_case_from_any_folder_and_after_the_project_has_moved(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    write_starting_case(project / "cases" / "start")
    monkeypatch.chdir(project)
    assert run("plan", "cases/start", "--prices", "none", "--out", "runs/base").code == 0
    stored = json.loads((project / "runs" / "base" / "run.json").read_text())["case_path"]
    assert stored == "../../cases/start"
    assert run(
        "score", "cases/start", "--portfolios", "runs/base/portfolio.csv", "--scenarios", "4", "--out", "runs/scores"
    ).code == 0
    assert json.loads(
        (project / "runs" / "scores" / "run.json").read_text()
    )["portfolios_read_from"] == "../base/portfolio.csv"
    monkeypatch.chdir(tmp_path)
    assert run("report", "project/runs/base", "--scores", "project/runs/scores", "--out", "page").code == 0
    project.rename(tmp_path / "moved")
    assert run("report", "moved/runs/base", "--out", "page", "--force").code == 0
    (tmp_path / "moved" / "cases").rename(tmp_path / "elsewhere")
    code, _, complained = run("report", "moved/runs/base", "--out", "page", "--force")
    assert code == 2
    assert complained.count("\n") == 1
    assert "--case PATH" in complained
    assert run("report", "moved/runs/base", "--case", "elsewhere/start", "--out", "page", "--force").code == 0
