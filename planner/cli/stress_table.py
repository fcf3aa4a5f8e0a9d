"""The named stresses of a score, for the terminal: what each does to the leading portfolio as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


def stress_table(row: pd.Series) -> Table | None:
    """NPV, its change and the limits broken under each stress of a row of scores; None for a case without stresses."""
    from rich.table import Table

    from planner.wording import millions

    names = [
        name for name in row.index
        if name.startswith("npv_") and name.endswith("_usd") and name != "npv_losses_carried_usd"
    ]
    if not names:
        return None
    table = Table(
        title=f"portfolio {row['portfolio']} as it stands, under named stresses in the base case", title_justify="left"
    )
    table.add_column("stress")
    for header in ("NPV", "change", "limits it then breaks"):
        table.add_column(header, justify="right")
    for name in names:
        stress, npv = name.removeprefix("npv_").removesuffix("_usd"), float(row[name])
        broken = row.get(f"limits_broken_{stress}", 0)
        known = npv == npv
        change = millions(npv - float(row["base_npv_usd"])) if known else ""
        table.add_row(stress, millions(npv) if known else "cannot be had", change, str(int(broken)) if broken else "")
    return table
