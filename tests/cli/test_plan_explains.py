"""`planner plan` without a plan, and with `--why`: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from planner.case.edits import apply_edits
from planner.case.starting import starting_case
from planner.case.write import write_case
from planner.cli.main import main

TOO_MUCH = ("--set", "leases.committed[lab_training]=yes", "--set", "power.guaranteed_mw[river_grid]=4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starting case as a folder, its site mesa without power."""
    path = tmp_path_factory.mktemp("cases") / "start"
    case = apply_edits(starting_case(), ["power.guaranteed_mw[mesa_cells:1]=1", "power.installed_mw[mesa_cells:1]=1"])
    write_case(case, path)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["planner", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code if isinstance(end.value.code, int) else 0


def test_no_plan_prints_the_conflict_and_writes_a_whole_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    assert run(monkeypatch, "plan", folder, *TOO_MUCH, "--out", tmp_path / "run") == 3
    said = capsys.readouterr().out
    for words in (
        "too little: power", "lab_training is committed at 4,000 GPUs", "river_grid:1 at river offers 4 MW", "short by",
        "cheapest repair: $", "--set '",
    ):
        assert words in said, words
    record = json.loads((tmp_path / "run" / "plan.json").read_text())
    limits = record["conflict"]["conflicts"][0]["limits"]
    assert {limit["of"] for limit in limits} >= {"lab_training", "river_grid:1"}
    assert all(limit["short_by"] > 0 for limit in limits)
    assert record["conflict"]["repair"]["checked"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "infeasible"
    for table in ("allocation", "power", "cashflow", "portfolio", "prices", "binding"):
        assert (tmp_path / "run" / f"{table}.csv").is_file()
    assert len((tmp_path / "run" / "allocation.csv").read_text().splitlines()) == 1


def test_the_repair_that_is_printed_works_when_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert run(monkeypatch, "plan", folder, *TOO_MUCH, "--json") == 3
    changes = json.loads(capsys.readouterr().out)["conflict"]["repair"]["changes"]
    typed = [part for change in changes for edit in change["set"] for part in ("--set", edit)]
    assert run(monkeypatch, "plan", folder, *TOO_MUCH, *typed, "--json") == 0


def test_why_is_printed_and_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert run(monkeypatch, "plan", folder, "--why", "lab_training", "--why", "cloud_hall") == 0
    said = capsys.readouterr().out
    assert "lease lab_training is in: " in said
    assert "lease cloud_hall is out" in said
    assert "the answer turns at" in said
    assert run(monkeypatch, "plan", folder, "--why", "cloud_hall", "--json") == 0
    why = json.loads(capsys.readouterr().out)["why"]
    assert [(reason["id"], reason["in_plan"]) for reason in why] == [("cloud_hall", False)]


def test_why_about_nothing_is_refused_before_the_solve(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert run(monkeypatch, "plan", folder, "--why", "cloud_hal") == 2
    assert 'did you mean "cloud_hall"' in capsys.readouterr().err
    assert run(monkeypatch, "plan", folder, "--why", "river", "--risk-weight", "0.5") == 2
    assert "leave out --risk-weight" in capsys.readouterr().err
