"""What moved between two runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.reporting.compare import differences
from planner.reporting.findings import findings_of_run

Made = Callable[..., tuple[Path, Path, Any]]


def test_changes_by_line_add_to_the_change_of_npv(made: Made) -> None:
    before, after = (findings_of_run(made(name)[1], made(name)[0]) for name in ("changed", "starting"))
    moved = differences(before, after)
    assert moved.lines["change_usd"].sum() == pytest.approx(
        made("starting")[2].npv_usd - made("changed")[2].npv_usd, rel=1e-9
    )
    assert moved.lines["before_usd"].sum() == pytest.approx(made("changed")[2].npv_usd, rel=1e-9)


def test_what_was_edited_is_what_differs_in_the_case(made: Made) -> None:
    before, after = (findings_of_run(made(name)[1], made(name)[0]) for name in ("changed", "starting"))
    moved = differences(before, after)
    cells = {(row.table, row.what): (row.before, row.after) for row in moved.cases.itertuples()}
    assert cells == {
        ("case", "discount_rate"): ("0.12", "0.1"), ("leases", "lab_training max_size"): ("4000.0", "8000.0")
    }
    assert moved.options["option"].tolist() == ["edits"]
    lease = moved.leases.set_index("lease_id").loc["lab_training"]
    assert lease["size_before"] <= 4000.0 < lease["size_after"]


def test_nothing_moves_from_a_run_to_itself(made: Made) -> None:
    folder, run, _ = made("starting")
    found = findings_of_run(run, folder)
    moved = differences(found, found)
    assert not moved.lines["change_usd"].any()
    for table in (moved.sites, moved.leases, moved.cases, moved.options):
        assert table.empty


def test_rows_that_stand_in_one_case_alone_are_named(made: Made) -> None:
    before, after = (findings_of_run(made(name)[1], made(name)[0]) for name in ("one site", "starting"))
    only = differences(before, after).cases
    assert ("sites", "mesa", "", "there") in set(only.itertuples(index=False, name=None))
