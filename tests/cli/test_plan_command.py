"""`planner plan` from end to end: what it prints, what it writes, and the code that it ends with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Run

import planner
from planner.case.edits import apply_edits
from planner.case.generate import generate_case
from planner.case.starting import starting_case
from planner.case.write import write_case

TINY = Path(__file__).parents[2] / "fixtures" / "tiny"
NOT_TO_BE_HAD = ("--fix", "leases.size[alpha]=6000", "--exclude", "power[grid:p1]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starting case as a folder."""
    path = tmp_path_factory.mktemp("cases") / "start"
    write_case(starting_case(), path)
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the smallest case, where what is planned is not asked."""
    return Path(shutil.copytree(TINY, tmp_path_factory.mktemp("cases") / "tiny"))


def test_summary_shows_what_a_planner_would(run: Run, folder: Path) -> None:
    ended = run("plan", folder)
    assert ended.code == 0
    npv = planner.plan(planner.read(folder)).npv_usd
    assert f"${npv / 1e6:,.1f}M after tax" in ended.out
    for words in (
        "starting case: optimal", "to equity", "losses carried forward", "tail: ", "IRR", "payback", "peak funding",
        "contracted", "of halls", "river", "GPUs",
        "lab_training", "declined", "to be decided within two quarters", "contract power", "order GPUs",
        "scarce here, per cent for per cent: ", "a MW more", "--details",
    ):
        assert words in ended.out, words
    assert "money by year" not in ended.out


def test_details_has_the_summary_and_all_tables(run: Run, folder: Path) -> None:
    ended = run("plan", folder, "--details")
    assert ended.code == 0
    for words in (
        "peak funding", "sites: contracted MW", "leases won", "declined", "money by year",
        "to be decided within two quarters", "contract power", "order GPUs",
        "what a MW is worth", "what binds most",
    ):
        assert words in ended.out, words


def test_the_summary_of_a_large_plan_fits_a_screen(run: Run, tmp_path: Path) -> None:
    """100 columns and 40 lines, also of many sites and leases."""
    write_case(generate_case(sites=9, leases=18, skus=5, months=24, seed=3), tmp_path / "case")
    ended = run("plan", tmp_path / "case", "--prices", "none", "--gap", "5%", "--out", tmp_path / "run", columns=100)
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert len(lines) <= 40 - 2 - 4  # room for the prompt and for what a MW is worth
    assert max(len(line) for line in lines if not line.startswith("written to")) <= 100
    assert f"written to {tmp_path / 'run'}" in lines
    for wrong in ("-0.0%", "1 decisions", "and 1 mores"):
        assert wrong not in ended.out


def test_a_plan_that_puts_no_money_in_has_no_return_on_it(run: Run) -> None:
    said = run("plan", TINY, "--set", "lease_rates.usd_per_gpu_hour*=0.1").out
    assert "no money is put in: no IRR, no payback" in " ".join(said.split())


def test_summary_keeps_small_amounts_and_whole_names(run: Run, folder: Path) -> None:
    """On a narrow terminal names and rates may be folded, not cut; nor is an order of 0 MW shown."""
    for words in ((), ("--details",)):
        shown = run("plan", folder, *words, columns=80).out
        assert "…" not in shown
        assert " 0 MW" not in shown


def test_json_is_the_plan_json_of_the_run(run: Run, tmp_path: Path) -> None:
    ended = run("plan", TINY, "--json", "--out", tmp_path / "run")
    assert ended.code == 0
    assert ended.err == ""
    assert json.loads(ended.out) == json.loads((tmp_path / "run" / "plan.json").read_text())
    assert json.loads(ended.out)["status"] == "optimal"


def test_a_workbook_gives_the_same_plan_as_the_folder(run: Run, tiny: Path, tmp_path: Path) -> None:
    write_case(planner.read(tiny), tmp_path / "tiny.xlsx")
    records = []
    for case, name in ((tiny, "a"), (tmp_path / "tiny.xlsx", "b")):
        assert run("plan", case, "--out", tmp_path / name).code == 0
        records.append([json.loads((tmp_path / name / file).read_text()) for file in ("plan.json", "run.json")])
    assert records[0][0] == records[1][0]
    assert records[0][1]["case_hash"] == records[1][1]["case_hash"]


def test_force_replaces_a_run_and_nothing_else(run: Run, tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "run"
    assert run("plan", tiny, "--out", target).code == 0
    again = run("plan", tiny, "--out", target)
    assert again.code == 2
    assert "--force" in again.err
    assert run("plan", tiny, "--out", target, "--force", "--exclude", "power[cells:p1]").code == 0
    assert json.loads((target / "run.json").read_text())["options"]["excludes"] == ["power[cells:p1]"]
    refused = run("plan", tiny, "--out", tiny, "--force")
    assert refused.code == 2
    assert "is not a run" in refused.err
    assert planner.read(tiny).source_hash == planner.read(TINY).source_hash


def test_options_reach_the_plan(run: Run, folder: Path) -> None:
    ended = run(
        "plan", folder, "--json", "--set", "market.usd_per_gpu_hour*=0.9", "--set",
        "case.tail_rent_usd_per_kw_month=100", "--stress", "gas x3",
        "--fix", "leases.size[cloud_hall]=10", "--exclude", "gpus[b300]", "--base", "announced", "--tail", "rented",
        "--threads", "1",
    )
    assert ended.code == 0, ended.err
    expected = planner.plan(
        starting_case(), edits=["market.usd_per_gpu_hour*=0.9", "case.tail_rent_usd_per_kw_month=100"], stress="gas x3",
        fixes=["leases.size[cloud_hall]=10"], excludes=["gpus[b300]"], base="announced", tail="rented",
    )
    said = json.loads(ended.out)
    assert said["npv_usd"] == pytest.approx(expected.npv_usd, rel=1e-4)
    assert (said["base"], said["tail"]) == ("announced", "rented")
    assert "cloud_hall" in said["leases_won"]


def test_a_relaxation_says_that_it_is_none_of_the_plans(run: Run) -> None:
    relaxed = run("plan", TINY, "--relax")
    assert relaxed.code == 0
    assert "relaxed" in relaxed.out
    assert "not a plan" in relaxed.out


def test_infeasible_ends_with_3_and_a_whole_folder(run: Run, tmp_path: Path) -> None:
    ended = run("plan", TINY, *NOT_TO_BE_HAD, "--out", tmp_path / "run")
    assert ended.code == 3
    assert "infeasible: No answer keeps every limit" in ended.out
    assert json.loads((tmp_path / "run" / "plan.json").read_text())["status"] == "infeasible"
    assert "Traceback" not in ended.err + ended.out


def test_infeasible_as_json_ends_with_3(run: Run) -> None:
    ended = run("plan", TINY, *NOT_TO_BE_HAD, "--json")
    assert ended.code == 3
    assert json.loads(ended.out)["npv_usd"] is None


def test_no_time_ends_with_4_or_5_and_a_whole_folder(run: Run, folder: Path, tmp_path: Path) -> None:
    ended = run("plan", folder, "--time-limit", "0", "--out", tmp_path / "run")
    status = json.loads((tmp_path / "run" / "run.json").read_text())["status"]
    assert (ended.code, status) in {(4, "feasible"), (5, "time_limit")}
    assert len(list((tmp_path / "run").iterdir())) == 10


def test_names_are_printed_as_they_are_written(run: Run, tmp_path: Path) -> None:
    """Brackets are no markup, and letters of any alphabet arrive."""
    case = starting_case()
    renamed = {"river": "Süd-河", "lab_training": "训练", "gb300": "гб300"}
    for table, frame in case.tables.items():
        case = case.with_table(table, frame.replace(renamed))
    case = apply_edits(case, ["case.name=[/red] Größe [bold]计划"])
    write_case(case, tmp_path / "case")
    ended = run("plan", tmp_path / "case")
    assert ended.code == 0, ended.err
    for name in (*renamed.values(), "[/red] Größe [bold]计划"):
        assert name in ended.out, name


def test_progress_on_a_terminal_prints_names_as_they_are_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case(apply_edits(starting_case(), ["case.name=[/red] plan"]), tmp_path / "case")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    ended = run("plan", tmp_path / "case")
    assert ended.code == 0, ended.err


@pytest.mark.slow
def test_new_check_plan_in_a_new_process(tmp_path: Path) -> None:
    """The first three commands of a new user, `python -m planner` as typed."""

    def typed(*arguments: str) -> str:
        told = subprocess.run(
            [sys.executable, "-m", "planner", *arguments], cwd=Path(planner.__file__).parents[1], capture_output=True,
            text=True, check=True, timeout=120,
        )
        assert told.stderr == ""
        return told.stdout

    case = str(tmp_path / "mine")
    assert f"next: planner check {case}" in typed("new", case)
    assert "nothing wrong" in typed("check", case)
    said = json.loads(typed("plan", case, "--json", "--out", str(tmp_path / "run")))
    assert said["npv_usd"] > 0
    assert (tmp_path / "run" / "allocation.csv").is_file()
