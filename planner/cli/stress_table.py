"""The named stresses of a score, for the terminal: what each does to the leading portfolio as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


def stress_table(row: pd.Series) -> Table | None:
    """NPV, its change and the limits broken under each stress of a row of scores; None for a case without stresses."""
    from planner.cli.terminal import table_of
    from planner.wording import millions

    names = [
        name for name in row.index
        if name.startswith("npv_") and name.endswith("_usd") and name != "npv_losses_carried_usd"
    ]
    if not names:
        return None

    def cells(name: str) -> tuple[str, ...]:
        stress, npv = name.removeprefix("npv_").removesuffix("_usd"), float(row[name])
        broken, known = row.get(f"limits_broken_{stress}", 0), npv == npv
        change = millions(npv - float(row["base_npv_usd"])) if known else ""
        return stress, millions(npv) if known else "cannot be had", change, str(int(broken)) if broken else ""

    title = f"portfolio {row['portfolio']} as it stands, under named stresses in the base case"
    return table_of(title, ("stress", "NPV", "change", "limits it then breaks"), map(cells, names), text={"stress"})
