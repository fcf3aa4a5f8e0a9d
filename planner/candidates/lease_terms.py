"""What a lease pays and when: its ramp, its rate, its prepayment, its end by notice, its next term."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.candidates.outlook import HOURS_BILLED_730, Floats, Ints, Outlook
from planner.candidates.workshop import Workshop


class LeaseTerms:
    """Paths of leases in the path book, by lease and by the month in which the term begins."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.outlook: Outlook = shop.outlook
        tables = shop.outlook.case.tables
        self.leases = tables["leases"].set_index("lease_id", drop=False)
        self.ramps = {str(name): rows for name, rows in tables["lease_ramp"].groupby("lease_id")}

    def shares(self, lease_id: str, term_start: int, column: str) -> Floats:
        """`size_share` or `rate_share` of a lease by month, 1 after its ramp, shape (M,)."""
        share = np.ones(self.outlook.months)
        if lease_id in self.ramps:
            rows = self.ramps[lease_id]
            month = rows["month_of_term"].to_numpy(np.int64) + term_start
            inside = (month >= 0) & (month < self.outlook.months)
            share[month[inside]] = rows[column].to_numpy(np.float64)[inside]
        return share

    def billed(self, lease_id: str) -> Floats:
        """Hours billed by month for a cluster, 1 for a hall, shape (M,)."""
        lease = self.leases.loc[lease_id]
        if lease["kind"] == "hosting":
            return np.ones(self.outlook.months)
        return np.full(self.outlook.months, HOURS_BILLED_730) if lease["billing_hours"] == "730" else self.outlook.hours

    def first_rate_income(self, lease_id: str, term_start: int) -> Floats:
        """Income by month for $1 of rate at the first rate, before escalation and default, shape (M,)."""
        lease = self.leases.loc[lease_id]
        used = max(float(lease["take_or_pay"]), float(lease["utilisation"]))
        size = self.shares(lease_id, term_start, "size_share") * self.shares(lease_id, term_start, "rate_share")
        return self.billed(lease_id) * size * used

    def escalation(self, lease_id: str, term_start: int) -> Floats:
        """Rate by month over the first rate, risen at each anniversary of the term, shape (M,)."""
        years = np.maximum((np.arange(self.outlook.months) - term_start) // 12, 0)
        factor: Floats = (1.0 + float(self.leases.loc[lease_id]["escalator"])) ** years
        return factor

    def income_path(self, lease_id: str, term_start: int) -> int:
        """Path of expected income for $1 of rate: billed hours x ramp x escalator x share used x income after defaults."""
        customer = str(self.leases.loc[lease_id]["customer_id"])
        return self.shop.paths.number(
            ("income", lease_id, term_start),
            lambda: self.first_rate_income(lease_id, term_start)
            * self.escalation(lease_id, term_start)
            * self.outlook.income_share[customer],
        )

    def credit_path(self, lease_id: str, term_start: int) -> int:
        """Path by which a prepayment is credited: income at the first rate."""
        return self.shop.paths.number(("credit", lease_id, term_start), lambda: self.first_rate_income(lease_id, term_start))

    def ramped_path(self, lease_id: str, term_start: int, path: int) -> int:
        """Another path times the share of the lease's size that stands."""
        if lease_id not in self.ramps:
            return path
        return self.shop.paths.number(
            ("ramped", lease_id, term_start, path),
            lambda: self.shop.paths.row(path) * self.shares(lease_id, term_start, "size_share"),
        )

    def relet_path(self, gpu_id: str) -> int:
        """Path of what a GPU earns in an hour-month when it is let again at a fraction of the market."""

        def make() -> Floats:
            if gpu_id not in self.outlook.market_top:
                return np.zeros(self.outlook.months)
            price, utilisation = self.outlook.market_top[gpu_id]
            return self.outlook.case.settings.relet_fraction * price * utilisation * self.outlook.hours

        return self.shop.paths.number(("relet", gpu_id), make)

    def notice_end(self, lease_id: str, gpu_id: str, rate: float, start: int, end: int) -> int:
        """Month in which the contract ends because notice was given; `end` when it is not.

        The customer gives notice in the first month, after those that the contract protects, in which the market
        stands more than the margin below the rate; the contract ends after the months of notice.
        """
        lease = self.leases.loc[lease_id]
        if pd.isna(lease["notice_months"]) or gpu_id not in self.outlook.market_top:
            return end
        price, _ = self.outlook.market_top[gpu_id]
        contract = rate * self.escalation(lease_id, start)
        fallen = price < contract * (1.0 - float(lease["notice_margin"]))
        fallen[: max(start + int(lease["notice_from_month"]), 0)] = False
        given = np.flatnonzero(fallen)
        return end if not len(given) else min(int(given[0]) + int(lease["notice_months"]), end)

    def renewal_path(self, lease_id: str, term_start: int, start: int) -> int:
        """Path of the next term's expected income for $1 of the first rate, before its probability."""
        lease = self.leases.loc[lease_id]
        used = max(float(lease["take_or_pay"]), float(lease["utilisation"]))
        last = float(self.escalation(lease_id, term_start)[min(start, self.outlook.months) - 1])
        rate = last * float(lease["renewal_rate_share"])
        customer = str(lease["customer_id"])
        return self.shop.paths.number(
            ("renewal", lease_id, term_start, start),
            lambda: self.billed(lease_id) * used * rate * self.escalation(lease_id, start) * self.outlook.income_share[customer],
        )

    def standing(self, rows: pd.DataFrame) -> pd.DataFrame:
        """How much of a unit stands when: columns row, start, end, share, from rows with lease_id, term_start and window."""
        whole = pd.DataFrame(
            {
                "row": np.arange(len(rows)),
                "start": rows["from_month"].to_numpy(np.int64),
                "end": rows["to_month"].to_numpy(np.int64),
                "share": 1.0,
            }
        )
        ramped = rows["lease_id"].isin(list(self.ramps)).to_numpy()
        pieces = [whole[~ramped]]
        for row in np.flatnonzero(ramped):
            pieces.append(self._pieces(int(row), rows.iloc[row]))
        return pd.concat(pieces, ignore_index=True)

    def _pieces(self, number: int, row: pd.Series) -> pd.DataFrame:
        start, end = int(row["from_month"]), int(row["to_month"])
        share = self.shares(str(row["lease_id"]), int(row["term_start"]), "size_share")[start:end]
        edges: Ints = np.concatenate([[0], np.flatnonzero(np.diff(share)) + 1, [len(share)]])
        return pd.DataFrame({"row": number, "start": start + edges[:-1], "end": start + edges[1:], "share": share[edges[:-1]]})
