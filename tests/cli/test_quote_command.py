"""`planner quote` and `planner breakeven` on the command line: numbers, files, many at once, and errors with a
remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import planner
from planner.cli.main import app
from planner.errors import PlannerError
from planner.reporting.beside_files import read_quotes
from planner.reporting.findings import findings_of_run

TINY = str(Path(__file__).parents[2] / "fixtures" / "tiny")
BETA = [
    "--gpu", "g1", "--gpus", "4000", "--start", "2026-01", "--term", "24", "--all-or-nothing", "--exclude",
    "leases[beta]",
]
BETA_FLOOR = 85_002_240 / (4_000 * 17_520)
"""Derived in fixtures/tiny/README.md."""


def run(*arguments: str) -> str:
    told = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert told.exit_code == 0, told.output
    return told.stdout


def test_the_floor_derived_by_hand() -> None:
    told = json.loads(run("quote", TINY, *BETA, "--json"))
    assert told["answer"] == "floor found"
    assert told["proven"] is True
    assert told["low"] - 1e-9 <= BETA_FLOOR <= told["high"] + 1e-9
    assert told["floor"] == pytest.approx(BETA_FLOOR, rel=1e-9)
    assert {row["what"] for row in told["displaced"]} == {"GPUs bought", "hall", "power"}


def test_what_is_printed() -> None:
    told = run("quote", TINY, *BETA)
    assert "sign at $1.2129/GPU-hour or more" in told
    assert "cells:p1" in told


def test_many_from_a_file_are_as_one_by_one(tmp_path: Path) -> None:
    asked = tmp_path / "asked.csv"
    asked.write_text(
        "name,gpu,gpus,mw,start,term_months,prepay_fraction\na,g1,3000,,2025-01,24,\nb,,,2,2026-01,12,0.1\n"
        "c,g1,500,,2026-02,13,\n"
    )
    run("quote", TINY, "--inquiries", str(asked), "--out", str(tmp_path / "quotes"), "--workers", "2")
    table = pd.read_csv(tmp_path / "quotes" / "quotes.csv").set_index("name")
    case = planner.read(TINY)
    alone = {
        "a": planner.quote(case, gpu="g1", gpus=3000.0, start="2025-01", term_months=24),
        "b": planner.quote(case, mw=2.0, start="2026-01", term_months=12, prepay_fraction=0.1),
        "c": planner.quote(case, gpu="g1", gpus=500.0, start="2026-02", term_months=13),
    }
    for name, one in alone.items():
        assert table["floor"][name] == pytest.approx(one.floor, rel=1e-9)
        assert table["high"][name] == pytest.approx(one.high, rel=1e-9)
    with pytest.raises(PlannerError, match="--force"):
        run("quote", TINY, "--inquiries", str(asked), "--out", str(tmp_path / "quotes"))


def written(folder: Path, *arguments: str) -> dict[str, pd.DataFrame]:
    run("quote", TINY, *arguments, "--out", str(folder))
    return {path.stem: pd.read_csv(path) for path in folder.glob("*.csv")}


def test_what_is_displaced_is_named_in_the_files(tmp_path: Path) -> None:
    """4,000 GPUs fill the 5 MW of grid from the start on: lease alpha gives way whole, and each row has its own name
    beside the inquiry's."""
    tables = written(
        tmp_path / "quotes", "--gpu", "g1", "--gpus", "4000", "--start", "2025-01", "--term", "24", "--all-or-nothing"
    )
    displaced = tables["displaced"]
    assert set(displaced["inquiry"]) == {"inquiry"}
    leases = displaced[displaced["what"] == "lease"].set_index("name")
    assert leases["change"].to_dict() == {"alpha": -4000.0}
    assert "inquiry" not in set(displaced["name"])
    assert set(tables["standalone"]["inquiry"]) == set(tables["curve"]["inquiry"]) == {"inquiry"}


def test_a_quote_says_where_the_deal_would_stand(tmp_path: Path) -> None:
    asked = ["--gpu", "g1", "--gpus", "3000", "--start", "2025-01", "--term", "24"]
    tables = written(tmp_path / "quotes", *asked)
    stands = tables["stands"]
    assert stands["site_id"].tolist() == ["quarry"] * len(stands)
    assert stands["size"].sum() == pytest.approx(3000.0)
    assert stands["it_mw"].sum() == pytest.approx(3.0), "1 kW a GPU"
    assert tables["quotes"]["sites"].tolist() == ["quarry"]
    told = json.loads(run("quote", TINY, *asked, "--json"))
    assert told["sites"] == "quarry"
    assert sum(row["size"] for row in told["stands"]) == pytest.approx(3000.0)
    assert "it would stand at quarry (3,000)" in run("quote", TINY, *asked)


