"""Names by which a sweep varies a case: multipliers of prices and amounts, and a few numbers in their own unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import pandas as pd

from planner.case.case import Case
from planner.case.factor_names import target_of
from planner.case.reading.given import shown
from planner.case.tables import TABLES


class Meaning(Enum):
    """What the number of a factor does to what it names; the value is the word for it."""

    MULTIPLIER = "multiplier"
    VALUE = "value"
    ADDED_MONTHS = "months added"


@dataclass(frozen=True)
class Column:
    """A column that a factor moves, with the column of its curve twin ("" for none) and the rows it takes.

    where: a column and its value, None for all rows. at_most: multiplied values go no further.
    """

    table: str
    name: str
    curve: str = ""
    where: tuple[str, str] | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Factor:
    """Something that can be varied by name: what it means, how its number is read, and the columns it moves."""

    name: str
    says: str
    meaning: Meaning
    columns: tuple[Column, ...]
    curves: tuple[str, ...] = ()

    def edits_at(self, case: Case, number: float) -> tuple[str, ...]:
        """The edits of the case that set the factor to a number; none for a multiplier of 1 or no months added."""
        if self.meaning is Meaning.MULTIPLIER:
            if number == 1.0:
                return ()
            return tuple(_multiplied(case, self, number))
        if self.meaning is Meaning.ADDED_MONTHS and number == 0.0:
            return ()
        sign = "=" if self.meaning is Meaning.VALUE else "+="
        return tuple(f"{column.table}.{column.name}{_brackets(column)}{sign}{number:.10g}" for column in self.columns)


_MULTIPLIERS: tuple[tuple[str, str, tuple[Column, ...]], ...] = (
    ("gpu_price", "on-demand prices of all GPUs", (Column("market", "usd_per_gpu_hour", "price_curve"),)),
    ("utilisation", "on-demand utilisation, to full use at most", (Column("market", "utilisation", at_most=1.0),)),
    ("market_depth", "GPUs that the on-demand market takes", (Column("market", "depth_gpus"),)),
    (
        "lease_rate", "rates of all leases not yet signed",
        (Column("lease_rates", "usd_per_gpu_hour"), Column("leases", "usd_per_kw_month")),
    ),
    ("gas_price", "gas", (Column("power", "gas_usd_per_mmbtu", "gas_curve"),)),
    ("power_price", "energy bought by the MWh", (Column("power", "energy_usd_per_mwh", "energy_curve"),)),
    ("power_fee", "monthly fees of power", (Column("power", "fee_usd_per_kw_month"),)),
    ("hashprice", "what mining earns", (Column("mining", "hashprice_usd_per_ph_day", "hashprice_curve"),)),
    ("gpu_capex", "prices of GPUs", (Column("gpus", "capex_usd", "capex_curve"),)),
    (
        "hall_capex", "cost of new and converted halls",
        (Column("sites", "shell_capex_usd_per_kw"), Column("sites", "conversion_capex_usd_per_kw")),
    ),
    ("gpu_supply", "GPUs that can be had by quarter", (Column("gpu_supply", "max_gpus"),)),
    ("capital", "new capital by quarter", (Column("budget", "new_capital_usd"),)),
)


def sweep_factors(case: Case) -> list[Factor]:
    """What can be varied by name in a case: the factors of its own table first, then those that every case may have."""
    found = {factor.name: factor for factor in _own(case)}
    for name, says, columns in _MULTIPLIERS:
        factor = Factor(name, says, Meaning.MULTIPLIER, columns)
        if name not in found and any(_rows(case, column).any() for column in columns):
            found[name] = factor
    for factor in (
        *_by_kind(case),
        Factor("discount_rate", "discount rate a year", Meaning.VALUE, (Column("case", "discount_rate"),)),
        Factor("tax_rate", "tax rate", Meaning.VALUE, (Column("case", "tax_rate"),)),
    ):
        found.setdefault(factor.name, factor)
    return list(found.values())


def _own(case: Case) -> Iterator[Factor]:
    """Factors of the case's own table that multiply something: what they drive, held at a multiple over all months."""
    table = case.tables["factors"]
    for name, drives in zip(table["factor_id"], table["drives"], strict=True):
        target = target_of(drives)
        if target is None:
            continue
        says = f"what the factor drives: {drives}"
        where = None if target.name == "" else ("gpu_id", target.name)
        if target.word == "market":
            yield Factor(name, says, Meaning.MULTIPLIER, (Column("market", "usd_per_gpu_hour", "price_curve", where),))
        elif target.word == "utilisation":
            yield Factor(name, says, Meaning.MULTIPLIER, (Column("market", "utilisation", where=where, at_most=1.0),))
        elif target.word == "hashprice":
            yield Factor(
                name, says, Meaning.MULTIPLIER, (Column("mining", "hashprice_usd_per_ph_day", "hashprice_curve"),)
            )
        elif target.word == "curves":
            yield Factor(name, says, Meaning.MULTIPLIER, (), (target.name,))


def _by_kind(case: Case) -> Iterator[Factor]:
    """Term, fee and lateness of each kind of power that the case has."""
    power = case.tables["power"]
    for kind in dict.fromkeys(power["kind"]):
        rows = power[power["kind"] == kind]
        where, words = ("kind", str(kind)), str(kind).replace("_", " ")
        yield Factor(
            f"{kind}_term", f"months of term of all {words} power", Meaning.VALUE,
            (Column("power", "term_months", where=where),),
        )
        if (rows["fee_usd_per_kw_month"].fillna(0.0) > 0.0).any():
            yield Factor(
                f"{kind}_fee", f"monthly fee of all {words} power, $/kW-month", Meaning.VALUE,
                (Column("power", "fee_usd_per_kw_month", where=where),),
            )
        if (rows["status"] != "energised").any():
            yield Factor(
                f"{kind}_late", f"months by which all {words} power still to come is later", Meaning.ADDED_MONTHS,
                (Column("power", "energised", where=where),),
            )


def _brackets(column: Column) -> str:
    return "" if column.where is None else f"[{column.where[0]}={column.where[1]}]"


def _rows(case: Case, column: Column) -> pd.Series:
    """Rows of a column that a multiplier moves: those with a number that is not 0, or with a curve; not signed
    leases."""
    frame = case.tables[column.table]
    values = pd.to_numeric(frame[column.name]).fillna(0.0)
    chosen = values != 0.0
    if column.curve:
        chosen |= frame[column.curve] != ""
    if column.where is not None:
        chosen &= frame[column.where[0]] == column.where[1]
    if "lease_id" in frame and column.table in ("leases", "lease_rates"):
        leases = case.tables["leases"]
        chosen &= ~frame["lease_id"].isin(leases["lease_id"][leases["signed"]])
    return chosen


def _multiplied(case: Case, factor: Factor, number: float) -> Iterator[str]:
    """Every cell and every curve multiplied once, row by row: some rows of a table have a number, others a curve."""
    curves = dict.fromkeys(factor.curves)
    for column in factor.columns:
        frame = case.tables[column.table][_rows(case, column)]
        key = TABLES[column.table].key
        for row in frame.to_dict("records"):
            if column.curve and row[column.curve]:
                curves[str(row[column.curve])] = None
                continue
            cell = f"{column.table}.{column.name}[{':'.join(shown(row[part]) for part in key)}]"
            if column.at_most is not None:
                yield f"{cell}={min(float(row[column.name]) * number, column.at_most)!r}"
            else:
                yield f"{cell}*={number:.10g}"
    for curve in curves:
        yield f"curves.value[{curve}]*={number:.10g}"
