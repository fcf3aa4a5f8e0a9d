"""Names of a case by row, where a table leaves the candidates: sites, SKUs, leases, customers, phases, months."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from planner.arrays import Ints, Texts
from planner.candidates.outlook import Outlook


@dataclass(frozen=True)
class Names:
    """Names by row of each table; the last entry, which NO_ROW takes, is "". phases: SOURCE:PHASE."""

    sites: Texts
    gpus: Texts
    leases: Texts
    tranches: Texts
    customers: Texts
    phases: Texts
    written: Callable[[int], str]

    @staticmethod
    def of(outlook: Outlook) -> Names:
        """The names of an outlook's case."""
        tables = outlook.tables
        power = tables["power"]
        return Names(
            _with_blank(tables["sites"].texts("site_id")), _with_blank(tables["gpus"].texts("gpu_id")),
            _with_blank(tables["leases"].texts("lease_id")), _with_blank(tables["lease_tranches"].texts("tranche")),
            _with_blank(tables["customers"].texts("customer_id")),
            _with_blank(joined(power.texts("source_id"), power.texts("phase"))), outlook.calendar.written,
        )

    def site(self, at: int) -> str:
        """Name of a site by its row."""
        return str(self.sites[at])

    def gpu(self, at: int) -> str:
        """Name of a SKU by its row."""
        return str(self.gpus[at])

    def lease(self, at: int) -> str:
        """Name of a lease by its row."""
        return str(self.leases[at])

    def customer(self, at: int) -> str:
        """Name of a customer by its row."""
        return str(self.customers[at])

    def phase(self, at: int) -> str:
        """Name of a phase, SOURCE:PHASE, by its row in `power`."""
        return str(self.phases[at])

    def place(self, site: int, gpu: int) -> str:
        """SITE:GPU, the name of the stock of GPUs of a SKU at a site."""
        return f"{self.sites[site]}:{self.gpus[gpu]}"

    def months(self, months: Ints) -> list[str]:
        """Months as they are written."""
        known = {month: self.written(month) for month in np.unique(months).tolist()}
        return [known[month] for month in months.tolist()]


def joined(first: Iterable[str], *rest: Iterable[str]) -> list[str]:
    """Names made of several, row by row, joined by a colon: the reader lets no name of a case hold one, so no two of
    them merge."""
    return [":".join(parts) for parts in zip(first, *rest, strict=True)]


def _with_blank(names: Iterable[str]) -> Texts:
    found = [*names, ""]
    array = np.empty(len(found), dtype=object)
    array[:] = found
    return array