@pytest.mark.usefixtures("kept_script")
def test_a_report_takes_every_quote_that_quote_writes(tmp_path: Path) -> None:
    """A folder and what --json printed, of a floor, of a hall, and of a deal that cannot be served."""
    asked = tmp_path / "asked.csv"
    asked.write_text(
        "name,gpu,gpus,mw,start,term_months\nsome,g1,3000,,2025-01,24\nhall,,,2,2026-01,12\n"
        "much,g1,900000,,2025-01,24\n"
    )
    told = run("quote", TINY, "--inquiries", str(asked), "--json", "--out", str(tmp_path / "quotes"))
    (tmp_path / "printed.json").write_text(told)
    (tmp_path / "one.json").write_text(json.dumps(json.loads(told)[0]))
    run("plan", TINY, "--out", str(tmp_path / "run"), "--prices", "none")
    found = findings_of_run(tmp_path / "run")
    for given, names in (
        ("quotes", ["some", "hall", "much"]), ("printed.json", ["some", "hall", "much"]), ("one.json", ["some"])
    ):
        quotes = read_quotes([tmp_path / given], found).set_index("name")
        assert quotes.index.tolist() == names
        assert quotes.loc["some", "standalone_rate"] > 0.0
        assert quotes["sites"].fillna("").tolist() == ["quarry", "quarry", ""][: len(names)]
    run("report", str(tmp_path / "run"), "--quotes", str(tmp_path / "quotes"), "--out", str(tmp_path / "report"))
    assert "stands at" in (tmp_path / "report" / "report.html").read_text()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            ["--gpus", "900000", "--start", "2025-01", "--term", "24"],
            "no plan can serve 900,000 GPUs of it: at quarry power carries 4 MW of critical IT, it needs 900 MW, and "
            "there are 8 MW of halls",
        ),
        (
            ["--gpus", "100", "--start", "2031-06", "--term", "12"],
            "it begins in 2031-06, after the horizon, which ends in 2027-12",
        ),
        (
            ["--gpus", "100", "--start", "2020-06", "--term", "12"],
            "its last month is 2021-05, before the case starts in 2025-01",
        ),
        (
            [
                "--gpus", "100", "--start", "2025-01", "--term", "24", "--set", "gpus.rack_kw=132", "--set",
                "sites.max_rack_kw=40",
            ],
            "at quarry a rack may take 40 kW, g1 needs 132 kW",
        ),
        (
            [
                "--gpus", "100", "--start", "2025-01", "--term", "24", "--set", "gpus.cooling=liquid", "--set",
                "sites.liquid_cooled_it_mw=0",
            ],
            "there is no liquid cooling, which g1 needs",
        ),
        (
            [
                "--gpus", "3000", "--start", "2025-01", "--term", "24", "--single-fabric", "--set",
                "sites.max_cluster_gpus=1000",
            ],
            "the largest cluster on one fabric is 1,000 GPUs, it needs 3,000 GPUs",
        ),
    ],
)
def test_a_deal_that_cannot_be_served_says_what_stops_it(asked: list[str], said: str) -> None:
    told = json.loads(run("quote", TINY, "--gpu", "g1", *asked, "--json"))
    assert told["answer"] == "cannot be served at any rate"
    assert said in told["note"]
    assert "[inquiry]" not in told["note"], "the rows of an inquiry cannot be changed by --set"


def test_a_deal_that_what_is_committed_leaves_no_room_for_says_so() -> None:
    asked = [
        "--gpus", "4000", "--start", "2025-01", "--term", "24", "--set", "leases.committed[alpha]=yes", "--set",
        "leases.min_size[alpha]=4000",
    ]
    told = json.loads(run("quote", TINY, "--gpu", "g1", *asked, "--json"))
    assert told["answer"] == "cannot be served at any rate"
    assert "too little: power" in told["note"]
    assert "lease alpha is committed at 4,000 GPUs" in told["note"]


def test_a_deal_that_begins_before_the_case_says_what_is_counted() -> None:
    asked = ["--gpu", "g1", "--gpus", "100", "--start", "2024-06", "--term", "24"]
    assert (
        "it begins in 2024-06, before the case starts in 2025-01: only the 17 months from then on are counted, of 24"
        in json.loads(run("quote", TINY, *asked, "--json"))["note"]
    )
    assert "it begins in 2024-06, before the case starts" in " ".join(run("quote", TINY, *asked).split())


def test_futures_are_told(tmp_path: Path) -> None:
    told = json.loads(run("quote", TINY, *BETA, "--scenarios", "16", "--json"))
    risk = told["risk"]
    # Nothing is stochastic in this case but what happens at the rate itself: every future is the base case.
    assert risk["mean_rate"] == pytest.approx(told["floor"], rel=1e-6)
    assert risk["tail_rate"] == pytest.approx(told["floor"], rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--gpu", "g2", "--gpus", "10", "--start", "2026-01", "--term", "12"], "use one of: g1"),
        (["--gpus", "10", "--start", "2026-01", "--term", "12"], "without a SKU"),
        (["--gpu", "g1", "--gpus", "10", "--start", "2026-01"], "needs term_months"),
        (["--gpu", "g1", "--gpus", "10", "--mw", "3", "--start", "2026-01", "--term", "12"], "either gpus"),
        (["--gpu", "g1", "--gpus", "10", "--start", "2026-01", "--term", "12", "--sites", "quary"], "did you mean"),
    ],
)
def test_errors_end_with_the_remedy(arguments: list[str], why: str) -> None:
    with pytest.raises(PlannerError, match=why):
        run("quote", TINY, *arguments)


def test_faults_of_a_file_name_row_and_column(tmp_path: Path) -> None:
    asked = tmp_path / "asked.csv"
    asked.write_text("name,gpu,gpus,start,term_months\na,g1,many,2025-01,24\nb,,5,2025-01,24\n")
    with pytest.raises(PlannerError, match=r"(?s)row 2, column gpus.*row 3"):
        run("quote", TINY, "--inquiries", str(asked))


def test_breakeven(tmp_path: Path) -> None:
    told = json.loads(run("breakeven", TINY, "--term", "24", "--json", "--out", str(tmp_path / "b.csv")))
    assert {row["power_path"] for row in told} == {"grid:p1", "grid:p1 until cells:p1", "cells:p1"}
    assert [row["rate_npv_zero"] for row in told] == sorted(row["rate_npv_zero"] for row in told)
    assert len(pd.read_csv(tmp_path / "b.csv")) == 3
    shown = run("breakeven", TINY, "--term", "24")
    assert "grid:p1" in shown
    assert "cells:p1" not in shown  # the cheapest path alone; the files have all
    assert "have 2 more" in " ".join(shown.split())
