"""A phase of power as its contract reads: when it comes and ends, what is contracted, what a MWh and a MW cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from planner.auditing.curves import Price, or_zero, price
from planner.auditing.published import Published, Row

EXPECTED_DELAY = {
    ("grid", "announced"): (0, 9, 36), ("grid", "studied"): (0, 9, 36), ("grid", "approved"): (0, 3, 12),
    ("site", "announced"): (0, 3, 12), ("site", "studied"): (0, 3, 12), ("site", "approved"): (0, 1, 6),
    ("grid", "energised"): (0, 0, 0), ("site", "energised"): (0, 0, 0),
}
"""Least, likeliest and greatest months late where a row gives none: connections to the grid, and plant on the site."""


HOURS_IN_A_YEAR = 365.0 * 24.0


@dataclass(frozen=True)
class Phase:
    """One row of `power`, with the MW of it that the plan contracts and ends early."""

    run: Published
    row: Row
    contracted_mw: float
    ended: tuple[tuple[int, float], ...]

    @property
    def site(self) -> str:
        """The site that it feeds."""
        return str(self.row["site_id"])

    @property
    def name(self) -> str:
        """SOURCE:PHASE, as the published tables write it."""
        return f"{self.row['source_id']}:{self.row['phase']}"

    @property
    def promised(self) -> int:
        """Month promised for its first power; negative before the start."""
        return self.run.months.index(self.row["energised"])

    @property
    def uncommitted(self) -> bool:
        """Whether nothing of it is contracted or there before the case: it can be had or left, and not before its lead
        is over."""
        return self.row["status"] != "energised" and not self.row["committed_mw"]

    @property
    def due(self) -> int:
        """Month by which its supplier has to deliver: as promised, or after its lead where that is later."""
        return max(self.promised, int(self.row["lead_months"])) if self.uncommitted else max(self.promised, 0)

    @cached_property
    def energised(self) -> int:
        """Month of its first power: as promised, or later by its mean delay in whole months, rounded up."""
        late = 0
        if self.run.base != "announced":
            given = [self.row[name] for name in ("delay_low_months", "delay_mode_months", "delay_high_months")]
            if None in given:
                given = list(EXPECTED_DELAY["grid" if self.row["kind"] == "grid" else "site", str(self.row["status"])])
            late = math.ceil(sum(given) / 3.0)
        comes = self.promised + late
        return max(comes, int(self.row["lead_months"])) if self.uncommitted else comes

    @property
    def signed(self) -> int:
        """Month of the first commitment to it: its lead before its promise, at the start where that is past or MW are
        contracted already."""
        return 0 if float(self.row["committed_mw"]) > 0.0 else max(self.promised - int(self.row["lead_months"]), 0)

    @property
    def lead(self) -> int:
        """Months over which what is still to be paid for it is spread, up to the month in which it is due."""
        lead = int(self.row["lead_months"])
        return lead if self.uncommitted else min(lead, self.due)

    @property
    def end(self) -> int:
        """First month after its term, which runs from its first power; nothing goes on after the horizon where it has
        no tail."""
        end = self.energised + int(self.row["term_months"])
        return min(end, self.run.months.horizon) if self.run.tail == "none" else end

    @property
    def committed_mw(self) -> float:
        """MW contracted before the case: paid already."""
        return min(float(self.row["committed_mw"]), self.contracted_mw)

    @property
    def new_mw(self) -> float:
        """MW that are still to be paid for; what is there was paid before. Tables hold twelve digits: less than that is
        nothing."""
        new = 0.0 if self.row["status"] == "energised" else self.contracted_mw - self.committed_mw
        return new if new > 1e-9 * self.contracted_mw else 0.0

    @property
    def new_from(self) -> int:
        """First month of power of what is new: a phase that flows before the start is added to at the start."""
        return max(self.energised, 0)

    @property
    def plant_per_mw(self) -> float:
        """MW installed for a MW contracted."""
        installed = self.row["installed_mw"]
        return 1.0 if installed is None else float(installed) / float(self.row["guaranteed_mw"])

    @property
    def deposit_back(self) -> int:
        """Month in which its deposit comes back: the stated one, else with first power."""
        stated = self.row["deposit_returned"]
        return self.run.months.index(stated) if stated else self.new_from

    @property
    def deposited_mw(self) -> float:
        """MW whose deposit comes back: those that stand beyond that month; none whose deposit came back before the
        case, or comes back after a horizon without a tail."""
        if self.run.tail == "none" and self.deposit_back >= self.run.months.horizon:
            return 0.0
        if self.row["deposit_returned"]:
            return self.standing_mw(self.deposit_back) if self.deposit_back >= 0 else 0.0
        return 0.0 if self.row["status"] == "energised" else self.contracted_mw

    @cached_property
    def curtailable_until(self) -> int:
        """Month from which nothing of it is curtailed any more; at once where no hour ever is."""
        if float(self.row["firm_share"]) >= 1.0 or not float(self.row["curtailed_hours_per_year"]):
            return 0
        upgrade = self.row["curtailed_until"]
        return self.run.months.index(upgrade) if upgrade else max(self.end, 0)

    @property
    def stands_behind(self) -> bool:
        """Whether it is a battery or an engine that makes other power firm."""
        return str(self.row["kind"]) in ("battery", "backup_engine")

    def parts(self, month: int) -> dict[bool, float]:
        """Shares of its MW in a month: of what may be curtailed (True) and of what may not."""
        firm = float(self.row["firm_share"]) if month < self.curtailable_until else 1.0
        return {False: firm, True: 1.0 - firm}

    def served(self, month: int) -> float:
        """Share of the hours of a month in which the part that may be curtailed has power."""
        if month >= self.curtailable_until:
            return 1.0
        return 1.0 - float(self.row["curtailed_hours_per_year"]) / HOURS_IN_A_YEAR

    def standing_mw(self, month: int) -> float:
        """MW under contract in a month: what is contracted less what has been ended early."""
        return self.contracted_mw - sum(mw for ends, mw in self.ended if ends <= month)

    def exit_usd_per_kw(self, month: int) -> float | None:
        """What ending its contract before a month costs; None where it cannot be ended then."""
        by_age = [
            row for row in self.run.case["exit_fees"]
            if (row["source_id"], row["phase"]) == (self.row["source_id"], self.row["phase"])
        ]
        if not by_age:
            return self.row["exit_fee_usd_per_kw"]
        year = (month - self.energised) // 12 + 1
        begun = [row for row in by_age if row["contract_year"] <= year]
        return max(begun, key=lambda row: row["contract_year"])["usd_per_kw"] if begun else None

    @cached_property
    def first_fee_month(self) -> int:
        """Month of the first fee: the contract's or that of the first power."""
        if self.row["fee_from"] == "energised":
            return self.energised
        return self.run.months.index(self.row["contract_month"]) if self.row["contract_month"] else 0

    def fee_usd_per_mw(self, month: int) -> float:
        """Fee of a contracted MW in a month, which rises at each anniversary of the first."""
        if not self.first_fee_month <= month < self.end:
            return 0.0
        on = self.plant_per_mw if self.row["fee_on"] == "installed" else 1.0
        return float(
            1000.0 * self.row["fee_usd_per_kw_month"] * on
            * (1.0 + self.row["fee_escalator"]) ** ((month - self.first_fee_month) // 12)
        )

    @cached_property
    def _prices(self) -> tuple[Price, Price]:
        return price(
            self.run, self.row, "energy_usd_per_mwh", "energy_curve"
        ), price(self.run, self.row, "gas_usd_per_mmbtu", "gas_curve")

    def fuel_usd_per_mwh(self, month: int) -> float:
        """Fuel burned for a MWh."""
        gas = self._prices[1](month)
        return float(self.row["heat_rate_mmbtu_per_mwh"] * (or_zero(gas) + self.row["fuel_adder_usd_per_mmbtu"]))

    def other_usd_per_mwh(self, month: int) -> float:
        """What a MWh costs beside its fuel."""
        energy = self._prices[0](month)
        return or_zero(energy) + float(self.row["variable_om_usd_per_mwh"])

    def delivered(self, month: int) -> bool:
        """Whether it has power in a month."""
        return self.energised <= month < self.end


def phases(run: Published) -> dict[str, Phase]:
    """Every phase of the case by its name source:phase, with the MW that the run publishes."""
    published = {row["phase"]: row for row in run.power}
    found = {}
    for row in run.case["power"]:
        name = f"{row['source_id']}:{row['phase']}"
        ended = tuple((holding.start, holding.level) for holding in run.held("exit") if holding.phase == name)
        mw = float(published[name]["contracted_mw"]) if name in published else 0.0
        found[name] = Phase(run, row, mw, ended)
    return found
