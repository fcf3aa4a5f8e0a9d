"""Every column of a case, and of the files that the verbs write, stands in the glossary with its unit."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from planner.case.settings import DEPRECIATION, SETTINGS
from planner.case.tables import TABLES
from planner.cli.main import main
from planner.manual.pages import text
from planner.storage.schemas import FILES, declared

ROOT = Path(__file__).resolve().parents[2]
TINY = str(ROOT / "fixtures" / "tiny")
SCENARIOS = ["--scenarios", "10"]
RUNS: dict[str, list[list[str]]] = {
    "plan": [["plan", TINY, "--prices", "full"]],
    "plan after risk": [["plan", TINY, "--risk-weight", "0.5", *SCENARIOS, "--pool", "grid"]],
    "plan --adapt": [["plan", TINY, "--adapt", "--reviews", "2026-01", *SCENARIOS]],
    "replay": [["replay", "{made}/plan --adapt", *SCENARIOS, "--workers", "1"]],
    "score": [["score", TINY, "--portfolios", "{made}/plan/portfolio.csv", *SCENARIOS]],
    "sweep": [["sweep", TINY, "--set", "lease_rate=0.6,1.2", "--workers", "1"]],
    "quote": [["quote", TINY, "--gpu", "g1", "--gpus", "500", "--start", "2026-01", "--term", "12", *SCENARIOS]],
    "alternatives": [["alternatives", TINY, "--within", "30%", "--leases", "--count", "1"]],
    "frontier": [["frontier", TINY, "--weights", "0", *SCENARIOS]],
    "portfolios": [["portfolios", TINY, "--pool", "grid:5", *SCENARIOS]],
}
NAMED = {"the CSV file", "the Parquet file"}
"""Files whose name is the user's."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a folder of each verb's results on the smallest case."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for what, commands in RUNS.items():
            for command in commands:
                patch.setattr(sys, "argv", ["planner", *(word.format(made=folder) for word in command), "--out", what])
                with pytest.raises(SystemExit) as end:
                    main()
                assert not end.value.code, command
    return folder


def columns_of(path: Path) -> list[str]:
    if path.suffix == ".csv":
        return path.read_text(encoding="utf-8").splitlines()[0].split(",")
    return list(pq.read_schema(path).names)


def tables(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in (".csv", ".parquet") and path.is_file())


@pytest.mark.parametrize("what", RUNS)
def test_every_column_of_results_is_declared(what: str, made: Path) -> None:
    found = tables(made / what)
    assert found
    for path in found:
        name = path.relative_to(made / what).parts[0]
        file = declared("plan" if what == "plan after risk" else what, name)
        assert file is not None, f"{what} writes {name}, which is not declared"
        assert [column for column in columns_of(path) if file.column(column) is None] == [], name


@pytest.mark.parametrize("what", ["plan", "plan --adapt", "quote", "sweep", "alternatives", "frontier"])
def test_what_is_declared_is_written(what: str, made: Path) -> None:
    after_risk = ("feared.csv", "factors_feared.csv", "pool.parquet")
    for file in (each for each in FILES if each.verb == what and each.name not in after_risk):
        for name in file.name.split(", "):
            written = columns_of(made / what / name)
            missing = [column.name for column in file.columns if not any(column.covers(each) for each in written)]
            assert missing == [], name


def rows(page: str, head: str) -> dict[str, list[str]]:
    """Rows of the tables under a heading of the glossary, by their first cell."""
    within = page.split(f"\n## {head}\n")[1].split("\n## ")[0]
    cells = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in within.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_column_of_a_case_stands_in_the_glossary_with_its_unit() -> None:
    found = rows(text("glossary"), "Columns of a case")
    for columns in (SETTINGS, DEPRECIATION, *(table.columns for table in TABLES.values())):
        for column in columns:
            assert column.name in found
            assert found[column.name][1].strip()


def test_every_column_of_results_stands_in_the_glossary_with_its_unit() -> None:
    found = rows(text("glossary"), "Columns of the files of results")
    for file in FILES:
        for column in file.columns:
            assert column.unit
            assert column.meaning
            assert found[column.name][0].strip()


def test_every_column_of_a_case_stands_with_its_table() -> None:
    page = text("case-columns")
    for name, table in TABLES.items():
        within = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert re.findall(r"^\| `(\w+)` \|", within, re.MULTILINE) == list(table.column_names)


def test_names_with_parts_in_brackets_stand_for_many() -> None:
    scores = declared("score", "scores.parquet")
    assert scores is not None
    for name in ("npv_gas_x3_usd", "ebitda_2031_usd", "contracted_mw_fuel_cell", "limits_broken_gas_x3"):
        assert scores.column(name) is not None
    assert scores.column("npv_losses_carried_usd") is not None
    assert scores.column("price_of_tea") is None
    assert {file.name for file in FILES if not re.search(r"\.(csv|parquet)", file.name)} == NAMED
