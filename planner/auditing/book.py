"""The book itself: every dollar with its site, line and month, and how large the sums were that made it up."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

Place = tuple[str, str, int]
"""Site ("(company)" where it is no site's), line, month."""

COMPANY = "(company)"


@dataclass
class Book:
    """Dollars posted by site, line and month; money in is positive."""

    usd: defaultdict[Place, float] = field(default_factory=lambda: defaultdict(float))
    gross: defaultdict[Place, float] = field(default_factory=lambda: defaultdict(float))

    def post(self, site: str, line: str, month: int, usd: float) -> None:
        """Enter an amount; what would fall before the start was paid before the case and is left out."""
        if month >= 0 and usd:
            self.usd[site, line, month] += usd
            self.gross[site, line, month] += abs(usd)

    @property
    def last_month(self) -> int:
        """The last month in which anything is posted; -1 when nothing is."""
        return max((month for (_, _, month), usd in self.usd.items() if usd), default=-1)

    def by_month(self, lines: tuple[str, ...]) -> dict[int, float]:
        """The sum of some lines over all sites, by month."""
        found: defaultdict[int, float] = defaultdict(float)
        for (_, line, month), usd in self.usd.items():
            if line in lines:
                found[month] += usd
        return dict(found)
