"""`planner new` and `planner check`: the starting case passes its own check, and the words on it cover every column."""

from __future__ import annotations

import json

import openpyxl
import pytest
import typer
from typer.testing import CliRunner

from planner.case.edits import apply_stress
from planner.case.read import read_case
from planner.case.starting import starting_case, write_starting_case
from planner.case.tables import TABLES
from planner.case.writing.format_page import format_page
from planner.cli.check import check
from planner.cli.new import new
from planner.errors import PlannerError


@pytest.fixture(scope="module")
def command():
    app = typer.Typer()
    app.command()(new)
    app.command()(check)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", ["start", "start.xlsx"])
def test_the_starting_case_passes_its_own_check(tmp_path, name):
    write_starting_case(tmp_path / name)
    case = read_case(tmp_path / name)
    assert case.source_hash == starting_case().source_hash
    assert {len(case.sites), len(case.gpus), len(case.leases)} == {2}
    for stress in dict.fromkeys(case.stresses.stress):
        assert apply_stress(case, stress).source_hash != case.source_hash


def test_the_folder_explains_every_column(tmp_path):
    write_starting_case(tmp_path / "start")
    page = (tmp_path / "start" / "README.md").read_text(encoding="utf-8")
    assert format_page() in page
    for name, table in TABLES.items():
        section = page.split(f"\n## {name}: ")[1].split("\n## ")[0]
        for column in table.columns:
            row = next(line for line in section.splitlines() if line.startswith(f"| `{column.name}` |"))
            assert column.unit in row
            assert column.meaning in row


def test_the_workbook_explains_every_column(tmp_path):
    write_starting_case(tmp_path / "start.xlsx")
    book = openpyxl.load_workbook(tmp_path / "start.xlsx")
    assert "notes" in book.sheetnames
    for name, table in TABLES.items():
        header = {cell.value: cell.comment for cell in book[name][1]}
        for column in table.columns:
            assert column.meaning in header[column.name].text
            assert column.unit in header[column.name].text


def test_new_writes_and_check_passes(command, tmp_path):
    made = command("new", tmp_path / "a")
    assert made.exit_code == 0
    assert "sites 2" in made.output
    checked = command("check", tmp_path / "a")
    assert checked.exit_code == 0
    assert "nothing wrong" in checked.output
    assert "unusual" in checked.output


def test_new_makes_up_a_case_of_a_given_size(command, tmp_path):
    made = command(
        "new", tmp_path / "a.xlsx", "--sites", "3", "--leases", "4", "--skus", "2", "--months", "36", "--seed", "7",
        "--json",
    )
    assert made.exit_code == 0
    summary = json.loads(made.output)
    assert (summary["rows"]["sites"], summary["rows"]["leases"], summary["rows"]["gpus"]) == (3, 4, 2)
    case = read_case(tmp_path / "a.xlsx")
    assert (summary["source_hash"], case.settings.months) == (case.source_hash, 36)


def test_new_overwrites_only_when_forced(command, tmp_path):
    assert command("new", tmp_path / "a").exit_code == 0
    refused = command("new", tmp_path / "a")
    assert isinstance(refused.exception, PlannerError)
    assert "--force" in str(refused.exception)
    assert command("new", tmp_path / "a", "--force").exit_code == 0


def test_new_refuses_options_that_would_do_nothing(command, tmp_path):
    refused = command("new", tmp_path / "a", "--leases", "4")
    assert isinstance(refused.exception, PlannerError)
    assert "--leases belong to a made-up case" in str(refused.exception)


def test_check_says_all_faults_and_exits_with_2(command, altered_folder):
    folder = altered_folder("market.csv", "gb300,1,6,1000\ngb300,2,4,", "gb30,1,6,1000\ngb300,2,-4,")
    checked = command("check", folder, "--json")
    assert checked.exit_code == 2
    faults = json.loads(checked.output)["faults"]
    assert {(fault["row"], fault["column"]) for fault in faults} == {(2, "gpu_id"), (3, "usd_per_gpu_hour")}
    shown = command("check", folder)
    assert shown.exit_code == 2
    assert "2 to mend" in shown.output


def test_check_takes_edits(command, case_folder):
    folder = case_folder()
    assert command("check", folder, "--set", "sites.pue=1.3").exit_code == 0
    refused = command("check", folder, "--set", "sites.pu=1.3")
    assert refused.exit_code == 2
    assert "did you mean" in " ".join(refused.output.split())


def test_json_of_a_good_case_lists_oddities(command, case_folder):
    answer = json.loads(command("check", case_folder(), "--json").output)
    assert answer["faults"] == []
    assert all(set(oddity) == {"file", "row", "what", "why", "to_do"} for oddity in answer["oddities"])
