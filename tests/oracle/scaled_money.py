"""A case in another currency: every amount of money in it times one factor, as the declared units of its columns
say."""

from __future__ import annotations

from dataclasses import replace

from planner.case.case import Case
from planner.case.tables import TABLES


def scaled_money(case: Case, factor: float) -> Case:
    """The same case with all its money times a factor."""
    tables = {}
    curves: set[str] = set()
    for name, frame in case.tables.items():
        found = frame.copy()
        for column in TABLES[name].columns:
            if "$" in column.unit and column.name in found:
                found[column.name] = found[column.name] * factor
            elif (
                column.scalar_of is not None and "$" in TABLES[name].column(column.scalar_of).unit
                and column.name in found
            ):
                curves |= set(found[column.name].dropna().astype(str)) - {""}
        tables[name] = found
    of_money = tables["curves"]["curve_id"].isin(curves)
    tables["curves"].loc[of_money, "value"] *= factor
    settings = replace(case.settings, tail_rent_usd_per_kw_month=case.settings.tail_rent_usd_per_kw_month * factor)
    return Case(settings, tables)
