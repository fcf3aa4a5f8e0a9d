"""`planner sweep` and `planner alternatives` from end to end: what they print, write and end with."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from command_line import Run

from planner.case.starting import starting_case
from planner.case.write import write_case

TINY = Path(__file__).parents[2] / "fixtures" / "tiny"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starting case as a folder."""
    path = tmp_path_factory.mktemp("cases") / "start"
    write_case(starting_case(), path)
    return path


def test_a_sweep_prints_and_writes_its_points(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "swept"
    ended = run("sweep", folder, "--set", "gpu_price=0.8,1.2", "--out", out, "--workers", 1)
    assert ended.code == 0, ended.err
    assert "2 of 2 points" in ended.out
    assert "foresight" in ended.out
    assert f"written to {out}" in ended.out
    table = pd.read_csv(out / "points.csv", dtype={"gpu_price": str})
    assert table["gpu_price"].tolist() == ["0.8", "1.2"]
    record = json.loads((out / "sweep.json").read_text())
    assert record["axes"] == [{"name": "gpu_price", "values": ["0.8", "1.2"]}]
    again = run("sweep", folder, "--set", "gpu_price=0.8,1.2", "--out", out)
    assert again.code == 2
    assert "--force" in again.err


def test_a_sweep_as_json_is_its_table(run: Run, folder: Path) -> None:
    ended = run("sweep", folder, "--set", "gpu_price=0.8,1.2", "--workers", 1, "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert [row["gpu_price"] for row in found["table"]] == ["0.8", "1.2"]
    for row in found["table"]:
        assert row["worth_of_redoing_usd"] == pytest.approx(row["redone_npv_usd"] - row["held_npv_usd"], abs=1e-3)


def test_the_list_names_what_can_be_set(run: Run, folder: Path) -> None:
    shown = run("sweep", folder, "--list")
    assert shown.code == 0
    found = json.loads(run("sweep", folder, "--list", "--json").out)
    names = [factor["name"] for factor in found["factors"]]
    assert "gpu_price" in names
    for name in names:
        assert name in shown.out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "nothing is varied"),
        (("--set", "gpu_prise=1,2"), "did you mean"),
        (("--set", "gpu_price=1,2", "--resume"), "name that folder"),
        (("--set", "tax_rate=0.2,7"), "tax_rate"),
    ],
)
def test_what_cannot_be_swept_is_told(run: Run, folder: Path, arguments: tuple[str, ...], why: str) -> None:
    ended = run("sweep", folder, *arguments)
    assert ended.code == 2
    assert why in ended.err


def test_alternatives_print_and_write(run: Run, tmp_path: Path) -> None:
    out, folder = tmp_path / "near", TINY
    ended = run("alternatives", folder, "--within", "2%", "--out", out, "--count", 1)
    assert ended.code == 0, ended.err
    assert "sites over all plans within the loss" in ended.out
    record = json.loads((out / "alternatives.json").read_text())
    assert record["within"] == pytest.approx(0.02)
    sites = pd.read_csv(out / "sites.csv")
    assert (sites["least_mw"] <= sites["best_mw"] + 1e-6).all()
    assert (sites["most_mw"] >= sites["best_mw"] - 1e-6).all()
    found = json.loads(run("alternatives", folder, "--within", "0.02", "--count", 0, "--json").out)
    assert [row["site_id"] for row in found["sites"]] == sites["site_id"].tolist()
    wrong = run("alternatives", folder, "--within", "much")
    assert wrong.code == 2
    assert "write 20% or 0.2" in wrong.err
