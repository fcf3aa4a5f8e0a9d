"""Tax years of a case, and the present value of taxes when losses are carried forward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.reference.paths import tax_with_losses_carried
from planner.arrays import Floats, Ints
from planner.candidates.outlook import Outlook

NOTHING = 1e-9
"""Share of a tax year's largest part below which nothing is taxable in another part of it: what rounding leaves."""


@dataclass(frozen=True)
class TaxYears:
    """Twelve months each from the start of the case to the end of the tail, in parts that are discounted alike.

    A tax year of the tail can lie in two years of the tail, which are discounted at their middles. starts: first month
    of each part; year: number of its tax year; discount: factor of its last month; each of shape (parts,).
    """

    starts: Ints
    year: Ints
    discount: Floats

    @staticmethod
    def of(outlook: Outlook) -> TaxYears:
        """The tax years of an outlook."""
        month = np.arange(outlook.months)
        period = np.where(month < outlook.horizon, -1, (month - outlook.horizon) // 12)
        starts = np.flatnonzero((np.diff(month // 12, prepend=-1) != 0) | (np.diff(period, prepend=-2) != 0))
        last = np.append(starts[1:], outlook.months) - 1
        return TaxYears(starts, starts // 12, outlook.discount[last])

    def tax_pv(self, taxable: Floats, tax_rate: float) -> Floats:
        """Present value of the tax on taxable income by part (..., parts), losses carried forward: shape (...).

        The tax of a year falls in its last month; of the year in which income ends, in the last part that has any.
        Each row's sum is formed by itself, whatever stands beside it.
        """
        first = np.flatnonzero(np.diff(self.year, prepend=-1))
        tax, _ = tax_with_losses_carried(np.add.reduceat(taxable, first, axis=-1), tax_rate=tax_rate)
        paid = np.zeros(taxable.shape[:-1])
        for at, (start, end) in enumerate(zip(first, np.append(first[1:], len(self.year)), strict=True)):
            part = np.abs(taxable[..., start:end])
            some = part > NOTHING * part.max(axis=-1, keepdims=True)
            last = end - 1 - np.argmax(some[..., ::-1], axis=-1)
            paid = paid + tax[..., at] * self.discount[np.where(some.any(axis=-1), last, end - 1)]
        return paid
