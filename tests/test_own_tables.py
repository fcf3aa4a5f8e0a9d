"""Tables of ours read back: names stay names, and a table without rows can be summed and ranked."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from planner.storage.own_tables import no_rows, read_own_table

NAMES = ["NA", "None", "nan", "NaN", "null", "1e5", "007", "TRUE", "-", "inf", "2027-01", "n/a", ""]


def test_names_come_back_as_they_were_written(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": NAMES, "usd": [float(place) for place in range(len(NAMES))]})
    table.loc[3, "usd"] = float("nan")
    table.to_csv(tmp_path / "t.csv", index=False)
    found = read_own_table(tmp_path / "t.csv", is_number=lambda column: column == "usd")
    assert found["name"].tolist() == NAMES
    assert found["usd"].isna().tolist() == [place == 3 for place in range(len(NAMES))]
    assert found["usd"].sum() == table["usd"].sum()


@pytest.mark.parametrize("how", ["read", "made"])
def test_a_table_without_rows_ranks_and_sums_to_nothing(tmp_path: Path, how: str) -> None:
    (tmp_path / "t.csv").write_text("name,usd\n")
    found = (
        read_own_table(tmp_path / "t.csv", is_number=lambda column: column == "usd") if how == "read"
        else no_rows(["name"], ["usd"])
    )
    assert found.nlargest(3, "usd").empty
    assert float(found["usd"].sum()) == 0.0
    assert found["name"].str.startswith("a").tolist() == []
